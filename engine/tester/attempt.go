package tester

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// attempt is one attempt of an activity. Its fields are guarded by the lock.
type attempt struct {
	w    *world
	i    *instance
	ref  int64
	body history.ActivityScheduled
	n    int // from 1

	scheduled, started time.Time
	state              attemptState
	cancel             context.CancelCauseFunc
	timers             []*entry // of timeouts, or of the delay before it starts
	heartbeat          *entry
	deadline           *entry         // of all attempts together
	details            engine.Payload // of the last heartbeat, also of earlier attempts

	// What it came to.
	result engine.Payload
	err    error
}

// attemptState is how far an attempt has come.
//
//	waiting ─► running ⇄ sleeping ─► over
type attemptState int8

const (
	waiting attemptState = iota
	running
	sleeping
	over // it has ended, or nobody wants to know any more
)

// describe says what an attempt does while everybody waits, or "".
func (a *attempt) describe() string {
	what := fmt.Sprintf("activity %q, attempt %d, of %s", a.body.Name, a.n, a.i.id.InstanceID)
	switch a.state {
	case running:
		return what + " is running"
	case sleeping:
		return what + " sleeps"
	case waiting, over:
	}
	return ""
}

func (w *world) schedule(i *instance, s executor.StartActivity) {
	a := &attempt{w: w, i: i, ref: s.Event.Ref, body: s.Body, n: 1, scheduled: s.Event.At}
	if d := s.Body.Timeouts.ScheduleToClose; d > 0 {
		a.deadline = w.clock.at(s.Event.At.Add(d), func() { w.scheduleToClose(i, s.Event.Ref, d) })
	}
	w.enqueue(a)
}

// scheduleToClose answers an activity in place of its attempts.
func (w *world) scheduleToClose(i *instance, ref int64, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := i.attempts[ref]
	if a == nil {
		return
	}
	w.abort(a, activity.ErrTimedOut)
	w.resolved(a)
	failure := w.o.settings.Errors.Failure(timeout(a, "ScheduleToClose", d))
	w.deliver(i, ref, history.ActivityFailed{Failure: failure, Run: history.Run{Attempt: a.n, Scheduled: a.scheduled}})
}

func timeout(a *attempt, which string, d time.Duration) error {
	return fmt.Errorf("activity %q: %w: %s of %s has passed", a.body.Name, engine.ErrTimeout, which, d)
}

func (w *world) enqueue(a *attempt) {
	a.i.attempts[a.ref] = a
	w.queued = append(w.queued, a)
}

// dropAttempt is for an activity that is resolved or canceled.
func (w *world) dropAttempt(i *instance, ref int64) {
	if a := i.attempts[ref]; a != nil {
		w.abort(a, activity.ErrCanceled)
		w.resolved(a)
	}
}

// resolved says that no attempt follows a.
func (w *world) resolved(a *attempt) {
	a.deadline.cancel()
	delete(a.i.attempts, a.ref)
}

// abort cancels the context of an attempt. What it returns is not wanted any more.
func (w *world) abort(a *attempt, cause error) {
	w.awaken(a)
	a.stopTimers()
	a.state = over
	if a.cancel != nil {
		a.cancel(cause)
	}
}

func (a *attempt) stopTimers() {
	for _, t := range a.timers {
		t.cancel()
	}
	a.heartbeat.cancel()
}

