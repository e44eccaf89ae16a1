package coro_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/engine/internal/coro"
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

var never = coro.Until(func() bool { return false })

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
			s.Wait(coro.Until(func() bool { return open }))
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
		s.Wait(coro.Until(func() bool { return canceled }))
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
				s.Wait(coro.Until(func() bool { return turn == n*3+(2-i) }))
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
		s.Wait(coro.Until(func() bool { return true }))
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
	s.Go("a", func() { s.Stop(); l.add("a1"); s.Wait(coro.Until(func() bool { return true })); l.add("a2") })
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

func BenchmarkSwitch(b *testing.B) {
	s := coro.New(coro.Options{})
	defer s.Close()
	open := false
	ready := func() bool { return open }
	s.Go("a", func() {
		for {
			s.Wait(coro.Until(ready))
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
