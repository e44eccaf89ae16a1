package ops_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/history"
)

// The names of timers are found anywhere in a history, and not by reading all of it.
func TestTimersAreNamed(t *testing.T) {
	const commands, others, perStep = 2000, 4, 50
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	i := long(t, b, commands, others, perStep)
	reads := 0
	s := ops.New(intercept.New(b, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		if m == intercept.History {
			reads++
		}
		return next(ctx)
	}), ops.Options{})
	for _, refs := range [][]int64{{1}, {2}, {commands}, {commands / 2}, {77, 78, 1234}} {
		d, err := s.Detail(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		d.Pending.Timers = nil
		for _, ref := range refs {
			d.Pending.Timers = append(d.Pending.Timers, backend.Timer{Ref: ref})
		}
		reads = 0
		if err := s.NameTimers(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			if want := fmt.Sprintf("timer %d", ref); d.StepName(ref) != want {
				t.Errorf("%v: the step of %d is %q after %d reads", refs, ref, d.StepName(ref), reads)
			}
		}
		if reads > 24 {
			t.Errorf("%v: %d reads", refs, reads)
		}
		t.Logf("%v: %d reads of %d events", refs, reads, d.HistoryLength)
	}
}

// long makes an instance with a timer for each command, and other events behind each.
func long(t *testing.T, b backend.Backend, commands, others, perStep int) engine.Instance {
	t.Helper()
	i := engine.Instance{InstanceID: "long", ExecutionID: "x-long"}
	encode := func(events ...history.Event) history.Encoded {
		e, err := history.Encode(events...)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	created := b.Create(t.Context(), []backend.Creation{{
		Instance: i, FirstExecution: i.ExecutionID, Workflow: "Long", Queue: engine.QueueDefault,
		Started: encode(history.Event{At: now, Body: history.WorkflowStarted{Workflow: "Long", Queue: engine.QueueDefault}}),
	}})
	claimed, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{Worker: "w", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{"Long"}, Max: 1, Lease: time.Hour})
	if created[0].Err != nil || err != nil || len(claimed.Tasks) != 1 {
		t.Fatal(created[0].Err, err)
	}
	seq := claimed.Tasks[0].LastSeq
	for ref := 1; ref <= commands; {
		events := []history.Event{{At: now, Body: history.TaskStarted{Worker: "w"}}}
		for range perStep {
			events = append(events, history.Event{At: now, Ref: int64(ref), Body: history.TimerScheduled{Name: fmt.Sprintf("timer %d", ref), Duration: time.Hour}})
			for range others {
				events = append(events, history.Event{At: now, Body: history.SignalReceived{Name: "s"}})
			}
			ref++
		}
		commit := backend.WorkflowCommit{
			Instance: i, Token: claimed.Tasks[0].Token, ExpectSeq: seq, StepID: fmt.Sprint("s", ref), Events: encode(events...), Count: len(events), Status: engine.StatusRunning, Lease: time.Hour,
		}
		if err := b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{commit})[0].Err; err != nil {
			t.Fatal(err)
		}
		seq += int64(len(events))
	}
	return i
}
