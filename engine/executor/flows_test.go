package executor_test

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

// flows are the workflows that scripts run. A name with a dash is a changed
// version of the flow before the dash.
var flows = map[string]any{
	"chain":  chain,
	"fanout": fanout,
	"twice":  twice,

	"timers": timers, "canceled": canceled, "cleanup": cleanup, "scopes": scopes, "causes": causes,
	"signals": signals, "signals-late": signalsLate, "collect": collect, "carry": carry,
	"child": child, "children": children, "retried-child": retriedChild, "fire-and-forget": fireAndForget,
	"notify": notify, "tagged": tagged,
	"select": selects, "coroutines": coroutines, "condition": condition, "guarded": guarded, "deadline": deadlined,

	"version": versionNone, "version-1": version1, "version-2": version2, "version-3": version3, "version-dropped": versionDropped,
	"patched": patchedNo, "patched-yes": patchedYes,
	"effects": effects, "effect-fails": effectFails, "mutable": mutables, "mutable-fails": mutableFails, "unique": unique,

	"abandon": abandon, "panics": panics, "panics-aside": panicsAside, "fails": fails, "forever": forever,
	"labels": labels, "labels-changed": labelsChanged,
	"stuck": stuck, "sleeps": sleeps, "native-channel": nativeChannel, "goroutine": goroutine,
	"waits": waits, "condition-issues": conditionIssues, "suggest": suggest, "undecodable": undecodable,

	"base": base3, "base-name": baseName, "base-kind": baseKind, "base-removed": baseRemoved, "base-before": baseBefore,
	"base-extra": baseExtra, "base-swapped": baseSwapped, "base-args": baseArgs, "base-options": baseOptions,
	"base-early": baseEarly, "base-late": baseLate, "base-fails": baseFails,
	"naps": naps, "naps-longer": napsLonger,
	"talks": talks, "talks-other-target": talksOtherTarget, "talks-other-name": talksOtherName, "talks-other-arg": talksOtherArg,
}

var errTest = errors.New("it went wrong")

func act(ctx workflow.Context, name string, args ...any) workflow.Future[int] {
	return workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, name, args...)
}

func run(ctx workflow.Context, name string, args ...any) int {
	v, err := act(ctx, name, args...).Get(ctx)
	if err != nil {
		return -1
	}
	return v
}

func chain(ctx workflow.Context, n int) (int, error) {
	sum := 0
	for i := range n {
		v, err := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a", i).Get(ctx)
		if err != nil {
			return 0, fmt.Errorf("step %d: %w", i, err)
		}
		sum += v
	}
	return sum, nil
}

