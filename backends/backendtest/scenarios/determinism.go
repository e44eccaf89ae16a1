package scenarios

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

var echoes = map[string]any{
	"echo":  func(_ context.Context, s string) (string, error) { return s, nil },
	"other": func(_ context.Context, s string) (string, error) { return s, nil },
}

func echo(ctx workflow.Context, arg string) error {
	_, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "echo", arg).Get(ctx)
	return err
}

func other(ctx workflow.Context, arg string) error {
	_, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "other", arg).Get(ctx)
	return err
}

func gate(ctx workflow.Context) { workflow.NewSignalChannel[int](ctx, "go").Receive(ctx) }

var now = []sentence{
	{"LiveAndReplayedSeeTheSameToTheNanosecond", func(s *system) {
		strict := func(o *worker.Options) {
			o.Settings.Strictness = map[string]settings.Strictness{"": settings.Block}
		}
		reg := functions(map[string]any{"clock": func(ctx workflow.Context) ([]int64, error) {
			first := workflow.Now(ctx).UnixNano()
			live, err := workflow.ExecuteActivity[int64](ctx, workflow.DefaultActivityOptions, "same", first).Get(ctx)
			second := workflow.Now(ctx).UnixNano()
			gate(ctx)
			if err == nil {
				_, err = workflow.ExecuteActivity[int64](ctx, workflow.DefaultActivityOptions, "same", second).Get(ctx)
			}
			return []int64{first - live}, err
		}}, map[string]any{"same": func(_ context.Context, v int64) (int64, error) { return v, nil }})
		w := s.start(reg, strict)
		i := s.create("a", "clock")
		s.waiting(i, engine.WaitSignal)
		s.halt(w)
		s.start(reg, strict)
		s.signal("a", "go", 1)
		want(s, i, []int64{0})
	}},
}

// changed runs before until it waits at the gate, then goes on with after under
// another build.
func (s *system) changed(before, after any, opts ...options) *engine.Instance {
	s.Helper()
	w := s.start(functions(map[string]any{"w": before}, echoes), build("old"))
	i := s.create("a", "w")
	s.waiting(i, engine.WaitSignal)
	s.halt(w)
	s.start(functions(map[string]any{"w": after}, echoes), append([]options{build("new")}, opts...)...)
	s.signal("a", "go", 1)
	return i
}

