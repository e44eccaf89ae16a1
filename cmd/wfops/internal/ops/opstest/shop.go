package opstest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Shop fills b with what a shop's store may hold at a bad moment: orders of which some
// failed and one is blocked, a review that waits for a signal, a trial that waits for a
// timer, an import with children. The clock, which is that of b, shows now afterwards.
func Shop(t testing.TB, b backend.Backend, c *Clock, now time.Time) {
	t.Helper()
	s := shop{TB: t, now: now}
	Seed(t, b, c, s.rows(), s.workers()...)
	c.Set(now)
}

type shop struct {
	testing.TB

	now time.Time
}

func (s shop) ago(d time.Duration) time.Time { return s.now.Add(-d) }

func (s shop) workers() []backend.Worker {
	queues := []engine.Queue{"default", "billing"}
	workflows := []string{"OrderFill", "KycReview", "TrialExpiry"}
	activities := []string{"ReserveStock", "FraudCheck", "ChargeCard", "PickItems", "Ship", "SendReceipt"}
	return []backend.Worker{
		{ID: "w-31", Host: "host-7", PID: 31, Build: "41fd", Queues: queues[:1], Workflows: workflows[:1], Activities: activities, WorkflowSlots: 8, ActivitySlots: 16, Leases: 9, Started: s.ago(216 * time.Hour), Seen: s.ago(124 * time.Second)},
		{ID: "w-7f", Host: "host-3", PID: 7, Build: "9c1e", Queues: queues, Workflows: workflows, Activities: activities, WorkflowsUsed: 3, WorkflowSlots: 8, ActivitiesUsed: 1, ActivitySlots: 16, Leases: 4, Warm: 212, Started: s.ago(41 * time.Minute), Seen: s.ago(time.Second)},
	}
}

func (s shop) row(id, workflow string, status engine.Status, created, updated time.Duration) Row {
	return Row{Summary: backend.Summary{
		Instance: engine.Instance{InstanceID: id}, Workflow: workflow, Queue: "default", Status: status, Worker: "w-7f", Build: "9c1e", Created: s.ago(created), Updated: s.ago(updated),
	}}
}

func (s shop) rows() []Row {
	rows := []Row{s.blocked(), s.failed("order-8790", 64*time.Minute), s.failed("order-8791", 63*time.Minute), s.shipped(), s.retrying(), s.review("kyc-5520", 131*time.Minute), s.review("kyc-5531", 17*time.Minute)}
	sleeping := s.row("trial-1207", "TrialExpiry", engine.StatusRunning, 147*time.Hour, 147*time.Hour)
	sleeping.Queue, sleeping.Waiting = "billing", &engine.Waiting{Kind: engine.WaitTimer, Until: s.now.Add(189 * time.Hour)}
	parent := s.row("import-311", "NightlyImport", engine.StatusRunning, 12*time.Minute, 2*time.Second)
	parent.Queue, parent.Paused, parent.Note = "batch", true, &engine.Note{Reason: "disk full"}
	child := s.row("import-311-a", "ImportPart", engine.StatusCompleted, 11*time.Minute, 10*time.Minute)
	child.Queue, child.Parent = "batch", &engine.Instance{InstanceID: "import-311", ExecutionID: Execution("import-311")}
	second := s.row("import-311-b", "ImportPart", engine.StatusRunning, 11*time.Minute, 3*time.Second)
	second.Queue, second.Parent = "batch", child.Parent
	terminated := s.row("order-8613", "OrderFill", engine.StatusTerminated, 5*time.Hour, time.Minute)
	terminated.LastError = "ordered twice"
	return append(rows, sleeping, parent, child, second, s.row("order-8612", "OrderFill", engine.StatusCanceled, 5*time.Hour, time.Minute), terminated, s.hostile())
}

// hostile is what somebody would write who wants to fool an operator.
func (s shop) hostile() Row {
	r := s.row("evil-\x1b[31m[red]\u202e", "Order\x1b]8;;https://evil.example\x1b\\Fill", engine.StatusFailed, 26*time.Hour, 25*time.Hour)
	r.LastError = "a\tb\rc\u009b2J日本 [:::https://evil.example]x"
	r.Args = []engine.Payload{engine.Payload("\x1b[2J not JSON"), engine.Payload(`"日本 😀 <&> \u001b[31m"`)}
	return r
}

func (s shop) review(id string, since time.Duration) Row {
	r := s.row(id, "KycReview", engine.StatusRunning, since, since-2*time.Minute)
	r.Args = []engine.Payload{engine.Payload(`{"customer":"c_19f4","country":"NO"}`)}
	r.Waiting = &engine.Waiting{Kind: engine.WaitSignal, Name: "decision", Since: s.ago(since - 2*time.Minute)}
	return r
}

