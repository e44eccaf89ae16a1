package view_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// What is waited for comes first, in as few words as tell it.
func TestSituationOfWhatWaits(t *testing.T) {
	since := ago(220 * time.Second)
	for _, tc := range []struct {
		want    string
		waiting engine.Waiting
		attempt int
	}{
		{"Ship for 3m40s", engine.Waiting{Kind: engine.WaitActivity, Name: "Ship", Since: since, Attempt: 1}, 1},
		{"Ship ↻3 retry in 12s: 429", engine.Waiting{Kind: engine.WaitActivity, Name: "Ship", Since: since, Attempt: 3, Next: now.Add(12 * time.Second)}, 3},
		{"Ship ↻3 for 3m40s: 429, 2 more", engine.Waiting{Kind: engine.WaitActivity, Name: "Ship", Since: since, Attempt: 3, Next: ago(time.Second), More: 2}, 3},
		{"Ship for 3m40s, timer in 1h00m", engine.Waiting{Kind: engine.WaitActivity, Name: "Ship", Since: since, Until: now.Add(time.Hour)}, 1},
		{`signal "decision" for 3m40s`, engine.Waiting{Kind: engine.WaitSignal, Name: "decision", Since: since}, 0},
		{`signal "a b" for 3m40s, timer in 1h00m, 1 more`, engine.Waiting{Kind: engine.WaitSignal, Name: "a b", Since: since, Until: now.Add(time.Hour), More: 1}, 0},
		{"timer in 7d21h", engine.Waiting{Kind: engine.WaitTimer, Since: since, Until: now.Add(189 * time.Hour)}, 0},
		{`timer "sla" overdue for 1m00s`, engine.Waiting{Kind: engine.WaitTimer, Name: "sla", Until: ago(time.Minute)}, 0},
		{"child Part for 3m40s", engine.Waiting{Kind: engine.WaitChild, Name: "Part", Since: since}, 0},
		{"something inside the workflow for 3m40s", engine.Waiting{Kind: engine.WaitOther, Since: since}, 0},
		{"delivery of signal go for 3m40s", engine.Waiting{Kind: engine.WaitOther, Name: "delivery of signal go", Since: since}, 0},
		{"activity", engine.Waiting{Kind: engine.WaitActivity}, 0},
	} {
		s := backend.Summary{Status: engine.StatusRunning, HistoryLength: 2, Waiting: &tc.waiting, Attempt: tc.attempt, LastError: "429"}
		if got := (view.Options{Now: now}).Situation(&s).Text; got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestSituationOfWhatIsBlocked(t *testing.T) {
	for block, want := range map[string]string{
		`{"message":"they differ","seq":3,"expected":{"kind":"activity","name":"A"},"issued":{"kind":"activity","name":"B"}}`:    "NONDETERMINISM at event 3: history has A, the code B",
		`{"message":"its input differs","seq":3,"expected":{"kind":"activity","name":"A"},"issued":{"kind":"timer","name":"A"}}`: "NONDETERMINISM at event 3: its input differs",
		`{"message":"more events than commands at event 3","seq":3}`:                                                             "NONDETERMINISM: more events than commands at event 3",
		`{`: "blocked: NONDETERMINISM",
	} {
		s := backend.Summary{Status: engine.StatusBlocked, BlockClass: "NONDETERMINISM", Block: []byte(block)}
		if got := (view.Options{Now: now}).Situation(&s).Text; got != want {
			t.Errorf("%s:\n got %q\nwant %q", block, got, want)
		}
	}
}

// Where there is little room ids and reasons are worth more than what is only good to
// have, and a column that holds nothing is worth none.
func TestNarrowLists(t *testing.T) {
	rows := instances()[:2]
	titles := func(table view.Table, width int) string {
		return strings.Join(strings.Fields(strings.SplitN(plain(t, table, width), "\n", 2)[0]), " ")
	}
	list := view.Instances(rows, view.Options{Now: now}).Narrow()
	for width, want := range map[int]string{
		0:   "S INSTANCE WORKFLOW STATUS AGE IDLE EVENTS TRY WAITING ON / LAST ERROR", // for programs
		120: "S INSTANCE WORKFLOW STATUS AGE IDLE EVENTS WAITING ON / LAST ERROR",
		78:  "S INSTANCE WORKFLOW AGE WAITING ON / LAST ERROR",
		58:  "S INSTANCE AGE WAITING ON / LAST ERROR",
		46:  "S INSTANCE WAITING ON / LAST ERROR",
	} {
		if got := titles(list, width); got != want {
			t.Errorf("in %d: %s, want %s", width, got, want)
		}
	}
	rows[0].Instance.InstanceID = "order-00345-parcel-1"
	if got := plain(t, view.Instances(rows, view.Options{Now: now}).Narrow(), 78); !strings.Contains(got, "order-00345-parcel-1 ") {
		t.Errorf("the id is cut:\n%s", got)
	}
	sorted := list.Sorted("try", false, view.Options{Now: now})
	if got := titles(sorted, 58); got != "S INSTANCE AGE TRY↓ WAITING ON / LAST ERROR" {
		t.Errorf("sorted by attempts: %s", got)
	}
	if got := titles(list.Sorted("age", true, view.Options{Now: now, ASCII: true}), 78); !strings.Contains(got, "AGE^") {
		t.Errorf("sorted by age: %s", got)
	}
}

// The head has room for every number first, then for words.
func TestCensus(t *testing.T) {
	c := ops.Census{
		ByStatus: map[engine.Status]int64{engine.StatusBlocked: 2, engine.StatusRunning: 1604}, FailedLately: 37, Total: 41208, Paused: 1,
		Waiting: map[engine.WaitKind]int64{engine.WaitSignal: 88, engine.WaitTimer: 312},
	}
	for width, want := range map[int]string{
		100: "  ≠ 2 blocked  ✗ 37 failed 24h  ▷ 1,604 running (◇88 ◷312 ‖1)  41,208 in all",
		45:  "  ≠ 2 blocked  ✗37  ▷1,604 (◇88 ◷312 ‖1)",
		34:  "  ≠2  ✗37  ▷1,604 (◇88 ◷312 ‖1)",
		20:  "  ≠2  ✗37  ▷1,604",
		5:   "  ≠2",
		0:   "",
	} {
		got := ""
		for _, cell := range view.Census(c, view.Options{}, width) {
			got += cell.Text
		}
		if got != want {
			t.Errorf("in %d: %q, want %q", width, got, want)
		}
	}
	calm := view.Census(ops.Census{Total: 3}, view.Options{}, 100)
	for _, cell := range calm {
		if cell.Style != view.Muted && cell.Text != "" {
			t.Errorf("nothing is wrong, and %q stands out", cell.Text)
		}
	}
}