func sequence(steps ...func(workflow.Context) error) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		for _, step := range steps {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func do(activity func(workflow.Context, string) error, arg string) func(workflow.Context) error {
	return func(ctx workflow.Context) error { return activity(ctx, arg) }
}

func pass(ctx workflow.Context) error {
	gate(ctx)
	return nil
}

func sleep(d time.Duration) func(workflow.Context) error {
	return func(ctx workflow.Context) error { return workflow.Sleep(ctx, d) }
}

func detected(name string, before, after func(workflow.Context) error) sentence {
	return sentence{name, func(s *system) {
		sum := s.blocked(s.changed(before, after), engine.BlockNondeterminism)
		if !strings.Contains(string(sum.Block), "determinism.go") {
			s.Errorf("the reason names no call site: %s", sum.Block)
		}
	}}
}

var mismatch = []sentence{
	detected("TooMuchIsDetected", sequence(do(echo, "x"), pass), sequence(do(echo, "x"), do(other, "y"), pass)),
	detected("TooLittleIsDetected", sequence(do(echo, "x"), do(other, "y"), pass), sequence(do(echo, "x"), pass)),
	detected("SwapIsDetected", sequence(do(echo, "x"), do(other, "y"), pass), sequence(do(other, "y"), do(echo, "x"), pass)),
	detected("ChangeOfNameIsDetected", sequence(do(echo, "x"), pass), sequence(do(other, "x"), pass)),
	detected("ChangeOfKindIsDetected", sequence(do(echo, "x"), pass), sequence(sleep(time.Millisecond), pass)),
	detected("EarlyEndIsDetected", sequence(do(echo, "x"), pass), sequence()),
	{"ChangedArgumentsAreAWarning", func(s *system) {
		i := s.changed(sequence(do(echo, "x"), pass), sequence(do(echo, "changed"), pass))
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
		s.until("a warning is logged", func() bool { return s.log.has("arguments") }, s.log.String)
	}},
	{"ChangedArgumentsAreAnErrorOnRequest", func(s *system) {
		s.blocked(s.changed(sequence(do(echo, "x"), pass), sequence(do(echo, "changed"), pass), func(o *worker.Options) {
			o.Settings.Strictness = map[string]settings.Strictness{"w": settings.Block}
		}), engine.BlockNondeterminism)
	}},
	{"ChangedDurationsAreAWarning", func(s *system) {
		i := s.changed(sequence(sleep(time.Millisecond), pass), sequence(sleep(time.Hour), pass))
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
}

var noCommandSlot = []sentence{
	{"AddingThemNeverBreaksRunningInstances", func(s *system) {
		i := s.changed(sequence(do(echo, "x"), pass), sequence(talk, do(echo, "x"), pass))
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
	{"RemovingThemNeverBreaksRunningInstances", func(s *system) {
		i := s.changed(sequence(do(echo, "x"), talk, pass), sequence(do(echo, "x"), pass))
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
}

func talk(ctx workflow.Context) error {
	workflow.Logger(ctx).Info("talking")
	workflow.Note(ctx, "a note")
	workflow.SetStatus(ctx, "talking")
	return workflow.SetTags(ctx, map[string]string{"talks": "yes"})
}

var blockedNotFailed = []sentence{
	{"NothingIsWrittenButTheReason", func(s *system) {
		i := s.changed(sequence(do(echo, "x"), pass), sequence(do(other, "x"), pass))
		sum := s.blocked(i, engine.BlockNondeterminism)
		events := s.history(*i)
		if int64(len(events)) != sum.HistoryLength {
			s.Errorf("the summary says %d events, history has %d", sum.HistoryLength, len(events))
		}
		if last := events[len(events)-1]; last.Kind() == history.KindSignalReceived {
			s.Errorf("the blocked step was written:\n%s", s.story(*i))
		}
	}},
	{"GoesOnByItselfWithTheRightCode", func(s *system) {
		good := sequence(do(echo, "x"), pass)
		i := s.changed(good, sequence(do(other, "x"), pass))
		s.blocked(i, engine.BlockNondeterminism)
		s.start(functions(map[string]any{"w": good}, echoes), build("rolled-back"))
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
	{"UnregisteredIsLeftToOthersAndSaysSo", func(s *system) {
		s.start(functions(map[string]any{"else": func(workflow.Context) error { return nil }}, nil))
		i := s.create("a", "collect", 0)
		elsewhere := s.create("b", "else")
		if _, err := result[any](s, elsewhere); err != nil {
			s.Fatal(err)
		}
		d, err := s.c.Describe(s.ctx, i)
		if err != nil {
			s.Fatal(err)
		}
		if line := d.WaitingLine(); line != `no worker registers workflow "collect"` {
			s.Errorf("the waiting line is %q", line)
		}
		s.start(functions(map[string]any{"collect": collect}, nil))
		want(s, i, []int{})
	}},
	{"UnregisteredActivityIsLeftToOthers", func(s *system) {
		wf := func(ctx workflow.Context) error { return echo(ctx, "x") }
		s.start(functions(map[string]any{"w": wf}, nil))
		i := s.create("a", "w")
		s.waiting(i, engine.WaitActivity)
		d, err := s.c.Describe(s.ctx, i)
		if err != nil {
			s.Fatal(err)
		}
		if line := d.WaitingLine(); line != `no worker registers activity "echo"` {
			s.Errorf("the waiting line is %q", line)
		}
		s.start(functions(nil, echoes))
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
	{"RollingDeployLosesNothing", rollingDeploy},
}

// rollingDeploy has two builds side by side: the new one patches the code, so that
// both can run what the old one began, and only the new one what it began itself.
func rollingDeploy(s *system) {
	before := sequence(do(echo, "x"), pass)
	after := func(ctx workflow.Context) error {
		if workflow.Patched(ctx, "other-first") {
			if err := other(ctx, "new"); err != nil {
				return err
			}
		}
		return before(ctx)
	}
	s.start(functions(map[string]any{"w": before}, echoes), build("old"))
	s.start(functions(map[string]any{"w": after}, echoes), build("new"))
	var all []*engine.Instance
	for range 20 {
		i, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{}, "w")
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, i)
	}
	for _, i := range all {
		s.signal(i.InstanceID, "go", 1)
	}
	for _, i := range all {
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}
}

func hangs(name string, f func()) sentence {
	return sentence{name, func(s *system) {
		release := make(chan struct{})
		s.Cleanup(func() { close(release) })
		s.start(functions(map[string]any{
			"hang": func(workflow.Context) error { hang(f, release); return nil },
			"fine": func(workflow.Context) error { return nil },
		}, nil), func(o *worker.Options) { o.Settings.StepDeadline = 100 * time.Millisecond })
		i := s.create("a", "hang")
		sum := s.blocked(i, engine.BlockHang)
		if !strings.Contains(string(sum.Block), "scenarios.hang") {
			s.Errorf("the reason does not show where it hangs: %s", sum.Block)
		}
		if _, err := result[any](s, s.create("b", "fine")); err != nil {
			s.Fatal(err)
		}
	}}
}

//go:noinline
func hang(f func(), release chan struct{}) {
	if f != nil {
		for {
			select {
			case <-release:
				return
			default:
				f()
			}
		}
	}
	<-release
}

var stepDeadline = []sentence{
	hangs("NativeChannel", nil),
	hangs("Sleep", func() { time.Sleep(10 * time.Millisecond) }), //nolint:forbidigo // what workflow code must not do
	hangs("Goroutine", func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.Gosched()
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // what workflow code must not do
		}()
		<-done
	}),
}

var registration = []sentence{
	{"SameShortNameIsAnErrorNeverAnOverwrite", func(s *system) {
		r := registry.New()
		first := func(workflow.Context) error { return nil }
		if err := r.RegisterWorkflow(first, registry.WithName("w")); err != nil {
			s.Fatal(err)
		}
		if err := r.RegisterWorkflow(func(workflow.Context) error { return nil }, registry.WithName("w")); err == nil {
			s.Error("a second workflow of that name was taken")
		}
		if err := r.RegisterActivity(echoes["echo"], registry.WithName("a")); err != nil {
			s.Fatal(err)
		}
		if err := r.RegisterActivity(echoes["other"], registry.WithName("a")); err == nil {
			s.Error("a second activity of that name was taken")
		}
	}},
	{"DefaultNameIsTheFunctions", func(s *system) {
		s.start(func(r *registry.Registry) error { return r.RegisterWorkflow(pass) })
		i, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, pass)
		if err != nil {
			s.Fatal(err)
		}
		sum := s.await(*i, "created", func(backend.Summary) bool { return true })
		if sum.Workflow != "pass" {
			s.Errorf("the workflow is called %q", sum.Workflow)
		}
	}},
	{"MethodsAreFoundByEitherForm", func(s *system) {
		s.start(func(r *registry.Registry) error {
			return joinErrors(r.RegisterActivity(&mailer{}), r.RegisterWorkflow(mail))
		})
		i, err := s.c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, mail)
		if err != nil {
			s.Fatal(err)
		}
		want(s, i, []string{"sent", "sent", "sent"})
	}},
	{"UnknownIsAnErrorWhereARegistrySaysSo", func(s *system) {
		c := client.New(s.b, client.WithSettings(s.settings()), client.WithRegistry(registry.New()))
		_, err := c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, "w")
		s.is(err, engine.ErrNotRegistered, "starting what nobody registers")
		s.start(functions(map[string]any{"w": says("done")}, nil))
		i, err := c.CreateWorkflowInstance(s.ctx, client.WorkflowInstanceOptions{InstanceID: "a"}, "w")
		if err != nil {
			s.Fatalf("starting what a worker registers: %v", err)
		}
		want(s, i, "done")
	}},
}

type mailer struct{}

func (*mailer) Send(context.Context) (string, error) { return "sent", nil }

func mail(ctx workflow.Context) ([]string, error) {
	var (
		m   *mailer
		got []string
	)
	for _, a := range []any{"mailer.Send", "Send", m.Send} {
		v, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, a).Get(ctx)
		if err != nil {
			return nil, err
		}
		got = append(got, v)
	}
	return got, nil
}