// start runs an attempt in a goroutine.
func (w *world) start(a *attempt) {
	act, err := w.activity(a.body.Name)
	if err != nil {
		w.fail(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.state != waiting {
		return
	}
	a.started = w.clock.time()
	ctx, err := a.context()
	if err != nil {
		a.err = err
		w.ended = append(w.ended, a)
		return
	}
	a.arm()
	a.state = running
	w.hold(a)
	w.running++
	w.all.Go(func() {
		returned := false
		defer func() { a.end(returned) }()
		result, err := act.Call(ctx, w.payloads, a.body.Args)
		a.keep(result, err)
		returned = true
	})
}

func (a *attempt) context() (context.Context, error) {
	ctx, err := a.w.o.settings.Extract(a.w.ctx, a.headers())
	if err != nil {
		return nil, err
	}
	ctx, a.cancel = context.WithCancelCause(context.WithValue(ctx, attemptKey{}, a))
	s := &activity.State{
		Info: activity.Task{
			Instance: a.i.id, Workflow: a.i.name, Activity: a.body.Name, ID: a.body.ID, Ref: a.ref, Attempt: a.n,
			Queue: cmp.Or(a.body.Queue, a.i.queue).OrDefault(), Scheduled: a.scheduled, Started: a.started,
			HeartbeatTimeout: a.body.Timeouts.Heartbeat, Worker: "tester", Build: "test",
		},
		Logger: a.w.o.settings.Logger, Payloads: a.w.payloads, Details: a.details, Heartbeat: a.beat,
	}
	if d := a.body.Timeouts.StartToClose; d > 0 {
		s.Info.Deadline = a.started.Add(d)
	}
	return activity.NewContext(ctx, s), nil
}

// headers returns what propagators injected, from both places where it is kept.
func (a *attempt) headers() history.Headers {
	t := a.body.Trace
	if t == (history.Trace{}) {
		return a.body.Headers
	}
	h := history.Headers{"traceparent": t.Parent}
	if t.State != "" {
		h["tracestate"] = t.State
	}
	maps.Copy(h, a.body.Headers)
	return h
}

// arm sets the timeouts of an attempt.
func (a *attempt) arm() {
	if d := a.body.Timeouts.StartToClose; d > 0 {
		a.timers = append(a.timers, a.w.clock.after(d, func() { a.timeOut("StartToClose", d) }))
	}
	a.armHeartbeat()
}

func (a *attempt) armHeartbeat() {
	if d := a.body.Timeouts.Heartbeat; d > 0 {
		a.heartbeat.cancel()
		a.heartbeat = a.w.clock.after(d, func() { a.timeOut("Heartbeat", d) })
	}
}

func (a *attempt) beat(_ context.Context, details engine.Payload) error {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	if a.state == over {
		return nil
	}
	if details != nil {
		a.details = details
	}
	a.armHeartbeat()
	return nil
}

// timeOut fails an attempt that goes on without anybody waiting for it.
func (a *attempt) timeOut(which string, d time.Duration) {
	w := a.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.state == over {
		return
	}
	w.abort(a, activity.ErrTimedOut)
	a.err = timeout(a, which, d)
	w.ended = append(w.ended, a)
}

// keep notes what the function returned, unless that is not wanted any more.
func (a *attempt) keep(result engine.Payload, err error) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	if a.state != over {
		a.result, a.err = result, err
	}
}

// end is the last thing that the goroutine of an attempt does.
func (a *attempt) end(returned bool) {
	w := a.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.awaken(a) // if it went on while we thought it sleeps
	w.running--
	delete(w.held, a)
	w.goexit = w.goexit || !returned
	if a.state != over {
		a.state = over
		a.stopTimers()
		w.ended = append(w.ended, a)
	}
	a.cancel(nil)
	w.signalLoop()
}

// conclude turns what an attempt came to into an event, and the next attempt.
func (w *world) conclude(a *attempt) {
	if a.i.attempts[a.ref] != a {
		return
	}
	run := history.Run{Attempt: a.n, Scheduled: a.scheduled, Started: a.started, Worker: "tester", Build: "test"}
	if a.err == nil {
		w.resolved(a)
		w.deliver(a.i, a.ref, history.ActivityCompleted{Result: a.result, Run: run})
		return
	}
	failure := w.o.settings.Errors.Failure(a.err)
	now := w.clock.time()
	delay, again := a.body.Retry.Retry(a.n, failure, now.Sub(a.scheduled), w.jitter.Float64())
	if !again {
		w.resolved(a)
		w.deliver(a.i, a.ref, history.ActivityFailed{Failure: failure, Run: run})
		return
	}
	next := &attempt{
		w: w, i: a.i, ref: a.ref, body: a.body, n: a.n + 1, scheduled: a.scheduled, deadline: a.deadline, details: a.details,
	}
	w.deliver(a.i, a.ref, history.ActivityAttemptFailed{Failure: failure, Run: run, Next: now.Add(delay)})
	if delay <= 0 {
		w.enqueue(next)
		return
	}
	a.i.attempts[a.ref] = next
	next.timers = append(next.timers, w.clock.after(delay, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.enqueue(next)
	}))
}
