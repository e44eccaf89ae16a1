package exported_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/exported"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// opened is a store with an execution that has many activities, the last of which failed
// twice, and a timer.
func opened(t *testing.T, activities int) *exported.Store {
	t.Helper()
	parent := engine.Instance{InstanceID: "mother", ExecutionID: "m-1"}
	events := []history.Event{
		{At: start, Body: history.TaskStarted{Worker: "w-1", Build: "b-1"}},
		{At: start, Body: history.WorkflowStarted{Workflow: "Order", Queue: "slow", FirstExecution: "e-0", Parent: &history.Parent{Instance: parent}, Tags: map[string]string{"env": "prod"}}},
		{At: start, Ref: 1, Body: history.TimerScheduled{Name: "deadline", Duration: time.Hour}},
	}
	for n := range activities {
		ref := int64(n + 2)
		events = append(events, history.Event{At: start, Ref: ref, Body: history.ActivityScheduled{Name: "Charge"}})
		if n < activities-1 {
			events = append(events, history.Event{At: start.Add(time.Second), Body: history.TaskStarted{Worker: "w-2", Build: "b-2"}}, history.Event{At: start.Add(time.Second), Ref: ref, Body: history.ActivityCompleted{}})
			continue
		}
		failed := history.ActivityAttemptFailed{Failure: &engine.Failure{Message: "declined"}, Run: history.Run{Attempt: 1}, Next: start.Add(time.Minute)}
		events = append(events, history.Event{At: start.Add(2 * time.Second), Body: history.TaskStarted{Worker: "w-2", Build: "b-2"}}, history.Event{At: start.Add(2 * time.Second), Ref: ref, Body: failed})
	}
	for i := range events {
		events[i].Seq = int64(i) + 1
	}
	file := filepath.Join(t.TempDir(), "order.wfh.gz")
	if err := diagnostics.WriteFile(file, diagnostics.NewBundle(engine.Instance{InstanceID: "order-1", ExecutionID: "e-1"}, events)); err != nil {
		t.Fatal(err)
	}
	s, err := exported.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestGet(t *testing.T) {
	s := opened(t, 2)
	for _, i := range []engine.Instance{{InstanceID: "order-1"}, {InstanceID: "order-1", ExecutionID: "e-1"}, {InstanceID: exported.This}} {
		got, err := s.Get(t.Context(), i)
		if err != nil || got.Instance.ExecutionID != "e-1" || got.FirstExecution != "e-0" || got.Workflow != "Order" || got.Queue != "slow" || got.Status != engine.StatusRunning ||
			got.Worker != "w-2" || got.Build != "b-2" || got.Parent.InstanceID != "mother" || got.HistoryLength != 9 || got.HistoryBytes == 0 || !got.Updated.Equal(start.Add(2*time.Second)) {
			t.Errorf("%s: %+v, %v", i, got, err)
		}
	}
	for _, i := range []engine.Instance{{InstanceID: "order-2"}, {InstanceID: "order-1", ExecutionID: "e-2"}, {InstanceID: "mother"}} {
		_, errGet := s.Get(t.Context(), i)
		_, errHistory := s.History(t.Context(), i, 0, 0)
		_, errPending := s.Pending(t.Context(), i, 0)
		for _, err := range []error{errGet, errHistory, errPending} {
			if !errors.Is(err, engine.ErrInstanceNotFound) {
				t.Errorf("%s: %v", i, err)
			}
		}
	}
	p, err := s.Pending(t.Context(), engine.Instance{InstanceID: "order-1"}, 0)
	if err != nil || len(p.Timers) != 1 || !p.Timers[0].Due.Equal(start.Add(time.Hour)) || len(p.Activities) != 1 || p.Activities[0].Attempt != 2 || p.Activities[0].LastError != "declined" ||
		!p.Activities[0].ReadyAt.Equal(start.Add(time.Minute)) {
		t.Errorf("pending: %+v, %v", p, err)
	}
	if info, err := s.Info(t.Context()); err != nil || !info.ReadOnly || !info.Now.Equal(start.Add(2*time.Second)) {
		t.Errorf("info: %+v, %v", info, err)
	}
}

// A history is read in pieces, from anywhere.
func TestHistory(t *testing.T) {
	s := opened(t, 900)
	of := engine.Instance{InstanceID: "order-1", ExecutionID: "e-1"}
	for _, after := range []int64{0, 1, 999, 1000, 1001, 2600, 2703, 5000} {
		seen := after
		for {
			chunks, err := s.History(t.Context(), of, seen, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(chunks) == 0 {
				break
			}
			events, err := chunks[0].Events.Decode(chunks[0].First)
			if err != nil || len(events) != chunks[0].Count || events[0].Seq != seen+1 {
				t.Fatalf("behind %d: %d events from %d: %v", seen, len(events), chunks[0].First, err)
			}
			seen = events[len(events)-1].Seq
		}
		if want := max(after, 2703); seen != want {
			t.Errorf("from %d on it ends at %d, want %d", after, seen, want)
		}
	}
	if all, err := s.History(t.Context(), of, 0, 0); err != nil || len(all) != 3 {
		t.Errorf("%d chunks: %v", len(all), err)
	}
}

func TestList(t *testing.T) {
	s := opened(t, 2)
	yes, no := true, false
	hour := start.Add(time.Hour)
	for i, c := range []struct {
		q    backend.Query
		want bool
	}{
		{backend.Query{}, true},
		{backend.Query{Statuses: []engine.Status{engine.StatusFailed, engine.StatusRunning}, Paused: &no, Workflows: []string{"X", "O*d*r"}, Queues: []engine.Queue{"slow"}, IDPrefix: "order", InstanceID: "order-1", Build: "b-2", Tags: map[string]string{"env": "prod"}}, true},
		{backend.Query{Parent: &engine.Instance{InstanceID: "mother"}, CreatedAfter: start, CreatedBefore: hour, UpdatedBefore: hour}, true},
		{backend.Query{Statuses: []engine.Status{engine.StatusFailed}}, false},
		{backend.Query{Paused: &yes}, false},
		{backend.Query{Workflows: []string{"Ord", "*x"}}, false},
		{backend.Query{Queues: []engine.Queue{"default"}}, false},
		{backend.Query{IDPrefix: "x"}, false},
		{backend.Query{InstanceID: "order"}, false},
		{backend.Query{Parent: &engine.Instance{InstanceID: "mother", ExecutionID: "m-2"}}, false},
		{backend.Query{CreatedAfter: hour}, false},
		{backend.Query{UpdatedBefore: start}, false},
		{backend.Query{FinishedBefore: hour}, false},
		{backend.Query{MinAttempt: 2}, false},
		{backend.Query{WaitingName: "x"}, false},
		{backend.Query{BlockClass: "nondeterminism"}, false},
		{backend.Query{ErrorContains: "x"}, false},
		{backend.Query{Build: "b-1"}, false},
		{backend.Query{Tags: map[string]string{"env": "test"}}, false},
		{backend.Query{Cursor: "x"}, false},
	} {
		page, err := s.List(t.Context(), c.q)
		if err != nil || (len(page.Items) == 1) != c.want || page.Next != "" {
			t.Errorf("query %d: %+v, %v", i, page, err)
		}
		counts, err := s.Count(t.Context(), c.q)
		if err != nil || c.q.Cursor == "" && (counts[engine.StatusRunning] == 1) != c.want {
			t.Errorf("query %d: %v, %v", i, counts, err)
		}
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	s, ctx := opened(t, 2), t.Context()
	errs := map[string]error{
		"create": s.Create(ctx, make([]backend.Creation, 1))[0].Err, "deliver": s.Deliver(ctx, make([]backend.Delivery, 1))[0], "terminate": s.Terminate(ctx, make([]backend.Termination, 1))[0],
		"pause": s.Pause(ctx, make([]backend.PauseChange, 1))[0], "retry": s.Retry(ctx, make([]backend.RetryRequest, 1))[0], "remove": s.Remove(ctx, make([]engine.Instance, 1))[0],
		"commit": s.CommitWorkflows(ctx, make([]backend.WorkflowCommit, 1))[0].Err, "extend": s.ExtendWorkflows(ctx, make([]backend.WorkflowExtension, 1))[0].Err,
		"commit activities": s.CommitActivities(ctx, make([]backend.ActivityCommit, 1))[0], "extend activities": s.ExtendActivities(ctx, make([]backend.ActivityExtension, 1))[0],
		"heartbeat": s.Heartbeat(ctx, backend.Worker{}),
	}
	_, errs["claim"] = s.ClaimWorkflows(ctx, backend.WorkflowClaim{})
	_, errs["claim activities"] = s.ClaimActivities(ctx, backend.ActivityClaim{})
	for name, err := range errs {
		if !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := exported.Open(filepath.Join(t.TempDir(), "missing.wfh")); err == nil {
		t.Error("a file that is not there was opened")
	}
}
