package diagnostics_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wfops/wfops/engine/workflow"
)

// The workflows of the table of mutations. A comment that begins with @ names its
// line, for the call sites that reports must show.

var ao = workflow.ActivityOptions{}

func seq(ctx workflow.Context, n int) (int, error) {
	if _, err := workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx); err != nil { // @seq.reserve
		return 0, err
	}
	if _, err := workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx); err != nil { // @seq.charge
		return 0, err
	}
	v, err := workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx) // @seq.ship
	return v, err
}

func seqRenamed(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "chargeCard", n).Get(ctx) // @seqRenamed
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqRenamedLast(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "send", n).Get(ctx) // @seqRenamedLast
}

func seqSwapped(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx) // @seqSwapped
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqWithoutFirst(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx) // @seqWithoutFirst
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqWithoutMiddle(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx) // @seqWithoutMiddle
}

func seqWithoutLast(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
}

func seqMoreFirst(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "audit", n).Get(ctx) // @seqMoreFirst
	return seq(ctx, n)
}

func seqMoreMiddle(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "audit", n).Get(ctx) // @seqMoreMiddle
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqMoreLast(ctx workflow.Context, n int) (int, error) {
	if _, err := seq(ctx, n); err != nil {
		return 0, err
	}
	return workflow.ExecuteActivity[int](ctx, ao, "audit", n).Get(ctx) // @seqMoreLast
}

