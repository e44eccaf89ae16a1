package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func (p *player) not(texts ...string) {
	p.Helper()
	screen := p.screen()
	for _, text := range texts {
		if strings.Contains(screen, text) {
			p.Errorf("the screen shows %q:\n%s", text, screen)
		}
	}
}

// workshop is a store with one instance that a test lets go on.
type workshop struct {
	*testing.T

	b     backend.Backend
	clock *opstest.Clock
	task  backend.WorkflowTask
	seq   int64
}

const built = "built-1"

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	clock := opstest.NewClock(now)
	w := &workshop{T: t, b: memory.New(memory.WithClock(clock.Now)), clock: clock}
	t.Cleanup(func() { _ = w.b.Close() })
	i := engine.Instance{InstanceID: built, ExecutionID: "x-1"}
	w.ok(w.b.Create(t.Context(), []backend.Creation{{
		Instance: i, FirstExecution: "x-1", Workflow: "Build", Queue: "default", Started: w.encode(history.Event{At: now, Body: history.WorkflowStarted{Workflow: "Build"}}),
	}})[0].Err)
	claimed, err := w.b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{Worker: "w-1", Queues: []engine.Queue{"default"}, Workflows: []string{"Build"}, Max: 1, Lease: time.Hour})
	w.ok(err)
	w.task = claimed.Tasks[0]
	w.does(history.Event{At: now, Body: history.TaskStarted{Worker: "w-1"}}, history.Event{At: now, Body: history.WorkflowStarted{Workflow: "Build", Args: []engine.Payload{engine.Payload(`{"whole":true}`)}}})
	return w
}

func (w *workshop) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *workshop) encode(events ...history.Event) history.Encoded {
	w.Helper()
	encoded, err := history.Encode(events...)
	w.ok(err)
	return encoded
}

// does lets the instance make a step.
func (w *workshop) does(events ...history.Event) {
	w.Helper()
	commit := backend.WorkflowCommit{
		Instance: w.task.Instance, Token: w.task.Token, ExpectSeq: w.seq, StepID: fmt.Sprint("s-", w.seq),
		Events: w.encode(events...), Count: len(events), Status: engine.StatusRunning, Lease: time.Hour,
	}
	if w.seq == 0 {
		commit.Consume = []int64{w.task.Inbox[0].ID}
	}
	w.ok(w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{commit})[0].Err)
	w.seq += int64(len(events))
}

func (w *workshop) signals(names ...string) {
	w.Helper()
	var events []history.Event
	for _, name := range names {
		events = append(events, history.Event{At: w.clock.Now(), Body: history.SignalReceived{Name: name, Arg: engine.Payload(`{"from":"a test"}`)}})
	}
	w.does(events...)
}

func (w *workshop) play(width, height int) *player {
	w.Helper()
	p := playOn(w.T, w.b, w.clock, width, height, nil)
	p.open(built)
	return p
}
