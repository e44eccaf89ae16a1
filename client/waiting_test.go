package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func TestWaitingLineNamesTheBuildsThatFailed(t *testing.T) {
	d := client.Description{Summary: backend.Summary{
		Workflow: greet, Queue: engine.QueueDefault, Status: engine.StatusRunning, BlockedBuilds: []string{"old"},
	}}
	d.Workers = []backend.Worker{{Build: "old", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{greet}}}
	if got, want := d.WaitingLine(), "only workers of builds that could not run it: old"; got != want {
		t.Errorf("the waiting line is %q, want %q", got, want)
	}
	d.Workers[0].Build = "new"
	if got := d.WaitingLine(); got != "" {
		t.Errorf("with another build it is %q", got)
	}
}

func TestWaitingLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newStore(t)
		c := client.New(b)
		i := create(t, c, "id")
		want := func(line string) {
			t.Helper()
			if got := must(c.Describe(t.Context(), i)).WaitingLine(); got != line {
				t.Errorf("the waiting line is %q, want %q", got, line)
			}
		}
		heartbeat := func(w backend.Worker) {
			t.Helper()
			if err := b.Heartbeat(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
		want(`no worker registers workflow "Greet"`)
		heartbeat(backend.Worker{ID: "other queue", Queues: []engine.Queue{"slow"}, Workflows: []string{greet}})
		want(`no worker registers workflow "Greet"`)
		w := backend.Worker{ID: "w", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{greet}}
		heartbeat(w)
		want("")

		task := claim(t, b)
		event := must(history.Encode(history.Event{At: time.Now(), Ref: 1, Body: history.ActivityScheduled{Name: "Mail"}}))
		now := time.Now().UTC()
		commit(t, b, task, func(s *backend.WorkflowCommit) {
			s.AddActivities = []backend.ActivityRow{{Ref: 1, Name: "Mail", Queue: engine.QueueDefault, Event: event, Attempt: 1}}
			s.Summary.Waiting = &engine.Waiting{Kind: engine.WaitActivity, Name: "Mail", Since: now, Until: now.Add(time.Hour), Attempt: 2, More: 1}
		}, history.TaskStarted{Worker: "w"})
		want(`no worker registers activity "Mail"`)
		w.Activities = []string{"Mail"}
		heartbeat(w)
		want(`activity "Mail", attempt 2 since ` + now.Format(time.RFC3339) + " until " + now.Add(time.Hour).Format(time.RFC3339) + " and 1 more")

		pass(time.Minute) // without a heartbeat
		want(`no worker registers workflow "Greet"`)
		if err := c.Pause(t.Context(), i, "disk full\nor so"); err != nil {
			t.Fatal(err)
		}
		want("paused since " + time.Now().UTC().Format(time.RFC3339) + ": disk full")
		if err := b.Retry(t.Context(), []backend.RetryRequest{{To: backend.Address{InstanceID: i.InstanceID}}})[0]; err != nil {
			t.Fatal(err)
		}
		want("paused")
		if err := c.TerminateWorkflowInstance(t.Context(), i, ""); err != nil {
			t.Fatal(err)
		}
		want("")
	})
}
