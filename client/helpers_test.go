package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Greet is a workflow that no worker ever runs here: the tests play the worker.
func Greet(_ workflow.Context, _ string, _ int) (string, error) { return "", nil }

const greet = "Greet"

// store is a memory store whose writes can be made to fail.
type store struct {
	backend.Backend

	mu sync.Mutex
	// fail is asked before each write of a control operation: it may answer an
	// error, and whether the write is made all the same.
	fail  func(op string) (applied bool, err error)
	calls map[string]int
}

func newStore(t *testing.T) *store {
	s := &store{Backend: memory.New(), calls: map[string]int{}}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// failWith sets fail while others use the store.
func (s *store) failWith(fail func(op string) (bool, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *store) verdict(op string) (applied bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	if s.fail == nil {
		return true, nil
	}
	return s.fail(op)
}

func (s *store) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	applied, err := s.verdict("create")
	out := make([]backend.CreateResult, len(cs))
	if applied {
		out = s.Backend.Create(ctx, cs)
	}
	for i := range out {
		if err != nil {
			out[i] = backend.CreateResult{Err: err}
		}
	}
	return out
}

// errorsOf makes the write unless it is to fail before.
func errorsOf(s *store, op string, n int, write func() []error) []error {
	applied, err := s.verdict(op)
	out := make([]error, n)
	if applied {
		out = write()
	}
	for i := range out {
		if err != nil {
			out[i] = err
		}
	}
	return out
}

func (s *store) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	return errorsOf(s, "deliver", len(ds), func() []error { return s.Backend.Deliver(ctx, ds) })
}

func (s *store) Terminate(ctx context.Context, ts []backend.Termination) []error {
	return errorsOf(s, "terminate", len(ts), func() []error { return s.Backend.Terminate(ctx, ts) })
}

func (s *store) Pause(ctx context.Context, ps []backend.PauseChange) []error {
	return errorsOf(s, "pause", len(ps), func() []error { return s.Backend.Pause(ctx, ps) })
}

func (s *store) Remove(ctx context.Context, is []engine.Instance) []error {
	return errorsOf(s, "remove", len(is), func() []error { return s.Backend.Remove(ctx, is) })
}

func (s *store) Workers(ctx context.Context) ([]backend.Worker, error) {
	if _, err := s.verdict("workers"); err != nil {
		return nil, err
	}
	return s.Backend.Workers(ctx)
}

// create starts an instance of Greet.
func create(t *testing.T, c *client.Client, id string) *engine.Instance {
	t.Helper()
	i, err := c.CreateWorkflowInstance(t.Context(), client.WorkflowInstanceOptions{InstanceID: id}, Greet, "Ada", 3)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// claim takes the one ready instance.
func claim(t *testing.T, b backend.Backend) backend.WorkflowTask {
	t.Helper()
	got, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
		Worker: "w", Build: "b", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{greet}, Max: 1, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tasks) != 1 {
		t.Fatalf("claimed %d instances, want 1", len(got.Tasks))
	}
	return got.Tasks[0]
}

// inbox returns the bodies of what waits in the inbox of a task.
func inbox(t *testing.T, task backend.WorkflowTask) []history.Body {
	t.Helper()
	var bodies []history.Body
	for _, row := range task.Inbox {
		ev, err := row.Event.DecodeOne()
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, ev.Body)
	}
	return bodies
}

// commit makes a step of a claimed instance, as a worker would.
func commit(t *testing.T, b backend.Backend, task backend.WorkflowTask, change func(*backend.WorkflowCommit), bodies ...history.Body) {
	t.Helper()
	step := backend.WorkflowCommit{
		Instance: task.Instance, Token: task.Token, ExpectSeq: task.LastSeq, StepID: engine.NewID(),
		Count: len(bodies), Status: engine.StatusRunning,
	}
	for _, row := range task.Inbox {
		step.Consume = append(step.Consume, row.ID)
	}
	var events []history.Event
	for i, body := range bodies {
		events = append(events, history.Event{Seq: task.LastSeq + int64(i) + 1, At: time.Now(), Body: body})
	}
	var err error
	if step.Events, err = history.Encode(events...); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&step)
	}
	if r := b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{step})[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
}

func status(s engine.Status) func(*backend.WorkflowCommit) {
	return func(c *backend.WorkflowCommit) { c.Status = s }
}

// end claims the ready instance and ends it.
func end(t *testing.T, b backend.Backend, s engine.Status, final history.Body) {
	t.Helper()
	commit(t, b, claim(t, b), status(s), history.TaskStarted{Worker: "w"}, final)
}

// continueAsNew claims the ready instance and continues it.
func continueAsNew(t *testing.T, b backend.Backend) engine.Instance {
	t.Helper()
	task := claim(t, b)
	next := engine.Instance{InstanceID: task.Instance.InstanceID, ExecutionID: engine.NewID()}
	started, err := history.Encode(history.Event{At: time.Now(), Body: history.WorkflowStarted{Workflow: greet, FirstExecution: task.FirstExecution}})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, b, task, func(c *backend.WorkflowCommit) {
		c.Status = engine.StatusContinuedAsNew
		c.Next = &backend.Creation{Instance: next, FirstExecution: task.FirstExecution, Workflow: greet, Queue: engine.QueueDefault, Started: started}
	}, history.TaskStarted{Worker: "w"}, history.WorkflowContinuedAsNew{NewExecution: next.ExecutionID})
	return next
}

// pass lets time pass, inside a synctest bubble.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // it is the bubble's time

func wantIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want one that is %v", err, want)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
