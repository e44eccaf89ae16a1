package sqlstore_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// world is a store on which the same calls always have the same outcome, whose
// tables can be looked at from outside.
type world struct {
	*testing.T

	b   *sqlite.Backend
	db  *sql.DB
	now time.Time
	// held is a leased execution with a leased activity.
	held  backend.WorkflowTask
	acted backend.ActivityTask
}

func id(name string) engine.Instance {
	return engine.Instance{InstanceID: name, ExecutionID: "x-" + name}
}

func creation(name string) backend.Creation {
	return backend.Creation{
		Instance: id(name), Workflow: "wf", Queue: "q", Started: history.Encoded("[started " + name + "]"),
		Inbox: []history.Encoded{[]byte("[more]")}, Tags: map[string]string{"k": name},
		Timers:   []backend.Timer{{Ref: 0, After: time.Hour, Event: []byte("[timeout]")}},
		Closings: []backend.Closing{{Ref: 1, On: backend.OnEnd, To: to("bystander"), Event: []byte("[closed " + name + "]")}},
	}
}

func to(name string) backend.Address { return backend.Address{InstanceID: name} }

func newWorld(t *testing.T) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	w := &world{T: t, now: noon}
	var err error
	w.b, err = sqlite.Open(t.Context(), path, sqlite.WithClock(func() time.Time { return w.now }), sqlite.WithSynchronous(sqlite.Normal))
	w.ok(err)
	w.db, err = sql.Open(driverName, path)
	w.ok(err)
	t.Cleanup(func() { w.ok(errors.Join(w.db.Close(), w.b.Close())) })
	w.populate()
	return w
}

// populate makes a bystander, a child that dies with its parent, and the parent,
// which is held.
func (w *world) populate() {
	w.Helper()
	for _, r := range w.b.Create(w.Context(), []backend.Creation{creation("bystander"), creation("child")}) {
		w.ok(r.Err)
	}
	c := creation("parent")
	c.Workflow = "held"
	c.Closings = append(c.Closings, backend.Closing{Ref: 2, On: backend.OnEnd, To: to("child"), Terminate: true, Event: []byte("[terminated]")})
	w.ok(w.b.Create(w.Context(), []backend.Creation{c})[0].Err)
	claimed, err := w.b.ClaimWorkflows(w.Context(), backend.WorkflowClaim{
		Worker: "w", Build: "b", Queues: []engine.Queue{"q"}, Workflows: []string{"held"}, Max: 1, Lease: time.Hour,
	})
	w.ok(err)
	w.held = claimed.Tasks[0]
	step := w.commit()
	step.StepID, step.Consume, step.Lease = "first", nil, time.Hour
	step.AddActivities = []backend.ActivityRow{{Ref: 5, Name: "act", Queue: "q", Event: []byte("[scheduled]"), Attempt: 1}}
	w.ok(w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{step})[0].Err)
	acts, err := w.b.ClaimActivities(w.Context(), backend.ActivityClaim{
		Worker: "w", Queues: []engine.Queue{"q"}, Activities: []string{"act"}, Max: 1, Lease: time.Hour,
	})
	w.ok(err)
	w.acted = acts.Tasks[0]
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// commit is a step that does a little of everything.
func (w *world) commit() backend.WorkflowCommit {
	line := "working"
	return backend.WorkflowCommit{
		Instance: w.held.Instance, Token: w.held.Token, ExpectSeq: w.held.LastSeq, StepID: "step",
		Events: []byte("[a,b]"), Count: 2, Consume: []int64{1, 2}, Status: engine.StatusRunning, Lease: time.Minute,
		Summary: backend.SummaryUpdate{Worker: "w", Build: "b", StatusLine: &line, Waiting: &engine.Waiting{Kind: engine.WaitTimer}},
	}
}

// dump is the content of all tables, in a fixed order.
func (w *world) dump() string {
	w.Helper()
	var all []string
	for _, table := range []string{
		"instances", "history", "inbox", "timers", "activities", "closings", "tags", "kinds", "deliveries", "workers", "wakes",
	} {
		rows, err := w.db.QueryContext(w.Context(), "SELECT * FROM "+table)
		w.ok(err)
		columns, err := rows.Columns()
		w.ok(err)
		var lines []string
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			w.ok(rows.Scan(values...))
			for i := range values {
				values[i] = fmt.Sprintf("%s=%v", columns[i], *values[i].(*any)) //nolint:forcetypeassert // made above
			}
			lines = append(lines, table+": "+fmt.Sprint(values...))
		}
		w.ok(errors.Join(rows.Err(), rows.Close()))
		slices.Sort(lines)
		all = append(all, lines...)
	}
	return strings.Join(all, "\n")
}

