package orders_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replaytest"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/samples/orders/orders"
)

var record = flag.String("record", "", "record histories of a `release` into testdata/histories")

// Histories of earlier releases are replayed by this one. They are recorded once and
// never edited.
func TestHistories(t *testing.T) {
	r := registry.New()
	if err := orders.Register(r, &orders.Activities{}); err != nil {
		t.Fatal(err)
	}
	replaytest.Dir(t, "testdata/histories", r, replaytest.WithSettings(settings.Settings{Errors: orders.Sentinels()}), replaytest.WithPasses(3))
}

// TestRecord writes one history of each kind.
func TestRecord(t *testing.T) {
	if *record == "" {
		t.Skip("histories are recorded by: go test ./samples/orders/orders -run TestRecord -record v1.2.0")
	}
	dir := filepath.Join("testdata", "histories", *record)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err) // it was recorded
	}
	c, _ := trade(t, orders.Load{First: 10, Orders: 40, PayAfter: 10 * time.Millisecond, Every: time.Millisecond})
	page, err := c.List(t.Context(), client.Filter{Limit: backend.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, s := range page.Items {
		events, err := c.History(t.Context(), &s.Instance)
		if err != nil {
			t.Fatal(err)
		}
		kind := fmt.Sprint(s.Workflow, s.Status, whatHappened(events))
		if kinds[kind] {
			continue
		}
		kinds[kind] = true
		name := fmt.Sprintf("%s-%s-%d.wfh", s.Workflow, s.Status, len(kinds))
		if err := diagnostics.WriteFile(filepath.Join(dir, name), diagnostics.NewBundle(s.Instance, events)); err != nil {
			t.Fatal(err)
		}
	}
}

// whatHappened is the same for histories that have the same kinds of events and call
// the same activities, however often.
func whatHappened(events []history.Event) []string {
	var all []string
	for _, ev := range events {
		all = append(all, string(ev.Kind()))
		if a, ok := ev.Body.(history.ActivityScheduled); ok {
			all = append(all, a.Name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