// call is an activity of an order.
type call struct {
	name, args, result string
	failure            string
	attempts           int
	begins, takes      time.Duration
}

// order is a row with the history of these calls, one after the other.
func (s shop) order(id string, status engine.Status, age time.Duration, calls ...call) Row {
	var end time.Duration
	for _, c := range calls {
		end = max(end, c.begins+c.takes)
	}
	r := s.row(id, "OrderFill", status, age, age-end)
	r.Args = []engine.Payload{engine.Payload(fmt.Sprintf(`{"order":%q,"sku":"A-113","qty":2}`, id))}
	for i, c := range calls {
		ref, at := int64(i+1), r.Created.Add(c.begins)
		site := history.Site{Function: "shop/order.Fill", File: "fill.go", Line: 71 + 9*i}
		r.Events = append(r.Events, history.Event{At: at, Ref: ref, Body: history.ActivityScheduled{Name: c.name, Args: []engine.Payload{engine.Payload(c.args)}, Queue: "default", Site: site}})
		done := at.Add(c.takes)
		run := history.Run{Attempt: max(1, c.attempts), Scheduled: at, Started: at.Add(20 * time.Millisecond), Worker: "w-7f", Build: "9c1e"}
		if c.failure != "" {
			failure := &engine.Failure{Type: "CarrierError", Message: c.failure}
			for n := 1; n < c.attempts; n++ {
				try := run
				try.Attempt, try.Started = n, at.Add(c.takes*time.Duration(n-1)/time.Duration(c.attempts))
				r.Events = append(r.Events, history.Event{At: try.Started.Add(600 * time.Millisecond), Ref: ref, Body: history.ActivityAttemptFailed{Failure: failure, Run: try}})
			}
			run.Started = done.Add(-600 * time.Millisecond)
			r.Events = append(r.Events, history.Event{At: done, Ref: ref, Body: history.ActivityFailed{Failure: failure, Run: run}})
			continue
		}
		if c.result != "" {
			r.Events = append(r.Events, history.Event{At: done, Ref: ref, Body: history.ActivityCompleted{Result: engine.Payload(c.result), Run: run}})
		}
	}
	return r
}

func calls(amount int) []call {
	return []call{
		{name: "ReserveStock", args: `{"sku":"A-113","qty":2}`, result: `{"shelf":"B7"}`, begins: 12 * time.Millisecond, takes: 1100 * time.Millisecond},
		{name: "FraudCheck", args: `{"cust":"c_19f4"}`, result: `{"score":12}`, begins: 1130 * time.Millisecond, takes: 21 * time.Second},
		{name: "ChargeCard", args: fmt.Sprintf(`{"amt":%d,"cur":"EUR"}`, amount), result: fmt.Sprintf(`{"auth":"a_%x"}`, amount), begins: 22 * time.Second, takes: 600 * time.Millisecond},
		{name: "PickItems", args: `{"shelf":"B7"}`, result: `{"boxes":1}`, begins: 23 * time.Second, takes: 2 * time.Second},
	}
}

func (s shop) failed(id string, age time.Duration) Row {
	ship := call{name: "Ship", args: `{"boxes":1,"carrier":"dhl"}`, failure: "carrier 502 bad gateway", attempts: 5, begins: 25 * time.Second, takes: 5 * time.Minute}
	r := s.order(id, engine.StatusFailed, age, append(calls(4200), ship)...)
	r.LastError = "Ship: carrier 502 bad gateway"
	r.Events = append(r.Events, history.Event{At: r.Updated, Body: history.WorkflowFailed{Failure: &engine.Failure{Type: "CarrierError", Message: r.LastError}}})
	return r
}

func (s shop) shipped() Row {
	r := s.order("order-8788", engine.StatusCompleted, 2*time.Hour, append(calls(4300),
		call{name: "Ship", args: `{"boxes":1,"carrier":"dhl"}`, result: `{"track":"ZX1"}`, begins: 25 * time.Second, takes: 3200 * time.Millisecond},
		call{name: "SendReceipt", args: `{"to":"c_19f4"}`, result: `null`, begins: 29 * time.Second, takes: 300 * time.Millisecond})...)
	r.Events = append(r.Events, history.Event{At: r.Updated, Body: history.WorkflowCompleted{Result: engine.Payload(`{"status":"shipped"}`)}})
	return r
}

