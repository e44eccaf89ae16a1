package replay

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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

// binaries is where the programs of testdata are built.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wfops-test-*")
	if err != nil {
		panic(err)
	}
	binaries = dir
	// Nothing of a child may stay, not even when a test fails.
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

var builds sync.Map // of name to sync.OnceValues

// build builds a program of testdata, once, with flags of go build.
func build(tb testing.TB, name string, flags ...string) string {
	tb.Helper()
	path := filepath.Join(binaries, strings.Join(append([]string{name}, flags...), ""))
	once, _ := builds.LoadOrStore(path, sync.OnceValue(func() error {
		args := append(append([]string{"build", "-o", path}, flags...), "./testdata/"+name)
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil { //nolint:noctx // the tests share it
			return fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
		return nil
	}))
	if err := once.(func() error)(); err != nil {
		tb.Fatal(err)
	}
	return path
}

// logged is the output of children.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startWorker starts the worker of testdata as a replayer with one child.
func startWorker(t *testing.T, o Options) *Replayer {
	t.Helper()
	if o.Children == 0 {
		o.Children = 1
	}
	r, err := Start(t.Context(), build(t, "worker"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func replayed(t *testing.T, r *Replayer, b diagnostics.Bundle) Result {
	t.Helper()
	res, err := r.Replay(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if res.Instance != b.Instance || res.Workflow != b.Workflow || res.Events != len(b.Events) {
		t.Errorf("the report is about %s of %s with %d events", res.Instance, res.Workflow, res.Events)
	}
	return res
}

// ok replays a history that is fine, to see that there is still somebody who can.
func ok(t *testing.T, r *Replayer) {
	t.Helper()
	if res := replayed(t, r, recorded(t, "ok", 1)); res.Verdict != diagnostics.VerdictOK || len(res.Notes) > 0 {
		t.Errorf("afterwards a history that is fine is %s, %q", res.Summary, res.Notes)
	}
}

// recorded is the history of a workflow of the worker that has completed the activity
// "a" some times less one, and waits for the last.
func recorded(tb testing.TB, name string, arg int) diagnostics.Bundle {
	tb.Helper()
	return recordedSteps(tb, name, arg, 1)
}

func recordedSteps(tb testing.TB, name string, arg, times int) diagnostics.Bundle {
	tb.Helper()
	reg := registry.New()
	err := reg.RegisterWorkflow(func(ctx workflow.Context, _ int) (int, error) {
		for range times {
			if _, err := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "a").Get(ctx); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}, registry.WithName(name))
	if err != nil {
		tb.Fatal(err)
	}
	i := engine.Instance{InstanceID: name + " instance", ExecutionID: engine.NewID()}
	x := executor.New(executor.Options{Instance: i, Registry: reg, Command: settings.Settings{}.Command(reg)})
	defer x.Close()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	next := history.Event{At: now, Body: history.WorkflowStarted{Workflow: name, Args: []engine.Payload{fmt.Append(nil, arg)}, Queue: "default"}}
	var events []history.Event
	for range times {
		now = now.Add(time.Second)
		step, err := x.Apply(executor.Input{Now: now, Worker: "w", Build: "b", Events: []history.Event{next}})
		if err != nil {
			tb.Fatal(err)
		}
		events = append(events, step.Events...)
		if len(step.StartActivities) == 0 {
			break
		}
		next = history.Event{At: now, Ref: step.StartActivities[0].Event.Ref, Body: history.ActivityCompleted{Result: engine.Payload("1")}}
	}
	return diagnostics.NewBundle(i, events)
}

// within fails the test if f takes longer than a limit of ours should let it.
func within(t *testing.T, limit time.Duration, f func(ctx context.Context)) {
	t.Helper()
	begun := time.Now()
	f(t.Context())
	if d := time.Since(begun); d > limit {
		t.Errorf("it took %s, the limit is %s", d, limit)
	}
}