func fanout(ctx workflow.Context, n int) (int, error) {
	var fs []workflow.Future[int]
	for i := range n {
		fs = append(fs, act(ctx, "a", i))
	}
	sum := 0
	for _, f := range fs {
		v, err := f.Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// twice reads one future from two coroutines.
func twice(ctx workflow.Context) (int, error) {
	f := act(ctx, "a")
	other := workflow.NewBufferedChannel[int](1)
	workflow.Go(ctx, func(ctx workflow.Context) {
		v, _ := f.Get(ctx)
		other.Send(ctx, v)
	})
	v, err := f.Get(ctx)
	w, _ := other.Receive(ctx)
	return v + w, err
}

func timers(ctx workflow.Context) (string, error) {
	short := workflow.ScheduleTimer(ctx, 5*time.Second, workflow.WithTimerName("short"))
	long := workflow.ScheduleTimer(ctx, time.Hour)
	began := workflow.Now(ctx)
	if _, err := short.Get(ctx); err != nil {
		return "", err
	}
	mid := workflow.Now(ctx)
	if err := workflow.Sleep(ctx, 0); err != nil {
		return "", err
	}
	_, err := long.Get(ctx)
	return fmt.Sprint(mid.Sub(began), workflow.Now(ctx).Sub(began)), err
}

// canceled has one of everything pending, in another order than that of a
// cancellation.
func canceled(ctx workflow.Context) (string, error) {
	c := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{InstanceID: "kid"}, "child", 1)
	a := act(ctx, "a")
	t1 := workflow.ScheduleTimer(ctx, time.Minute)
	s := workflow.SignalWorkflow(ctx, "friend", "hello", 1)
	b := act(ctx, "b")
	t2 := workflow.ScheduleTimer(ctx, time.Hour)
	var trace string
	for i, f := range []workflow.Future[any]{t1, t2} {
		_, err := f.Get(ctx)
		trace += fmt.Sprint("timer ", i, ": ", err, "; ")
	}
	for i, f := range []workflow.Future[int]{a, b} {
		_, err := f.Get(ctx)
		trace += fmt.Sprint("activity ", i, ": ", err, "; ")
	}
	_, err := s.Get(ctx)
	trace += fmt.Sprint("signal: ", err, "; ")
	_, err = c.Get(ctx)
	workflow.SetStatus(ctx, trace+fmt.Sprint("child: ", err))
	return "", ctx.Err()
}

// cleanup runs to its end although it was canceled.
func cleanup(ctx workflow.Context) (int, error) {
	_, err := act(ctx, "work").Get(ctx)
	if err == nil {
		return 1, nil
	}
	if _, again := act(ctx, "more").Get(ctx); again == nil {
		return 2, errors.New("an activity was run in a canceled context")
	}
	d := workflow.NewDisconnectedContext(ctx)
	undone, err2 := act(d, "undo").Get(d)
	if err2 != nil {
		return 3, err2
	}
	if err := workflow.Sleep(d, time.Minute); err != nil {
		return undone, err
	}
	return undone, err
}

// scopes cancels a part of itself.
func scopes(ctx workflow.Context) (string, error) {
	inner, cancel := workflow.WithCancel(ctx)
	innermost, _ := workflow.WithCancel(inner)
	a := act(inner, "inner")
	b := act(innermost, "innermost")
	c := act(ctx, "outer")
	if err := workflow.Sleep(ctx, time.Second); err != nil {
		return "", err
	}
	cancel()
	cancel()
	_, errA := a.Get(ctx)
	_, errB := b.Get(ctx)
	_, errC := c.Get(ctx)
	return fmt.Sprint(errA, ", ", errB, ", ", errC), nil
}

func causes(ctx workflow.Context) (string, error) {
	workflow.Select(ctx, workflow.Receive(ctx.Done(), nil))
	return workflow.Cause(ctx).Error(), nil
}

// signals opens its channel before the first signal comes.
func signals(ctx workflow.Context, n int) ([]int, error) {
	c := workflow.NewSignalChannel[int](ctx, "go")
	var got []int
	for range n {
		v, _ := c.Receive(ctx)
		got = append(got, v)
	}
	return got, nil
}

// signalsLate opens its channels when the signals are there, and reads the later
// name first.
func signalsLate(ctx workflow.Context) ([]int, error) {
	run(ctx, "a")
	var got []int
	for _, name := range []string{"stop", "go"} {
		c := workflow.NewSignalChannel[int](ctx, name)
		for c.Len() > 0 {
			v, _ := c.ReceiveNonBlocking()
			got = append(got, v)
		}
	}
	return got, nil
}

// collect checks that n signals come in order.
func collect(ctx workflow.Context, n int) (int, error) {
	c := workflow.NewSignalChannel[int](ctx, "go")
	for i := range n {
		if v, _ := c.Receive(ctx); v != i {
			return 0, fmt.Errorf("signal %d came in place %d", v, i)
		}
	}
	return n, nil
}

// carry continues as new after each signal, until one is 0.
func carry(ctx workflow.Context, sum int) (int, error) {
	v, _ := workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
	if v == 0 {
		return sum, nil
	}
	return 0, workflow.ContinueAsNew(ctx, sum+v)
}

func child(ctx workflow.Context, id string) (string, error) {
	v, err := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{InstanceID: id}, "kid", 7).Get(ctx)
	if err != nil {
		return fmt.Sprintf("taken %v, canceled %v: %v", errors.Is(err, engine.ErrInstanceAlreadyExists), errors.Is(err, engine.ErrCanceled), err), nil
	}
	return fmt.Sprint(v), nil
}

func children(ctx workflow.Context) (int, error) {
	a := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "kid", 1)
	b := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "kid", 2)
	x, errA := a.Get(ctx)
	y, errB := b.Get(ctx)
	return x + y, errors.Join(errA, errB)
}

