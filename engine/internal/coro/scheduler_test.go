package coro_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/internal/coro"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newScheduler returns a scheduler that is closed when the test ends.
func newScheduler(t *testing.T, o coro.Options) *coro.Scheduler {
	t.Helper()
	s := coro.New(o)
	t.Cleanup(s.Close)
	return s
}

func mustRun(t *testing.T, s *coro.Scheduler) {
	t.Helper()
	if err := s.Run(); err != nil {
		t.Fatalf("Run: %v", err)
	}
}

func never() bool { return false }

type trace []string

func (l *trace) add(s string) { *l = append(*l, s) }

func (l *trace) want(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(*l, " "); got != want {
		t.Fatalf("order\n got %s\nwant %s", got, want)
	}
}

func TestCoroutinesRunInOrderOfCreation(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	var l trace
	open := false
	for _, name := range []string{"a", "b", "c"} {
		s.Go(name, func() {
			l.add(name + "1")
			s.Wait(func() bool { return open })
			l.add(name + "2")
		})
	}
	mustRun(t, s)
	l.want(t, "a1 b1 c1")
	open = true
	mustRun(t, s)
	l.want(t, "a1 b1 c1 a2 b2 c2")
	if live := s.Live(); len(live) != 0 {
		t.Fatalf("%d coroutines live on", len(live))
	}
}

func TestNewCoroutinesRunAfterTheirCreatorAndTheOlderOnes(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	var l trace
	s.Go("a", func() {
		s.Go("c", func() {
			l.add("c")
			s.Go("e", func() { l.add("e") })
		})
		s.Go("d", func() { l.add("d") })
		l.add("a")
	})
	s.Go("b", func() { l.add("b") })
	mustRun(t, s)
	l.want(t, "a b c d e")
}

func TestGoFirstRunsBeforeAllOthers(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	var l trace
	canceled := false
	s.Go("main", func() {
		l.add("main")
		s.Wait(func() bool { return canceled })
		l.add("canceled")
	})
	mustRun(t, s)
	s.Go("late", func() { l.add("late") })
	s.GoFirst("cancel", func() { l.add("cancel"); canceled = true })
	mustRun(t, s)
	l.want(t, "main cancel canceled late")
}

func TestRunRepeatsWhileThereIsProgress(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	turn := 0
	for i := range 3 {
		s.Go("", func() {
			for n := range 4 {
				s.Wait(func() bool { return turn == n*3+(2-i) })
				turn++
			}
		})
	}
	mustRun(t, s)
	if turn != 12 {
		t.Fatalf("%d of 12 turns taken", turn)
	}
}

func TestWaitThatIsReadyDoesNotSwitch(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	var l trace
	s.Go("a", func() {
		s.Wait(func() bool { return true })
		l.add("a")
	})
	s.Go("b", func() { l.add("b") })
	mustRun(t, s)
	l.want(t, "a b")
}

func TestCurrent(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	var inside *coro.Coroutine
	c := s.Go("c", func() { inside = s.Current(); s.Wait(never) })
	c.Data = 7
	if s.Current() != nil || c.ID() != 0 {
		t.Fatal("a coroutine runs before Run")
	}
	mustRun(t, s)
	if inside != c || inside.Data != 7 || c.Name != "c" || c.ID() == 0 {
		t.Fatalf("inside: %+v", inside)
	}
	if s.Current() != nil {
		t.Fatal("a coroutine is current after Run")
	}
	if !slices.Equal(s.Live(), []*coro.Coroutine{c}) {
		t.Fatal("Live does not hold the waiting coroutine")
	}
}

func TestStopEndsRunAfterTheTurn(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	var l trace
	s.Go("a", func() { s.Stop(); l.add("a1"); s.Wait(func() bool { return true }); l.add("a2") })
	s.Go("b", func() { l.add("b") })
	mustRun(t, s)
	l.want(t, "a1 a2")
	mustRun(t, s)
	l.want(t, "a1 a2 b")
}

func TestExit(t *testing.T) {
	s := newScheduler(t, coro.Options{})
	var l trace
	s.Go("a", func() {
		defer l.add("outer")
		defer func() {
			l.add("inner")
			s.Wait(never) // ends again instead of waiting
			l.add("not reached")
		}()
		s.Exit()
	})
	s.Go("b", func() { l.add("b") })
	mustRun(t, s)
	l.want(t, "inner outer b")
}

func TestCloseEndsCoroutinesInOrder(t *testing.T) {
	s := coro.New(coro.Options{})
	var l trace
	for _, name := range []string{"a", "b"} {
		s.Go(name, func() {
			defer l.add(name + ".end")
			defer func() {
				s.Wait(never)
				l.add("not reached")
			}()
			defer func() { s.Check(); l.add("not reached") }()
			s.Wait(never)
			l.add("not reached")
		})
	}
	mustRun(t, s)
	s.Go("unborn", func() { l.add("not reached") })
	s.Close()
	s.Close()
	l.want(t, "a.end b.end")
	if err := s.Run(); !errors.Is(err, coro.ErrClosed) {
		t.Fatalf("Run after Close: %v", err)
	}
}

func TestCloseDropsPanicsOfDeferredCalls(t *testing.T) {
	s := coro.New(coro.Options{})
	s.Go("a", func() {
		defer func() { panic("late") }()
		s.Wait(never)
	})
	mustRun(t, s)
	s.Close()
}

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
	s.Go("p", func() { var m map[string]int; m["x"] = 1 })
	err := s.Run()
	var re runtime.Error
	if !errors.As(err, &re) {
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

func TestManyShortTurnsAreNotStuck(t *testing.T) {
	s := newScheduler(t, short)
	until := time.Now().Add(4 * short.Deadline)
	s.Go("a", func() {
		for time.Now().Before(until) {
			polled := false
			s.Wait(func() bool { was := polled; polled = true; return was })
		}
	})
	mustRun(t, s)
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

func TestStaleCallAfterClose(t *testing.T) {
	s := coro.New(coro.Options{})
	s.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Wait(never)
		t.Error("Wait returned on a closed scheduler")
	}()
	<-done
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

func BenchmarkSwitch(b *testing.B) {
	s := coro.New(coro.Options{})
	defer s.Close()
	open := false
	ready := func() bool { return open }
	s.Go("a", func() {
		for {
			s.Wait(ready)
			open = false
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		open = true
		if err := s.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCoroutine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s := coro.New(coro.Options{})
		s.Go("a", func() {})
		if err := s.Run(); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
