package telemetry

import (
	"context"
	"math/rand/v2"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine/history"
)

// oracle is how OpenTelemetry itself reads a trace context.
func oracle(t history.Trace) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{headerParent: t.Parent, headerState: t.State})
	return trace.SpanContextFromContext(ctx)
}

const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestParse(t *testing.T) {
	for _, parent := range []string{
		"", "-", "---", good, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
		good + "more", "01" + good[2:], "01" + good[2:] + "-more", "ff" + good[2:], "0", good[:54], "zz" + good[2:],
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01", "garbage",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz",
	} {
		for _, state := range []string{"", "vendor=1", "a=1,b=2", "no state", "=,=", "a=1,a=2"} {
			same(t, history.Trace{Parent: parent, State: state})
		}
	}
}

func same(t *testing.T, in history.Trace) {
	t.Helper()
	got, want := parse(in), oracle(in)
	if !got.Equal(want) {
		t.Errorf("%+v is read as %+v, want %+v", in, got, want)
	}
	if sampled(in) != got.IsSampled() && got.IsValid() {
		t.Errorf("%+v: sampled says %v", in, sampled(in))
	}
	if got.IsValid() && !parse(format(got)).Equal(got) {
		t.Errorf("%+v is written as %+v", got, format(got))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good, "vendor=1")
	f.Fuzz(func(t *testing.T, parent, state string) {
		if len(parent) > parentLen && parent[:2] == "00" {
			parent = parent[:parentLen] // OpenTelemetry lets pass what the recommendation doesn't
		}
		same(t, history.Trace{Parent: parent, State: state})
	})
}

func TestParseOfRandomChanges(t *testing.T) {
	const alphabet = "0123456789abcdefghABCDEF-_ \x00é"
	seed := uint64(1)
	r := rand.New(rand.NewPCG(seed, seed))
	for range 20_000 {
		b := []byte(good)
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] = alphabet[r.IntN(len(alphabet))]
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		same(t, history.Trace{Parent: string(b)})
	}
}

// Ids are part of what programs of different versions must agree on.
func TestDerivedIDsAreFrozen(t *testing.T) {
	for got, want := range map[string]string{
		traceID("execution").String():         "7f522e6e7af11517f26bdb8d319c43d7",
		workflowID("execution").String():      "2924ae03cb48b43b",
		commandID("execution", 7).String():    "ed13bfd56dac4b18",
		attemptID("execution", 7, 2).String(): "a228933f0d4bf68d",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
