package jaegertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What samples/tracing exports comes out of Jaeger as the tree that it prints where
// there is none, by both protocols, and nothing else comes out.
func TestTheSample(t *testing.T) {
	j := started(t)
	program := built(t)
	want, err := os.ReadFile("../../samples/tracing/testdata/tree.txt")
	if err != nil {
		t.Fatal(err)
	}
	for protocol, endpoint := range map[string]string{"grpc": j.GRPC, "http/protobuf": j.HTTP} {
		t.Run(protocol, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			id := run(ctx, t, program, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint)
			spans := strings.Count(string(want), "\n")
			trace, err := j.Await(ctx, id, func(trace Trace) bool { return len(trace.Spans) >= spans })
			if got := trace.Tree(); err != nil || got != string(want) {
				t.Errorf("%v, got\n%swant\n%s", err, got, want)
			}
			check(t, trace)
		})
	}
	found, err := j.Traces(t.Context(), "shop", 10)
	if err != nil || len(found) != 2 {
		t.Errorf("Jaeger has %d traces, %v; each run should have made one", len(found), err)
	}
}

// built returns the program of the sample.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tracing")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "./samples/tracing")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// run runs the program and returns the trace that it says it made.
func run(ctx context.Context, t *testing.T, program string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(append(os.Environ(), "OTEL_METRICS_EXPORTER=none"), env...) // Jaeger takes no metrics
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	m := regexp.MustCompile(`trace ([0-9a-f]{32})`).FindSubmatch(out)
	if err != nil || m == nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	return string(m[1])
}

// check looks at what the tree does not show.
func check(t *testing.T, trace Trace) {
	t.Helper()
	for _, s := range trace.Spans {
		kind, _, _ := strings.Cut(s.Name, " ")
		for _, key := range map[string][]string{
			"workflow": {"wfops.workflow.name", "wfops.instance.id", "wfops.execution.id", "wfops.status"},
			"activity": {"wfops.activity.name", "wfops.instance.id", "code.function.name", "wfops.status"},
			"attempt":  {"wfops.activity.name", "wfops.activity.attempt", "wfops.worker.id"},
			"child":    {"wfops.child.workflow.name"},
		}[kind] {
			if s.Tag(key) == "" {
				t.Errorf("%s has no %s: %v", s.Name, key, s.Tags)
			}
		}
		if len(s.Warnings) > 0 {
			t.Errorf("Jaeger warns about %s: %q", s.Name, s.Warnings)
		}
	}
}