func retriedChild(ctx workflow.Context) (int, error) {
	o := workflow.SubWorkflowOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: 10 * time.Second}}
	return workflow.CreateSubWorkflowInstance[int](ctx, o, "kid").Get(ctx)
}

func fireAndForget(ctx workflow.Context) error {
	workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{InstanceID: "kid", ParentClosePolicy: workflow.ParentCloseAbandon}, "kid")
	workflow.SignalWorkflow(ctx, "friend", "bye", 1)
	return nil
}

func notify(ctx workflow.Context) (string, error) {
	_, err := workflow.SignalWorkflow(ctx, "friend", "hello", 1).Get(ctx)
	if errors.Is(err, engine.ErrInstanceNotFound) {
		return "not there", nil
	}
	return "delivered", err
}

// selects waits for several things at once and says in which order they came.
func selects(ctx workflow.Context) (string, error) {
	a, b := act(ctx, "a"), act(ctx, "b")
	c := workflow.NewSignalChannel[int](ctx, "go")
	t := workflow.ScheduleTimer(ctx, time.Minute)
	var trace string
	seenA, seenB := false, false
	for !seenA || !seenB {
		cases := []workflow.SelectCase{
			workflow.Receive(c, func(_ workflow.Context, v int, _ bool) { trace += fmt.Sprint("go", v, " ") }),
			workflow.Await(t, func(workflow.Context, workflow.Future[any]) {
				trace += "timer "
				t = workflow.ScheduleTimer(ctx, time.Minute)
			}),
		}
		if !seenA {
			cases = append(cases, workflow.Await(a, func(workflow.Context, workflow.Future[int]) { trace += "a "; seenA = true }))
		}
		if !seenB {
			cases = append(cases, workflow.Await(b, func(workflow.Context, workflow.Future[int]) { trace += "b "; seenB = true }))
		}
		workflow.Select(ctx, cases...)
	}
	return trace, nil
}

// coroutines run in the order of creation, after each event.
func coroutines(ctx workflow.Context) (string, error) {
	var trace string
	wg := workflow.NewWaitGroup()
	ch := workflow.NewChannel[string]()
	for _, name := range []string{"x", "y", "z"} {
		wg.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			v := run(ctx, name)
			trace += fmt.Sprint(name, v, " ")
			ch.Send(ctx, name)
			trace += "sent-" + name + " "
		})
	}
	for range 3 {
		v, _ := ch.Receive(ctx)
		trace += "got-" + v + " "
	}
	wg.Wait(ctx)
	return trace, nil
}

func condition(ctx workflow.Context) (int, error) {
	n := 0
	workflow.Go(ctx, func(ctx workflow.Context) {
		c := workflow.NewSignalChannel[int](ctx, "go")
		for {
			v, _ := c.Receive(ctx)
			n += v
		}
	})
	if err := workflow.AwaitCondition(ctx, func() bool { return n >= 3 }); err != nil {
		return n, err
	}
	ok, err := workflow.AwaitConditionWithTimeout(ctx, time.Minute, func() bool { return n >= 10 })
	if !ok && err == nil {
		return -n, nil
	}
	return n, err
}

// guarded lets one coroutine at a time through a mutex.
func guarded(ctx workflow.Context) (string, error) {
	var trace string
	m := workflow.NewMutex()
	gctx, g := workflow.WithErrGroup(ctx)
	for _, name := range []string{"p", "q"} {
		g.Go(func(ctx workflow.Context) error {
			if err := m.Lock(ctx); err != nil {
				return err
			}
			defer m.Unlock()
			_, err := act(ctx, name).Get(ctx)
			trace += name
			return err
		})
	}
	err := g.Wait(gctx)
	return trace, err
}

// deadlined waits for a signal, but not for ever.
func deadlined(ctx workflow.Context) (string, error) {
	tctx, cancel := workflow.WithCancel(ctx)
	t := workflow.ScheduleTimer(tctx, time.Hour)
	result := ""
	workflow.Select(ctx,
		workflow.Receive(workflow.NewSignalChannel[string](ctx, "go"), func(_ workflow.Context, v string, _ bool) { result = v; cancel() }),
		workflow.Await(t, func(workflow.Context, workflow.Future[any]) { result = "too late" }),
	)
	return result, nil
}

