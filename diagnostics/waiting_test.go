package diagnostics_test

import (
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

func TestWaitingNamesTheOneReason(t *testing.T) {
	now := epoch.Add(time.Hour)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	alive := diagnostics.WorkerFacts{ID: "w-1", Workflows: []engine.Queue{"q"}, Activities: []engine.Queue{"q"}, Seen: ago(time.Second)}
	dead := diagnostics.WorkerFacts{ID: "w-2", Workflows: []engine.Queue{"q", "r"}, Activities: []engine.Queue{"r"}, Seen: ago(5 * time.Minute)}
	act := &engine.Waiting{Kind: engine.WaitActivity, Name: "Ship", Ref: 3, Since: ago(2 * time.Minute), Attempt: 1, More: 2}
	row := func(a diagnostics.ActivityFacts) []diagnostics.ActivityFacts {
		a.Ref, a.Name = 3, "Ship"
		return []diagnostics.ActivityFacts{{Ref: 1, Name: "other"}, a}
	}
	for _, c := range []struct {
		name string
		f    diagnostics.Facts
		kind diagnostics.ReasonKind
		text string
	}{
		{"ended", diagnostics.Facts{Status: engine.StatusFailed, Paused: true}, diagnostics.ReasonNone, "ended"},
		{"paused", diagnostics.Facts{Status: engine.StatusBlocked, Paused: true}, diagnostics.ReasonPaused, "paused"},
		{"paused for a reason", diagnostics.Facts{Paused: true, Note: &engine.Note{Action: engine.NotePause, Reason: "disk full\nor so", At: ago(time.Minute)}},
			diagnostics.ReasonPaused, "paused, for 1m00s, disk full"},
		{"paused, and tried again since", diagnostics.Facts{Paused: true, Note: &engine.Note{Action: engine.NoteRetry, Reason: "fixed", At: now}},
			diagnostics.ReasonPaused, "paused"},
		{"blocked", diagnostics.Facts{Status: engine.StatusBlocked, Waiting: act, Block: &engine.BlockReason{Class: engine.BlockHang, Message: "stuck"}},
			diagnostics.ReasonBlocked, "blocked: HANG, stuck"},
		{"lost", diagnostics.Facts{Waiting: act, Holder: "w-2", LeaseUntil: now.Add(10 * time.Second)},
			diagnostics.ReasonLost, "held by worker w-2, which is not seen, lease ends in 10s"},
		{"unheard of", diagnostics.Facts{Waiting: act, Holder: "w-9", LeaseUntil: now.Add(10 * time.Second)},
			diagnostics.ReasonLost, "held by worker w-9, which is not seen, lease ends in 10s"},
		{"nobody on its queue", diagnostics.Facts{Queue: "r", Ready: ago(90 * time.Second)}, diagnostics.ReasonNoWorker, `no worker on queue "r", for 1m30s`},
		{"nobody on the default queue", diagnostics.Facts{Ready: now}, diagnostics.ReasonNoWorker, `no worker on queue "default", for 0s`},
		{"queued", diagnostics.Facts{Queue: "q", Ready: ago(400 * time.Millisecond)}, diagnostics.ReasonQueued, "workflow task queued, for 400ms"},
		{"new", diagnostics.Facts{Queue: "q"}, diagnostics.ReasonUnknown, "not known yet"},
		{"signal", diagnostics.Facts{Waiting: &engine.Waiting{Kind: engine.WaitSignal, Name: "go", Since: ago(26 * time.Hour)}}, diagnostics.ReasonSignal, `signal "go", for 1d02h`},
		{"timer", diagnostics.Facts{Ready: now.Add(time.Hour), Waiting: &engine.Waiting{Kind: engine.WaitTimer, Name: "sla", Until: now.Add(61 * time.Minute)}},
			diagnostics.ReasonTimer, "timer sla, fires in 1h01m"},
		{"child", diagnostics.Facts{Waiting: &engine.Waiting{Kind: engine.WaitChild, Name: "Parcel"}}, diagnostics.ReasonChild, "child Parcel"},
		{"lock", diagnostics.Facts{Waiting: &engine.Waiting{Kind: engine.WaitOther, Name: "mutex"}}, diagnostics.ReasonOther, "mutex"},
		{"activity at the holder", diagnostics.Facts{Waiting: act, Holder: "w-1"}, diagnostics.ReasonRunning, "activity Ship running, for 2m00s, and 2 more"},
		{"activity elsewhere", diagnostics.Facts{Waiting: act, Activities: row(diagnostics.ActivityFacts{Holder: "w-1", Attempt: 2, MaxAttempts: 5, Started: ago(time.Second), LastError: "502\nmore"})},
			diagnostics.ReasonRunning, "activity Ship running, attempt 2/5, for 1s, 502, and 2 more"},
		{"retry", diagnostics.Facts{Waiting: act, Activities: row(diagnostics.ActivityFacts{Attempt: 3, ReadyAt: now.Add(12 * time.Second), LastError: "429"})},
			diagnostics.ReasonRetry, "activity Ship, attempt 3, next in 12s, 429, and 2 more"},
		{"activity queued", diagnostics.Facts{Waiting: act, Activities: row(diagnostics.ActivityFacts{Queue: "q", Attempt: 1})}, diagnostics.ReasonActivity, "activity Ship queued, for 2m00s, and 2 more"},
		{"activity nobody runs", diagnostics.Facts{Waiting: act, Activities: row(diagnostics.ActivityFacts{Queue: "r", Attempt: 1})},
			diagnostics.ReasonNoRunner, `no worker for activities on queue "r", for 2m00s, and 2 more`},
		{"activity lost", diagnostics.Facts{Waiting: act, Activities: row(diagnostics.ActivityFacts{Holder: "w-2", Attempt: 1})},
			diagnostics.ReasonLost, "held by worker w-2, which is not seen, last seen 5m00s ago, and 2 more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.f.Now, c.f.Workers = now, []diagnostics.WorkerFacts{alive, dead}
			if c.f.Status == "" {
				c.f.Status = engine.StatusRunning
			}
			r := diagnostics.Waiting(c.f)
			if r.Kind != c.kind || r.Text(now) != c.text {
				t.Errorf("got  %s: %q\nwant %s: %q", r.Kind, r.Text(now), c.kind, c.text)
			}
		})
	}
}
