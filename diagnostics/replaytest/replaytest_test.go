package replaytest

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type flow func(workflow.Context) (int, error)

func registered(t *testing.T, f flow) *registry.Registry {
	t.Helper()
	reg := registry.New()
	if err := reg.RegisterWorkflow((func(workflow.Context) (int, error))(f), registry.WithName("flow")); err != nil {
		t.Fatal(err)
	}
	return reg
}

// recorded is the first step of f.
func recorded(t *testing.T, f flow) diagnostics.Bundle {
	t.Helper()
	i := engine.Instance{InstanceID: "i", ExecutionID: engine.NewID()}
	reg := registered(t, f)
	x := executor.New(executor.Options{Instance: i, Registry: reg, Command: settings.Settings{}.Command(reg)})
	defer x.Close()
	step, err := x.Apply(executor.Input{
		Now:    time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
		Events: []history.Event{{Body: history.WorkflowStarted{Workflow: "flow"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return diagnostics.NewBundle(i, step.Events)
}

func does(name string, arg int) flow {
	return func(ctx workflow.Context) (int, error) {
		return workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, name, arg).Get(ctx)
	}
}

func TestProblems(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for name, c := range map[string]struct {
		code flow
		opts []Option
		says []string // in this order; or none for no problem
	}{
		"the same":      {does("a", 1), nil, nil},
		"another name":  {does("b", 1), nil, []string{"NAME", `history: ActivityScheduled "a" at`, `code   : ActivityScheduled "b" at`, "replaytest_test.go", "fix 1:", "see docs/nondeterminism/NAME.md"}},
		"an argument":   {does("a", 2), nil, nil},
		"strictly":      {does("a", 2), []Option{Strict()}, []string{"INPUT"}},
		"strict by now": {does("a", 2), []Option{WithSettings(settings.Settings{Strictness: map[string]settings.Strictness{"": settings.Block}})}, []string{"INPUT"}},
		"the clock": {func(ctx workflow.Context) (int, error) {
			if time.Now().Year() == 2000 {
				return does("b", 1)(ctx)
			}
			return does("a", 1)(ctx)
		}, nil, []string{"use workflow.Now", `code   : ActivityScheduled "b"`}},
		"one clock": {func(ctx workflow.Context) (int, error) {
			if time.Now().Year() == 2000 {
				return does("b", 1)(ctx)
			}
			return does("a", 1)(ctx)
		}, []Option{WithOneClock()}, nil},
		"chance": {func(ctx workflow.Context) (int, error) {
			return does([]string{"a", "b"}[rand.IntN(2)], 1)(ctx)
		}, []Option{WithPasses(64)}, []string{"RANDOM"}},
		"a goroutine": {func(ctx workflow.Context) (int, error) {
			go leftBehind(stop)
			return does("a", 1)(ctx)
		}, []Option{WithPasses(1)}, []string{"use workflow.Go", "replaytest.leftBehind"}},
	} {
		t.Run(name, func(t *testing.T) {
			var o options
			for _, opt := range c.opts {
				opt(&o)
			}
			got := strings.Join(check(t, recorded(t, does("a", 1)), registered(t, c.code), o), "\n")
			if (got == "") != (c.says == nil) {
				t.Fatalf("got %q, want %q", got, c.says)
			}
			rest := got
			for _, s := range c.says {
				_, after, found := strings.Cut(rest, s)
				if rest = after; !found {
					t.Fatalf("got\n%s\nwant %q in it", got, c.says)
				}
			}
		})
	}
}

func leftBehind(stop chan struct{}) { <-stop }

// Two formats, in folders of folders, each a subtest.
func TestDir(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"v1/one.wfh", "v2/orders/two.wfh.gz"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := diagnostics.WriteFile(path, recorded(t, does("a", 1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("no history"), 0o600); err != nil {
		t.Fatal(err)
	}
	runs := 0
	Dir(t, dir, registered(t, func(ctx workflow.Context) (int, error) {
		runs++
		return does("a", 1)(ctx)
	}), WithPasses(1))
	if want := 2 * (1 + bubblePasses); runs != want {
		t.Errorf("the code ran %d times, want %d", runs, want)
	}
}

func TestDirWithoutHistories(t *testing.T) {
	if _, err := bundles(t.TempDir()); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), "there are no histories in") {
		t.Errorf("got %v", err)
	}
	if _, err := bundles("missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
