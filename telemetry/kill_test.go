package telemetry_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// Killed has an activity that ends, and one during which its worker is killed.
func Killed(ctx workflow.Context) (string, error) {
	if _, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, Greet, "ada").Get(ctx); err != nil {
		return "", err
	}
	return Lost(ctx)
}

// killVariable makes this program a worker on the store that it names, which runs until
// it is killed. It writes a line for each span that it exports; with batches,
// there is no time to export any.
const killVariable, batchVariable = "WFOPS_TELEMETRY_TEST_STORE", "WFOPS_TELEMETRY_TEST_BATCH"

func runWorker() error {
	ctx := context.Background()
	b, err := placeFrom(os.Getenv(killVariable)).open(ctx)
	if err != nil {
		return err
	}
	exporter := sdktrace.WithSyncer(&lines{})
	if os.Getenv(batchVariable) != "" {
		exporter = sdktrace.WithBatcher(&lines{}, sdktrace.WithBatchTimeout(time.Hour))
	}
	t, err := telemetry.New(telemetry.Options{TracerProvider: sdktrace.NewTracerProvider(exporter, sdktrace.WithIDGenerator(telemetry.IDGenerator()))})
	if err != nil {
		return err
	}
	w := worker.New(b, &worker.Options{
		Settings: settings.Settings{Telemetry: t, Logger: slog.New(slog.DiscardHandler)}, WorkerID: "killed", BuildID: "build-1", LeaseDuration: time.Second,
	})
	err = errors.Join(w.RegisterWorkflow(Killed), w.RegisterActivity(Greet), w.RegisterActivity(Slow), w.Start(ctx))
	if err != nil {
		return err
	}
	return w.WaitForCompletion()
}

// lines writes each span at once.
type lines struct{}

func (*lines) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Println(s.SpanContext().SpanID(), s.Name())
	}
	return nil
}

func (*lines) Shutdown(context.Context) error { return nil }

// A worker that is killed takes with it what it has committed and not exported, and
// nothing else. The rest is emitted by whoever takes over, nothing twice; and history
// knows it all, which is what wfops trace exports.
func TestKilledWorker(t *testing.T) {
	for name, at := range places {
		for _, batch := range []string{"", "1"} {
			t.Run(name+"/batch="+batch, func(t *testing.T) {
				t.Parallel()
				killed(t, at(t), batch)
			})
		}
	}
}

func killed(t *testing.T, at place, batch string) {
	t.Helper()
	b := must(at.open(t.Context()))
	t.Cleanup(func() { _ = b.Close() })
	w := newWorld(t, config{store: b})
	victim := startVictim(t, at, batch)
	i := w.create("one", Killed)
	w.waits(i, 6)
	if batch == "" {
		w.until("the spans of the first activity", func() bool { return victim.count() == 2 })
	}
	seen := victim.kill()
	w.start(worker.Options{WorkerID: "worker-2", LeaseDuration: time.Second})
	w.finish(i)
	w.stop()

	live := map[trace.SpanID]string{}
	var all tracetest.SpanStubs
	for _, s := range w.exporter.GetSpans() {
		live[s.SpanContext.SpanID()] = s.Name
		if strings.HasPrefix(s.Name, telemetry.SpanCreate) {
			all = append(all, s)
		}
	}
	for id, name := range seen {
		if live[id] != "" {
			t.Errorf("span %q was emitted twice", name)
		}
		live[id] = name
	}
	var missing []string
	for _, s := range rebuilt(t, *i, w.history(*i)) {
		if live[s.SpanContext.SpanID()] == "" {
			missing = append(missing, s.Name)
		}
		delete(live, s.SpanContext.SpanID())
		all = append(all, s)
	}
	want := ""
	if batch != "" {
		want = "attempt, activity Greet"
	}
	if got := strings.Join(missing, ", "); got != want {
		t.Errorf("missing are %q, want %q", got, want)
	}
	if len(live) != 1 { // that of the client
		t.Errorf("emitted and not rebuilt are %v", live)
	}
	golden(t, "killed", all)
}

// victim is a worker in a process of its own.
type victim struct {
	cmd     *exec.Cmd
	reading sync.WaitGroup
	mu      sync.Mutex
	seen    map[trace.SpanID]string
}

func startVictim(t *testing.T, at place, batch string) *victim {
	t.Helper()
	v := &victim{cmd: exec.CommandContext(t.Context(), os.Args[0]), seen: map[trace.SpanID]string{}}
	v.cmd.Env = append(os.Environ(), killVariable+"="+at.String(), batchVariable+"="+batch)
	v.cmd.Stderr = os.Stderr
	out := must(v.cmd.StdoutPipe())
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v.reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			id, name, _ := strings.Cut(lines.Text(), " ")
			v.mu.Lock()
			v.seen[must(trace.SpanIDFromHex(id))] = name
			v.mu.Unlock()
		}
	})
	t.Cleanup(func() { v.kill() })
	return v
}

func (v *victim) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.seen)
}

// kill kills it without a warning, and returns the spans that it has exported.
func (v *victim) kill() map[trace.SpanID]string {
	_ = v.cmd.Process.Kill()
	v.reading.Wait()
	_ = v.cmd.Wait()
	return v.seen
}
