package coro_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/internal/coro"
)

// Time is counted in ticks, however long they take, so that a suspended process
// is charged one tick. The test is the clock.
func TestDeadlineIsCountedInTicks(t *testing.T) {
	const ticks = 4
	s := newScheduler(t, coro.Options{Deadline: 24 * time.Hour, Ticks: ticks})
	running, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	s.Go("short", func() {
		running <- struct{}{}
		<-release
		s.Wait(never)
	})
	s.Go("stuck", func() {
		running <- struct{}{}
		<-release
		<-release
	})
	result := make(chan error)
	go func() { result <- s.Run() }()

	<-running
	for range ticks { // the first one only sees the turn begin
		s.Tick()
	}
	release <- struct{}{}
	<-running
	for range ticks {
		s.Tick()
	}
	select {
	case err := <-result:
		t.Fatalf("taken for stuck too early: %v", err)
	default:
	}
	s.Tick()
	var stuck *coro.StuckError
	if err := <-result; !errors.As(err, &stuck) || stuck.Name != "stuck" {
		t.Fatalf("Run: %v", err)
	}
}

// Each turn lasts almost as long as it may, all of them together much longer.
func TestManyShortTurnsAreNotStuck(t *testing.T) {
	const ticks = 4
	s := newScheduler(t, coro.Options{Deadline: 24 * time.Hour, Ticks: ticks})
	s.Go("a", func() {
		for range 10 * ticks {
			for range ticks { // the first one only sees the turn begin
				s.Tick()
			}
			polled := false
			s.Wait(coro.Until(func() bool { was := polled; polled = true; return was }))
		}
	})
	mustRun(t, s)
}

func TestNoDeadline(t *testing.T) {
	s := newScheduler(t, coro.Options{Deadline: -1})
	ran := false
	s.Go("a", func() { ran = true })
	mustRun(t, s)
	if !ran {
		t.Fatal("the coroutine did not run")
	}
}

func BenchmarkGoroutineID(b *testing.B) {
	for b.Loop() {
		coro.GoroutineID()
	}
}