func versionNone(ctx workflow.Context) (string, error) {
	run(ctx, "a")
	run(ctx, "b")
	return "old", nil
}

func withVersion(ctx workflow.Context, lowest, highest int) (string, error) {
	run(ctx, "a")
	v := workflow.Version(ctx, "change", lowest, highest)
	run(ctx, "b")
	return fmt.Sprint(v, workflow.Version(ctx, "change", lowest, highest)), nil
}

func version1(ctx workflow.Context) (string, error) { return withVersion(ctx, -1, 1) }
func version2(ctx workflow.Context) (string, error) { return withVersion(ctx, 1, 2) }
func version3(ctx workflow.Context) (string, error) { return withVersion(ctx, 3, 4) }

func versionDropped(ctx workflow.Context) (string, error) {
	run(ctx, "a")
	run(ctx, "b")
	return "clean", nil
}

func patchedNo(ctx workflow.Context) (string, error) {
	c := workflow.NewSignalChannel[int](ctx, "go")
	for range 2 {
		_, _ = c.Receive(ctx)
		run(ctx, "old")
	}
	return "done", nil
}

func patchedYes(ctx workflow.Context) (string, error) {
	c := workflow.NewSignalChannel[int](ctx, "go")
	for range 2 {
		_, _ = c.Receive(ctx)
		if workflow.Patched(ctx, "new") {
			run(ctx, "new")
		} else {
			run(ctx, "old")
		}
	}
	return "done", nil
}

func look(workflow.Context) int { return outside }

func effects(ctx workflow.Context) (int, error) {
	v, _ := workflow.SideEffect(ctx, look).Get(ctx)
	run(ctx, "a", v)
	w, _ := workflow.SideEffect(ctx, look).Get(ctx)
	return 10*v + w, nil
}

func effectFails(ctx workflow.Context) (string, error) {
	_, err := workflow.SideEffect(ctx, func(workflow.Context) func() { return nil }).Get(ctx)
	run(ctx, "a")
	_, again := workflow.SideEffect(ctx, func(ctx workflow.Context) int { return run(ctx, "inside") }).Get(ctx)
	return fmt.Sprint(err != nil, again != nil), nil
}

func mutables(ctx workflow.Context) ([]int, error) {
	var got []int
	for range 4 {
		v, _ := workflow.MutableSideEffect(ctx, "limit", look, nil).Get(ctx)
		got = append(got, v)
		run(ctx, "a")
	}
	return got, nil
}

// mutableFails has no value that could be stored while outside is 0.
func mutableFails(ctx workflow.Context) ([]string, error) {
	var got []string
	for range 3 {
		v, err := workflow.MutableSideEffect(ctx, "limit", func(workflow.Context) any {
			if outside == 0 {
				return func() {}
			}
			return outside
		}, nil).Get(ctx)
		got = append(got, fmt.Sprint(v, err != nil))
		run(ctx, "a")
	}
	return got, nil
}

func unique(ctx workflow.Context) (string, error) {
	a := workflow.NewUUID(ctx)
	r := workflow.Rand(ctx).IntN(1000)
	run(ctx, "a", a, r)
	return fmt.Sprint(workflow.NewUUID(ctx), workflow.Rand(ctx).IntN(1000)), nil
}

// abandon returns although much is still going on.
func abandon(ctx workflow.Context) (int, error) {
	act(ctx, "unread")
	workflow.ScheduleTimer(ctx, time.Hour, workflow.WithTimerName("unread"))
	workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{InstanceID: "kid"}, "kid")
	workflow.Go(ctx, func(ctx workflow.Context) { workflow.NewChannel[int]().Receive(ctx) })
	run(ctx, "a")
	act(ctx, "last")
	workflow.ScheduleTimer(ctx, time.Hour)
	return 1, nil
}

func panics(ctx workflow.Context) error {
	run(ctx, "a")
	var m map[string]int
	m["x"] = 1
	return nil
}

