package coro_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/internal/coro"
)

func explode() { panic("boom") }

func TestPanic(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	s.Go("p", explode)
	ran := false
	s.Go("q", func() { ran = true })
	err := s.Run()
	var p *coro.PanicError
	if !errors.As(err, &p) || p.Value != "boom" || p.Name != "p" {
		t.Fatalf("Run: %#v", err)
	}
	if !strings.HasPrefix(p.Stack, "github.com/wfops/wfops/engine/internal/coro_test.explode(...)\n") {
		t.Fatalf("the stack does not begin where it panicked:\n%s", p.Stack)
	}
	if strings.Contains(p.Stack, "0x") || strings.Contains(p.Stack, "goroutine") || strings.Contains(p.Stack, "coro.(") {
		t.Fatalf("the stack is not clean:\n%s", p.Stack)
	}
	if again := s.Run(); again != err || ran { //nolint:errorlint // the same error is meant
		t.Fatalf("a dead scheduler ran on: %v, %v", again, ran)
	}
}

func TestPanicWithAnErrorUnwraps(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	s.Go("p", func() { var none []int; none[0]++ })
	err := s.Run()
	if _, ok := errors.AsType[runtime.Error](err); !ok {
		t.Fatalf("Run: %v", err)
	}
}

func TestPanicOfAReadyFunction(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	calls := 0
	s.Go("r", func() {
		s.Wait(coro.Until(func() bool {
			if calls++; calls > 1 {
				explode()
			}
			return false
		}))
	})
	err := s.Run()
	if p, ok := errors.AsType[*coro.PanicError](err); !ok || p.Name != "r" || !strings.Contains(p.Stack, "explode") {
		t.Fatalf("Run: %v", err)
	}
}

func TestGoexitIsAPanic(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	s.Go("g", func() { runtime.Goexit() })
	err := s.Run()
	var p *coro.PanicError
	if !errors.As(err, &p) || !errors.Is(err, coro.ErrGoexit) {
		t.Fatalf("Run: %v", err)
	}
	if !strings.Contains(p.Stack, "TestGoexitIsAPanic") {
		t.Fatalf("the stack does not show who called:\n%s", p.Stack)
	}
}

var short = coro.Options{Deadline: 40 * time.Millisecond, Ticks: 4}

// spin loops until stop is set; it is what a stuck coroutine does.
func spin(stop *atomic.Bool) {
	for !stop.Load() {
		runtime.Gosched()
	}
}

func TestStuck(t *testing.T) {
	for name, block := range map[string]func(stop *atomic.Bool){
		"spinning": spin,
		"blocked": func(stop *atomic.Bool) {
			for !stop.Load() {
				<-time.After(time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScheduler(t, short)
			before := coro.Abandoned()
			var stop, ended, after atomic.Bool
			s.Go("good", func() { s.Wait(never) })
			s.Go("bad", func() {
				defer ended.Store(true)
				block(&stop)
				s.Wait(never)
				after.Store(true)
			})
			began := time.Now()
			err := s.Run()
			var stuck *coro.StuckError
			if !errors.As(err, &stuck) || stuck.Name != "bad" {
				t.Fatalf("Run: %v", err)
			}
			if d := time.Since(began); d < short.Deadline {
				t.Fatalf("taken for stuck after %v", d)
			}
			if !strings.Contains(stuck.Stack, "TestStuck") || strings.Contains(stuck.Stack, "never") || strings.Contains(stuck.Stack, "0x") {
				t.Fatalf("stack:\n%s", stuck.Stack)
			}
			if n := coro.Abandoned() - before; n != 1 {
				t.Fatalf("%d abandoned", n)
			}
			s.Close()
			stop.Store(true)
			waitFor(t, func() bool { return coro.Abandoned() == before })
			if !ended.Load() || after.Load() {
				t.Fatal("the stuck coroutine did not end at its next call")
			}
		})
	}
}

func TestCloseAbandonsACoroutineThatDoesNotEnd(t *testing.T) {
	s := coro.New(short)
	before := coro.Abandoned()
	var stop atomic.Bool
	var l trace
	s.Go("bad", func() {
		defer spin(&stop)
		s.Wait(never)
	})
	s.Go("good", func() {
		defer l.add("good")
		s.Wait(never)
	})
	mustRun(t, s)
	s.Close()
	l.want(t, "good")
	if n := coro.Abandoned() - before; n != 1 {
		t.Fatalf("%d abandoned", n)
	}
	stop.Store(true)
	waitFor(t, func() bool { return coro.Abandoned() == before })
}

func TestForeignGoroutineBetweenTurns(t *testing.T) {
	for name, call := range map[string]func(*coro.Scheduler){
		"Wait":  func(s *coro.Scheduler) { s.Wait(never) },
		"Check": func(s *coro.Scheduler) { s.Check() },
		"Exit":  func(s *coro.Scheduler) { s.Exit() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScheduler(t, coro.Options{})
			s.Go("a", func() { s.Wait(never) })
			mustRun(t, s)
			done := make(chan struct{})
			survived := false
			go func() {
				defer close(done)
				call(s)
				survived = true
			}()
			<-done
			if survived {
				t.Fatal("the foreign goroutine was not ended")
			}
			err := s.Run()
			var f *coro.ForeignError
			if !errors.As(err, &f) || !strings.Contains(f.Stack, "TestForeignGoroutineBetweenTurns") {
				t.Fatalf("Run: %v", err)
			}
		})
	}
}

func TestForeignGoroutineWaitsDuringATurn(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	reached := make(chan struct{})
	s.Go("a", func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			close(reached)
			s.Wait(never) // passes for a's
		}()
		<-reached
		runtime.Gosched()
		spinUntil(func() bool { return s.Current() == nil })
		s.Wait(never)
	})
	_ = s.Run() // returns when the foreign goroutine waits
	waitFor(t, func() bool {
		var f *coro.ForeignError
		return errors.As(s.Run(), &f)
	})
	s.Close()
}

func spinUntil(f func() bool) {
	for !f() {
		runtime.Gosched()
	}
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatal("waited 5 s in vain")
		}
		runtime.Gosched()
	}
}
