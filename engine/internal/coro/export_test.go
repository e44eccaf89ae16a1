package coro

// Tick is what the watchdog's timer does.
func (s *Scheduler) Tick() { s.watch.look() }

// GoroutineID is goroutineID.
func GoroutineID() int64 { return goroutineID() }
