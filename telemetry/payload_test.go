package telemetry_test

import (
	"strings"
	"testing"

	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// Payloads are shown if somebody has said what of them, and not otherwise.
func TestPayloads(t *testing.T) {
	show := func(p telemetry.Payload) string {
		if p.Span == telemetry.SpanActivity && p.Key == telemetry.AttrArgs {
			return "" // secret
		}
		return p.Name + " " + strings.ToUpper(string(p.Data))
	}
	w := newWorld(t, config{options: telemetry.Options{Payloads: show}})
	w.start(worker.Options{})
	i := w.create("parent", Parent)
	w.finish(i)
	to := w.create("receiver", Waiting)
	w.waits(to, 2)
	w.finish(w.create("sender", Sending, "receiver"))
	w.finish(to)
	w.stop()
	live := w.exporter.GetSpans()
	golden(t, "payloads", live)
	spans := rebuilt(t, *i, w.history(*i))
	if drawn := draw(spans); strings.Contains(drawn, "wfops.args") || strings.Contains(drawn, "wfops.result") || strings.Contains(drawn, "ada") {
		t.Errorf("payloads are shown though nobody asked for it:\n%s", drawn)
	}
	again, err := telemetry.FromHistory(*i, w.history(*i), telemetry.WithPayloads(show))
	if err != nil || len(again) == 0 {
		t.Fatal(err)
	}
	found := false
	for _, s := range again {
		for _, a := range s.Attributes() {
			found = found || a.Key == telemetry.AttrResult && strings.Contains(a.Value.String(), "HELLO ADA")
		}
	}
	if !found {
		t.Error("rebuilt spans don't show payloads")
	}
}