func seqMoreUnawaited(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	f := workflow.ExecuteActivity[int](ctx, ao, "charge", n)
	workflow.ExecuteActivity[int](ctx, ao, "audit", n) // @seqMoreUnawaited
	_, _ = f.Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqArgument(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n+1).Get(ctx) // @seqArgument
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqEarlyReturn(ctx workflow.Context, n int) (int, error) {
	return workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
}

func seqSleeps(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	_ = workflow.Sleep(ctx, time.Second) // @seqSleeps
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqChild(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	_, _ = workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "charge", n).Get(ctx) // @seqChild
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqEffect(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	workflow.SideEffect(ctx, func(workflow.Context) int { return 7 }) // @seqEffect
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqFails(ctx workflow.Context, n int) (int, error) {
	if _, err := seq(ctx, n); err != nil {
		return 0, err
	}
	return 0, errors.New("no luck")
}

func seqPanics(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	var none map[string]int
	none["a"] = 1 // @seqPanics
	return seq(ctx, n)
}

func seqQueue(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{Queue: "slow"}, "reserve", n).Get(ctx) // @seqQueue
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqRetry(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	o := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 7}}
	_, _ = workflow.ExecuteActivity[int](ctx, o, "charge", n).Get(ctx) // @seqRetry
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqHangs(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	<-time.After(400 * time.Millisecond) // @seqHangs
	return seq(ctx, n)
}

func seqArgType(ctx workflow.Context, s string) (int, error) { return seq(ctx, len(s)) }

func seqResultType(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[[]string](ctx, ao, "reserve", n).Get(ctx)
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqNeverEnds(ctx workflow.Context, n int) (int, error) {
	if _, err := seq(ctx, n); err != nil {
		return 0, err
	}
	v, _ := workflow.NewSignalChannel[int](ctx, "more").Receive(ctx) // @seqNeverEnds
	return v, nil
}

func seqContinues(ctx workflow.Context, n int) (int, error) {
	if _, err := seq(ctx, n); err != nil {
		return 0, err
	}
	return 0, workflow.ContinueAsNew(ctx, n) // @seqContinues
}

func seqVersioned(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	if workflow.Version(ctx, "audit", workflow.DefaultVersion, 1) == 1 {
		_, _ = workflow.ExecuteActivity[int](ctx, ao, "audit", n).Get(ctx) // @seqVersioned.audit
	}
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx) // @seqVersioned.charge
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

func seqVersionTooHigh(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	workflow.Version(ctx, "audit", 1, 2) // @seqVersionTooHigh
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "audit", n).Get(ctx)
	return seq(ctx, n)
}

func seqVersionMisused(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	if workflow.Version(ctx, "audit", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		_, _ = workflow.ExecuteActivity[int](ctx, ao, "audit", n).Get(ctx) // @seqVersionMisused
	}
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

// seqMarkerGone has the code of the new version, and no longer asks.
func seqMarkerGone(ctx workflow.Context, n int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "audit", n).Get(ctx)
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "charge", n).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}

// Harmless changes.

func seqLogs(ctx workflow.Context, n int) (int, error) {
	workflow.Logger(ctx).Debug("begin", "n", n)
	workflow.SetStatus(ctx, "at work")
	if err := workflow.SetTags(ctx, map[string]string{"n": fmt.Sprint(n)}); err != nil {
		return 0, err
	}
	workflow.Note(ctx, "seen")
	return seq(ctx, n)
}

func step(ctx workflow.Context, name string, n int) int {
	v, err := workflow.ExecuteActivity[int](ctx, ao, name, n).Get(ctx)
	if err != nil {
		panic(err)
	}
	return v
}

func seqRefactored(ctx workflow.Context, n int) (int, error) {
	v := 0
	for _, name := range []string{"reserve", "charge", "ship"} {
		v = step(ctx, name, n)
	}
	return v, nil
}

func seqCoroutines(ctx workflow.Context, n int) (int, error) {
	values := workflow.NewBufferedChannel[int](1)
	workflow.Go(ctx, func(ctx workflow.Context) {
		v, _ := seq(ctx, n)
		values.Send(ctx, v)
	})
	v, _ := values.Receive(ctx)
	return v, nil
}

// Random code, over workflows that ask for one of two things.

func either(ctx workflow.Context, name string) (int, error) {
	return workflow.ExecuteActivity[int](ctx, ao, name, 1).Get(ctx) // @either
}

func eitherA(ctx workflow.Context, _ int) (int, error) { return either(ctx, "a") }

func eitherClock(ctx workflow.Context, _ int) (int, error) {
	if time.Now().UnixNano()/100%2 == 0 {
		return either(ctx, "a")
	}
	return either(ctx, "b")
}

func eitherRand(ctx workflow.Context, _ int) (int, error) {
	return either(ctx, string(rune('a'+rand.IntN(2))))
}

var twoKeys = map[string]int{"a": 1, "b": 2}

func bothSorted(ctx workflow.Context, _ int) (int, error) {
	_, _ = either(ctx, "a")
	return either(ctx, "b")
}

func bothRanged(ctx workflow.Context, _ int) (n int, err error) {
	for name := range twoKeys {
		n, err = either(ctx, name)
	}
	return n, err
}

func argsSorted(ctx workflow.Context, _ int) (int, error) {
	_, _ = workflow.ExecuteActivity[int](ctx, ao, "a", 1).Get(ctx)
	return workflow.ExecuteActivity[int](ctx, ao, "a", 2).Get(ctx)
}

func argsRanged(ctx workflow.Context, _ int) (n int, err error) {
	for _, v := range twoKeys {
		n, err = workflow.ExecuteActivity[int](ctx, ao, "a", v).Get(ctx) // @argsRanged
	}
	return n, err
}

// wide uses the rest of what a workflow can ask for.
func wide(ctx workflow.Context, n int) (int, error) {
	return wideWith(ctx, n, wideCode{
		timer: 30 * time.Second, timerName: "deadline", fan: 2, child: "parcel", childID: "p-1", target: "feed", signal: "done",
		effect: true, mutable: "flag", stop: true,
	})
}

// wideCode says what wideWith does.
type wideCode struct {
	timer              time.Duration
	timerName          string
	noTimer            bool
	fan                int
	awaitFan           bool
	child, childID     string
	target, signal     string
	effect, moreEffect bool
	mutable            string
	stop               bool
	skipSignal         bool
}

func wideWith(ctx workflow.Context, n int, c wideCode) (int, error) {
	clock, stop := workflow.WithCancel(ctx)
	if !c.noTimer {
		workflow.ScheduleTimer(clock, c.timer, workflow.WithTimerName(c.timerName)) // @wide.timer
	}
	if c.effect {
		workflow.SideEffect(ctx, func(workflow.Context) int { return rand.Int() }) // @wide.effect
	}
	if c.moreEffect {
		workflow.SideEffect(ctx, func(workflow.Context) int { return rand.Int() }) // @wide.moreEffect
	}
	workflow.MutableSideEffect(ctx, c.mutable, func(workflow.Context) int { return 5 }, nil) // @wide.mutable
	var open []workflow.Future[int]
	for i := range c.fan {
		f := workflow.ExecuteActivity[int](ctx, ao, "part", i) // @wide.part
		if c.awaitFan {
			_, _ = f.Get(ctx) // @wide.await
		}
		open = append(open, f)
	}
	for _, f := range open {
		_, _ = f.Get(ctx)
	}
	if !c.skipSignal {
		workflow.NewSignalChannel[int](ctx, "go").Receive(ctx) // @wide.signal
	}
	if c.stop {
		stop() // @wide.stop
	}
	o := workflow.SubWorkflowOptions{InstanceID: c.childID}
	_, _ = workflow.CreateSubWorkflowInstance[int](ctx, o, c.child, n).Get(ctx) // @wide.child
	_, _ = workflow.SignalWorkflow(ctx, c.target, c.signal, n).Get(ctx)         // @wide.send
	return n, nil
}

// changed is wide with something else in it.
func changed(f func(*wideCode)) any {
	return func(ctx workflow.Context, n int) (int, error) {
		c := wideCode{
			timer: 30 * time.Second, timerName: "deadline", fan: 2, child: "parcel", childID: "p-1", target: "feed", signal: "done",
			effect: true, mutable: "flag", stop: true,
		}
		f(&c)
		return wideWith(ctx, n, c)
	}
}

// group runs two coroutines.
func group(names ...string) any {
	return func(ctx workflow.Context, n int) (int, error) {
		gctx, g := workflow.WithErrGroup(ctx)
		for _, name := range names {
			g.Go(func(ctx workflow.Context) error {
				_, err := workflow.ExecuteActivity[int](gctx, ao, name, n).Get(ctx) // @group
				return err
			})
		}
		return n, g.Wait(ctx)
	}
}