func panicsAside(ctx workflow.Context) error {
	workflow.Go(ctx, func(ctx workflow.Context) {
		run(ctx, "a")
		panic("aside")
	})
	_, err := act(ctx, "b").Get(ctx)
	return err
}

func fails(ctx workflow.Context) (int, error) {
	run(ctx, "a")
	return 5, fmt.Errorf("failing: %w", errTest)
}

func forever(ctx workflow.Context) error {
	_ = workflow.AwaitCondition(workflow.NewDisconnectedContext(ctx), func() bool { return false })
	return nil
}

func labels(ctx workflow.Context) error {
	_ = workflow.SetTags(ctx, map[string]string{"customer": "c1", "kind": "x"})
	workflow.SetStatus(ctx, "begins\nnot shown")
	workflow.Note(ctx, "a note")
	run(ctx, "a")
	_ = workflow.SetTags(ctx, map[string]string{"kind": "", "customer": "c1"})
	workflow.Note(ctx, "another")
	run(ctx, "b")
	_ = workflow.SetTags(ctx, map[string]string{"customer": "c1"})
	return nil
}

func labelsChanged(ctx workflow.Context) error {
	run(ctx, "a")
	workflow.Logger(ctx).Debug("more logs")
	_ = workflow.SetTags(ctx, map[string]string{"other": "tag"})
	workflow.Note(ctx, "changed")
	run(ctx, "b")
	workflow.SetStatus(ctx, "ends")
	return nil
}

// release lets the flows below go on that a test must not leave behind. trigger
// starts the goroutine of a workflow, and meanwhile tells that it has ended.
var release, trigger, meanwhile chan struct{}

func stuck(ctx workflow.Context) error {
	until := release
	run(ctx, "a")
	for spinning := true; spinning; {
		select {
		case <-until:
			spinning = false
		default:
			runtime.Gosched()
		}
	}
	return nil
}

func sleeps(workflow.Context) error {
	time.Sleep(300 * time.Millisecond) //nolint:forbidigo // this is the mistake
	return nil
}

func nativeChannel(ctx workflow.Context) error {
	until := release
	workflow.Go(ctx, func(workflow.Context) { <-until })
	run(ctx, "a")
	return nil
}

// goroutine starts one that comes between two steps.
func goroutine(ctx workflow.Context) error {
	go func() {
		defer close(meanwhile)
		<-trigger
		run(ctx, "a")
	}()
	run(ctx, "b")
	return nil
}

// waits waits for one kind of thing after another.
func waits(ctx workflow.Context) error {
	run(ctx, "a")
	_ = workflow.Sleep(ctx, time.Minute)
	_, _ = workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, "kid").Get(ctx)
	_, _ = workflow.SignalWorkflow(ctx, "friend", "hello", 1).Get(ctx)
	_, _ = workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
	f := act(ctx, "hidden")
	act(ctx, "hidden too")
	ch := workflow.NewChannel[int]()
	workflow.Go(ctx, func(ctx workflow.Context) {
		_, _ = f.Get(ctx)
		ch.Send(ctx, 1)
	})
	_, _ = ch.Receive(ctx)
	_ = workflow.AwaitCondition(ctx, func() bool { return false })
	return nil
}

func conditionIssues(ctx workflow.Context) (string, error) {
	err := workflow.AwaitCondition(ctx, func() bool { return run(ctx, "a") > 0 })
	return fmt.Sprint(err), nil
}

func suggest(ctx workflow.Context) (string, error) {
	for i := range 100 {
		d := workflow.InstanceExecutionDetails(ctx)
		if d.ContinueAsNewSuggested {
			return fmt.Sprintf("after %d steps and %d events", i, d.HistoryLength), nil
		}
		run(ctx, "a")
	}
	return "never", nil
}

func undecodable(ctx workflow.Context) (int, error) {
	v, _ := workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
	w, err := act(ctx, "a").Get(ctx)
	return v + w, err
}

func tagged(ctx workflow.Context, round int) error {
	_ = workflow.SetTags(ctx, map[string]string{"customer": "c1"})
	if round == 0 && workflow.Patched(ctx, "new") {
		return workflow.ContinueAsNew(ctx, 1)
	}
	return nil
}

func chain1(ctx workflow.Context) (int, error) { return chain(ctx, 1) }
