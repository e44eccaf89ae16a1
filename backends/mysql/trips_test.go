package mysql

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func numbered(n int) backend.Creation {
	i := engine.Instance{InstanceID: fmt.Sprint("i", n), ExecutionID: fmt.Sprint("e", n)}
	return backend.Creation{Instance: i, Workflow: "wf", Queue: "q", Started: history.Encoded("[]")}
}

// A transaction asks for all that it is going to look at, and then writes.
func TestTransactionsTakeTwoRoundTrips(t *testing.T) {
	r, db, _ := recorded(t)
	b, err := OpenWithDB(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, b)
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	create := func() {
		for _, res := range b.Create(t.Context(), []backend.Creation{numbered(1), numbered(2)}) {
			must(res.Err)
		}
	}
	read := func() {
		_, err := b.History(t.Context(), numbered(1).Instance, 0, 0)
		must(err)
	}
	var commits []backend.WorkflowCommit
	claim := func() {
		got, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
			Worker: "w", Queues: []engine.Queue{"q"}, Workflows: []string{"wf"}, Max: 9, Lease: time.Hour,
		})
		must(err)
		for _, task := range got.Tasks {
			commits = append(commits, backend.WorkflowCommit{
				Instance: task.Instance, Token: task.Token, StepID: "1", Consume: []int64{1}, Status: engine.StatusRunning, Lease: time.Hour,
				Events: history.Encoded("[]"), Count: 1,
			})
		}
	}
	commit := func() {
		for _, res := range b.CommitWorkflows(t.Context(), commits) {
			must(res.Err)
		}
	}
	final := func() {
		for i := range commits {
			commits[i].StepID, commits[i].ExpectSeq, commits[i].Consume, commits[i].Status = "2", 1, nil, engine.StatusCompleted
		}
		commit()
	}
	must(b.Create(t.Context(), []backend.Creation{numbered(0)})[0].Err) // connections are made
	if _, err := b.Get(t.Context(), numbered(0).Instance); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		call func()
		want int
	}{{"create", create, 2}, {"claim", claim, 20}, {"step", commit, 2}, {"last step", final, 2}, {"history", read, 1}} {
		if n := r.tripsOf(step.call); n > step.want {
			t.Errorf("a %s takes %d round trips, want at most %d", step.name, n, step.want)
		}
	}
	if len(commits) != 3 {
		t.Errorf("%d executions were claimed, want 3", len(commits))
	}
}

// A transaction that read the whole of a table, as a server likes to while it is
// small, would lock rows of others, and in another order.
func TestLocksGoByAnIndexInSmallTables(t *testing.T) {
	r, db, own := recorded(t)
	b, err := OpenWithDB(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, b)
	var all []backend.Creation
	var ends []backend.Termination
	for n := range 200 {
		all = append(all, numbered(n))
		ends = append(ends, backend.Termination{To: backend.Address{InstanceID: all[n].Instance.InstanceID}, Event: history.Encoded("[]")})
	}
	b.Create(t.Context(), all)
	if _, err := own.ExecContext(t.Context(), "ANALYZE TABLE instances"); err != nil {
		t.Fatal(err)
	}
	r.take()
	for _, err := range b.Terminate(t.Context(), ends[:150]) {
		if err != nil {
			t.Fatal(err)
		}
	}
	locks := 0
	for _, s := range r.take() {
		if !strings.Contains(s.query, "FOR UPDATE") {
			continue
		}
		locks++
		if plan := planOf(t, own, s); strings.Contains(plan, " ALL ") {
			t.Errorf("the whole table is read by\n%s\n%s", s.query, plan)
		}
	}
	if locks == 0 {
		t.Error("nothing was locked")
	}
}
