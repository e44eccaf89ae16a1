// Package opstest fills a store with instances in given states, at given times.
package opstest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Clock is a clock that stands still between calls of Set.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now returns what it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set changes what it shows.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Row is an instance to make.
type Row struct {
	// Summary says what it is to look like. Its Created, Updated, status and what
	// steps set are used, and the reason of its note, which is of the pause of one that
	// is paused and else of a retry before its step; sizes follow from the events.
	backend.Summary

	// Args of the workflow.
	Args []engine.Payload
	// Events follow WorkflowStarted and TaskStarted in its first step.
	Events []history.Event
	// Activities and Timers are left pending by it.
	Activities []backend.ActivityRow
	Timers     []backend.Timer
	// Inbox comes in afterwards.
	Inbox []history.Event
}

// Execution is the execution id that Seed gives to an instance.
func Execution(id string) string { return "x-" + id }

// Seed makes the rows in b, whose clock is c, and heartbeats of workers when they were
// seen last. All happens in the order of time, as some clocks of stores never go back; the
// clock stays where the last of it was.
func Seed(t testing.TB, b backend.Backend, c *Clock, rows []Row, workers ...backend.Worker) {
	t.Helper()
	s := seeder{TB: t, b: b, tasks: map[engine.Instance]backend.WorkflowTask{}}
	type move struct {
		at time.Time
		do func()
	}
	var moves []move
	for i := range rows {
		r := &rows[i]
		r.Instance.ExecutionID = Execution(r.Instance.InstanceID)
		moves = append(moves, move{r.Created, func() { s.create(r) }}, move{r.Updated, func() { s.step(r) }})
	}
	for _, w := range workers {
		moves = append(moves, move{w.Seen, func() { s.ok(b.Heartbeat(t.Context(), w)) }})
	}
	slices.SortStableFunc(moves, func(a, b move) int { return a.at.Compare(b.at) })
	for _, m := range moves {
		c.Set(m.at)
		m.do()
	}
}

type seeder struct {
	testing.TB

	b     backend.Backend
	tasks map[engine.Instance]backend.WorkflowTask
}

func (s *seeder) ctx() context.Context { return s.Context() }

func (s *seeder) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("seeding the store: %v", err)
	}
}

// create makes an instance and claims it, so that its step can be made at any time.
func (s *seeder) create(r *Row) {
	s.Helper()
	started := history.WorkflowStarted{Workflow: r.Workflow, Queue: r.Queue.OrDefault(), Args: r.Args, FirstExecution: r.Instance.ExecutionID, Tags: r.Tags}
	s.ok(s.b.Create(s.ctx(), []backend.Creation{{
		Instance: r.Instance, FirstExecution: r.Instance.ExecutionID, Workflow: r.Workflow, Queue: r.Queue.OrDefault(),
		Parent: r.Parent, Tags: r.Tags, TraceID: r.TraceID, Started: s.encode(history.Event{At: r.Created, Body: started}),
	}})[0].Err)
	claimed, err := s.b.ClaimWorkflows(s.ctx(), backend.WorkflowClaim{
		Worker: cmp.Or(r.Worker, "w-1"), Build: r.Build, Queues: []engine.Queue{r.Queue.OrDefault()}, Workflows: []string{r.Workflow}, Max: 10, Lease: 1000 * time.Hour,
	})
	s.ok(err)
	for _, task := range claimed.Tasks {
		s.tasks[task.Instance] = task
	}
}

func (s *seeder) step(r *Row) {
	s.Helper()
	task, ok := s.tasks[r.Instance]
	if !ok {
		s.Fatalf("seeding the store: %s was not claimed", r.Instance)
	}
	events := append([]history.Event{
		{At: r.Created, Body: history.TaskStarted{Worker: cmp.Or(r.Worker, "w-1"), Build: r.Build}},
		{At: r.Created, Body: history.WorkflowStarted{Workflow: r.Workflow, Queue: r.Queue.OrDefault(), Args: r.Args, FirstExecution: r.Instance.ExecutionID, Tags: r.Tags}},
	}, r.Events...)
	commit := backend.WorkflowCommit{
		Instance: r.Instance, Token: task.Token, ExpectSeq: task.LastSeq, StepID: "s-" + r.Instance.InstanceID,
		Events: s.encode(events...), Count: len(events), Consume: []int64{task.Inbox[0].ID},
		AddTimers: r.Timers, AddActivities: r.Activities, Status: r.Status,
		Summary: backend.SummaryUpdate{Worker: cmp.Or(r.Worker, "w-1"), Build: r.Build, Waiting: r.Waiting, StatusLine: &r.StatusLine, LastError: &r.LastError, Attempt: r.Attempt},
	}
	if r.Note != nil && !r.Paused {
		s.ok(s.b.Retry(s.ctx(), []backend.RetryRequest{{To: backend.Address{InstanceID: r.Instance.InstanceID}, Reason: reasonOf(r)}})[0])
	}
	switch r.Status {
	case engine.StatusTerminated:
		commit.Status = engine.StatusRunning
	case engine.StatusBlocked:
		commit.Block = &backend.Block{Reason: r.Block, Class: r.BlockClass, Build: r.Build}
	case engine.StatusRunning, engine.StatusCompleted, engine.StatusFailed, engine.StatusCanceled:
	case engine.StatusContinuedAsNew:
		next := engine.Instance{InstanceID: r.Instance.InstanceID, ExecutionID: r.Instance.ExecutionID + "-2"}
		commit.Next = &backend.Creation{
			Instance: next, FirstExecution: r.Instance.ExecutionID, Workflow: r.Workflow, Queue: r.Queue.OrDefault(), Tags: r.Tags,
			Started: s.encode(history.Event{At: r.Updated, Body: history.WorkflowStarted{Workflow: r.Workflow}}),
		}
	}
	s.ok(s.b.CommitWorkflows(s.ctx(), []backend.WorkflowCommit{commit})[0].Err)
	s.after(r)
}

func reasonOf(r *Row) string {
	if r.Note == nil {
		return ""
	}
	return r.Note.Reason
}

// after makes what comes from outside.
func (s *seeder) after(r *Row) {
	s.Helper()
	address := backend.Address{InstanceID: r.Instance.InstanceID}
	if r.Status == engine.StatusTerminated {
		end := history.Event{At: r.Updated, Body: history.WorkflowTerminated{Reason: r.LastError}}
		s.ok(s.b.Terminate(s.ctx(), []backend.Termination{{To: address, Event: s.encode(end), Error: r.LastError}})[0])
	}
	for i, e := range r.Inbox {
		s.ok(s.b.Deliver(s.ctx(), []backend.Delivery{{ID: fmt.Sprintf("d-%s-%d", r.Instance.InstanceID, i), To: address, Event: s.encode(e)}})[0])
	}
	if r.Paused {
		s.ok(s.b.Pause(s.ctx(), []backend.PauseChange{{To: address, Paused: true, Reason: reasonOf(r)}})[0])
	}
}

func (s *seeder) encode(events ...history.Event) history.Encoded {
	s.Helper()
	encoded, err := history.Encode(events...)
	s.ok(err)
	return encoded
}