// operations are calls that change several tables. Each is idempotent.
var operations = []struct {
	name string
	run  func(w *world) error
}{
	{"create", func(w *world) error { return w.b.Create(w.Context(), []backend.Creation{creation("new")})[0].Err }},
	{"create in place of a running one", func(w *world) error {
		c := creation("parent")
		c.Instance.ExecutionID, c.Reuse, c.Terminate = "x-again", backend.IDReuseTerminate, []byte("[replaced]")
		return w.b.Create(w.Context(), []backend.Creation{c})[0].Err
	}},
	{"deliver", func(w *world) error {
		return w.b.Deliver(w.Context(), []backend.Delivery{{ID: "d", To: to("bystander"), Event: []byte("[signal]")}})[0]
	}},
	{"commit", func(w *world) error {
		c := w.commit()
		c.ExpectSeq = 2
		c.AddTimers = []backend.Timer{{Ref: 3, After: time.Minute, Event: []byte("[fired]")}, {Ref: 4, Slot: 1, After: time.Minute}}
		c.DropTimers = []backend.TimerKey{{Ref: 0, Slot: backend.AllSlots}}
		c.AddActivities = []backend.ActivityRow{{Ref: 6, Name: "other", Queue: "q", Attempt: 1}}
		c.DropActivities = []int64{5}
		c.Start = []backend.Creation{creation("started"), {Instance: id("bystander"), Taken: []byte("[taken]")}}
		c.Start[1].Instance.ExecutionID = "x-other"
		c.Deliver = []backend.Delivery{
			{To: to("bystander"), Event: []byte("[signal]"), Accepted: []byte("[accepted]")},
			{To: to("nobody"), Event: []byte("[signal]"), Refused: []byte("[refused]")},
		}
		c.AddClosings = []backend.Closing{{Ref: 9, On: backend.OnTerminate, To: to("started"), Event: []byte("[bye]")}}
		c.DropClosings = []int64{1}
		c.Summary.Tags = map[string]string{"k": "changed", "l": "new"}
		return w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{c})[0].Err
	}},
	{"final commit", func(w *world) error {
		c := w.commit()
		c.ExpectSeq, c.Status = 2, engine.StatusCompleted
		return w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{c})[0].Err
	}},
	{"continue as new", func(w *world) error {
		c := w.commit()
		next := creation("parent")
		next.Instance.ExecutionID = "x-next"
		c.ExpectSeq, c.Status, c.Next, c.Consume = 2, engine.StatusContinuedAsNew, &next, []int64{1}
		return w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{c})[0].Err
	}},
	{"blocking commit", func(w *world) error {
		c := w.commit()
		c.ExpectSeq, c.Status, c.Events, c.Count = 2, engine.StatusBlocked, nil, 0
		c.Block = &backend.Block{Reason: []byte(`{}`), Class: "HANG", Build: "b", RetryAfter: time.Minute, Keep: []history.Encoded{[]byte("[kept]")}}
		return w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{c})[0].Err
	}},
	{"terminate", func(w *world) error {
		err := w.b.Terminate(w.Context(), []backend.Termination{{To: to("parent"), Event: []byte("[end]"), Error: "stopped"}})[0]
		if errors.Is(err, engine.ErrInstanceNotFound) { // terminated before, and the answer was lost
			return nil
		}
		return err
	}},
	{"activity commit", func(w *world) error {
		err := w.b.CommitActivities(w.Context(), []backend.ActivityCommit{{
			Instance: id("parent"), Ref: 5, Token: w.acted.Token, Events: []history.Encoded{[]byte("[failed]"), []byte("[done]")},
		}})[0]
		if errors.Is(err, engine.ErrLeaseLost) { // committed before, and the answer was lost
			return nil
		}
		return err
	}},
	{"pause", func(w *world) error {
		return w.b.Pause(w.Context(), []backend.PauseChange{{To: to("parent"), Paused: true}})[0]
	}},
	{"remove", func(w *world) error {
		c := w.commit()
		c.ExpectSeq, c.Status = 2, engine.StatusFailed
		if err := w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{c})[0].Err; err != nil && !errors.Is(err, engine.ErrLeaseLost) {
			return err
		}
		err := w.b.Remove(w.Context(), []engine.Instance{id("parent")})[0]
		if errors.Is(err, engine.ErrInstanceNotFound) { // removed before, and the answer was lost
			return nil
		}
		return err
	}},
}

var errFailpoint = errors.New("broken off by the test")

// Each call is broken off after every one of its statements, in a world of its own.
// Then either nothing of it is in the tables, or all of it, if the statement was the
// COMMIT; and the same call, made again, comes to the same end.
func TestNothingIsHalfWritten(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			whole := newWorld(t)
			statements := 0
			sqlstore.SetFailpoint(whole.b.Store, func(string) error { statements++; return nil })
			whole.ok(op.run(whole))
			sqlstore.SetFailpoint(whole.b.Store, nil)
			want := whole.masked()
			if statements < 5 {
				t.Fatalf("only %d statements were seen", statements)
			}
			for n := 1; n <= statements; n++ {
				breakOff(newWorld(t), op.run, n, want)
			}
		})
	}
}

func breakOff(w *world, run func(*world) error, n int, want string) {
	w.Helper()
	var last []string // what each transaction of the call began with
	count := 0
	sqlstore.SetFailpoint(w.b.Store, func(query string) error {
		if query == "BEGIN IMMEDIATE" && count < n {
			last = append(last, w.masked())
		}
		if count++; count != n {
			return nil
		}
		if query == "COMMIT" {
			last = nil
		}
		return fmt.Errorf("after %q: %w", query, errFailpoint)
	})
	err := run(w)
	sqlstore.SetFailpoint(w.b.Store, nil)
	if !errors.Is(err, errFailpoint) {
		w.Fatalf("broken off at statement %d it returned %v", n, err)
	}
	if len(last) > 0 {
		if got := w.masked(); got != last[len(last)-1] {
			w.Errorf("%v: half of it was written:\n%s\nit was:\n%s", err, got, last[len(last)-1])
		}
	}
	w.ok(run(w))
	if got := w.masked(); got != want {
		w.Errorf("%v: made again, the call left:\n%s\nwithout the interruption it leaves:\n%s", err, got, want)
	}
}

// masked is dump without tokens, which are random.
func (w *world) masked() string {
	w.Helper()
	return strings.NewReplacer(w.held.Token, "TOKEN", w.acted.Token, "TOKEN2").Replace(w.dump())
}