func (s shop) retrying() Row {
	r := s.order("order-8841", engine.StatusRunning, 242*time.Second, append(calls(4200)[:2], call{name: "ChargeCard", args: `{"amt":4200,"cur":"EUR"}`, begins: 22 * time.Second})...)
	r.Attempt, r.LastError = 3, "429 rate limited"
	r.Tags = map[string]string{"region": "eu", "tier": "2"}
	r.Waiting = &engine.Waiting{Kind: engine.WaitActivity, Name: "ChargeCard", Ref: 3, Attempt: 3, Since: s.ago(220 * time.Second), Next: s.now.Add(12 * time.Second)}
	r.Updated = s.ago(9 * time.Second)
	last := r.Events[len(r.Events)-1]
	r.Activities = []backend.ActivityRow{{Ref: 3, Name: "ChargeCard", Queue: "default", Event: s.encode(last), Scheduled: last.At, Attempt: 3, After: 21 * time.Second, LastError: "429 rate limited"}}
	for n, at := range []time.Duration{23 * time.Second, 91 * time.Second, 164 * time.Second}[:2] {
		run := history.Run{Attempt: n + 1, Scheduled: last.At, Started: r.Created.Add(at), Worker: "w-7f", Build: "9c1e"}
		r.Events = append(r.Events, history.Event{At: r.Created.Add(at + time.Second), Ref: 3, Body: history.ActivityAttemptFailed{Failure: &engine.Failure{Type: "PaymentError", Message: "429 rate limited"}, Run: run}})
	}
	r.Events = append(r.Events, history.Event{At: r.Created.Add(22 * time.Second), Ref: 4, Body: history.TimerScheduled{Name: "sla-deadline", Duration: 30 * time.Minute}})
	r.Timers = []backend.Timer{{Ref: 4, Due: s.now.Add(26 * time.Minute), Event: s.encode(history.Event{At: s.now.Add(26 * time.Minute), Ref: 4, Body: history.TimerFired{}})}}
	return r
}

func (s shop) encode(e history.Event) history.Encoded {
	s.Helper()
	encoded, err := history.Encode(e)
	if err != nil {
		s.Fatal(err)
	}
	return encoded
}

// blocked is an order whose code was changed while it ran.
func (s shop) blocked() Row {
	r := s.order("order-8702", engine.StatusBlocked, 192*time.Minute, calls(4200)[0], call{name: "FraudCheck", args: `{"cust":"c_19f4"}`, begins: time.Second})
	r.BlockClass, r.BlockedBuilds = string(engine.BlockNondeterminism), []string{"9c1e"}
	r.Note = &engine.Note{Reason: "fixed in 9c1e"}
	command := func(name string, line int) *engine.BlockCommand {
		return &engine.BlockCommand{Kind: "activity", Name: name, Function: "shop/order.Fill", File: "fill.go", Line: line}
	}
	d := diagnostics.Divergence{
		Seq: 3, Event: "ActivityScheduled", History: command("ReserveStock", 71), Code: command("FraudCheck", 88),
		Stack: "coroutine 1\nshop/order.Fill\n\tfill.go:88\n", Message: "history has activity ReserveStock, the code issued activity FraudCheck",
	}
	r.Instance.ExecutionID = Execution(r.Instance.InstanceID)
	report := diagnostics.Report{
		Instance: r.Instance, Workflow: r.Workflow, Verdict: diagnostics.VerdictDiverged, Class: diagnostics.ClassOrder, Events: 5,
		Summary:    "at event 3 history has activity ReserveStock, the code issued activity FraudCheck at fill.go:88",
		Divergence: &d, Passes: diagnostics.Passes{Run: 96, Agreed: 96},
		Rows: []diagnostics.Row{
			{Op: diagnostics.OpMoved, Seq: 3, History: d.History, Code: d.Code, First: true},
			{Op: diagnostics.OpMoved, Seq: 5, History: command("FraudCheck", 80), Code: command("ReserveStock", 91), Exploratory: true},
		},
		Cause: &diagnostics.Explanation{
			Class: diagnostics.ClassOrder, Cause: "The commands of fill.go:88 and :91 have changed places since build 41fd.",
			Fixes: []string{"restore the order", "guard the change with workflow.GetVersion"}, Page: diagnostics.ClassOrder.Page(),
		},
	}
	reason := engine.BlockReason{
		Class: engine.BlockNondeterminism, Message: d.Message, Seq: d.Seq, Event: d.Event, Expected: d.History, Issued: d.Code, Stack: d.Stack, Build: "9c1e", Worker: "w-7f", Report: s.json(report),
	}
	r.Block = s.json(reason)
	return r
}

func (s shop) json(v any) []byte {
	s.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		s.Fatal(err)
	}
	return raw
}
