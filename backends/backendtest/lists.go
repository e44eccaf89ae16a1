package backendtest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// ListsAgree asks a store for many lists and counts, and compares them with those of
// the store in memory, which looks at each row. It is for stores that read a list in
// one of several ways; they run it once for each set of limits that makes them choose
// another.
func ListsAgree(t *testing.T, h Harness) {
	seed := rand.Uint64() //nolint:gosec // it is printed, so that a run can be repeated
	t.Logf("seed %d", seed)
	clock := NewClock()
	begin := clock.Now()
	store, model := h.Open(t, clock).Backend, memory.New(memory.WithClock(clock.Now))
	for _, b := range []backend.Backend{store, model} {
		t.Cleanup(func() { _ = b.Close() })
		clock.Advance(begin.Sub(clock.Now()))
		c := crowd{T: t, b: b, clock: clock, rng: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // see above
		c.populate(100)
	}
	rng := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // see above
	for range 100 {
		q := randomQuery(rng, begin)
		want, counts := pages(t, model, q)
		got, counted := pages(t, store, q)
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(counted, counts) {
			t.Fatalf("%+v\nparent %v\ngot  %v %v\nwant %v %v", q, q.Parent, got, counted, want, counts)
		}
	}
}

// pages reads a list to its end.
func pages(t *testing.T, b backend.Backend, q backend.Query) (ids []string, counts map[engine.Status]int64) {
	t.Helper()
	counts, err := b.Count(t.Context(), q)
	for more := true; more && err == nil; more = q.Cursor != "" {
		var page backend.Page
		page, err = b.List(t.Context(), q)
		for _, s := range page.Items {
			ids = append(ids, s.Instance.InstanceID)
		}
		q.Cursor = page.Next
	}
	if err != nil {
		t.Fatal(err)
	}
	return ids, counts
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func randomQuery(rng *rand.Rand, begin time.Time) backend.Query {
	q := backend.Query{
		Order:     pick(rng, backend.OrderCreated, backend.OrderUpdated, backend.OrderAttempt),
		Ascending: rng.IntN(2) == 0, Limit: pick(rng, 5, 20, 1000),
	}
	moment := func() time.Time { return begin.Add(time.Duration(rng.IntN(400)) * 300 * time.Millisecond) }
	yes, parent := rng.IntN(2) == 0, (engine.Instance{InstanceID: "i000", ExecutionID: "x-i000"})
	for range rng.IntN(3) {
		pick(rng,
			func() { q.Statuses = []engine.Status{pick(rng, engine.Statuses()...), pick(rng, engine.Statuses()...)} },
			func() {
				q.Workflows = pick(rng, []string{"w0"}, []string{"w1", "w*"}, []string{"*2"}, []string{"none"})
			},
			func() { q.Queues = []engine.Queue{pick[engine.Queue](rng, "q0", "q1", "none")} },
			func() { q.IDPrefix = pick(rng, "i", "i0", "i01", "x") },
			func() { q.InstanceID = "i007" },
			func() { q.Parent = &parent },
			func() { q.Tags = map[string]string{"env": pick(rng, "prod", "test")} },
			func() { q.Tags = map[string]string{"env": "prod", "rare": "1"} },
			func() { q.CreatedAfter = moment() },
			func() { q.CreatedBefore = moment() },
			func() { q.UpdatedAfter = moment() },
			func() { q.UpdatedBefore = moment() },
			func() { q.FinishedBefore = moment() },
			func() { q.Paused = &yes },
			func() { q.MinAttempt = 1 + rng.IntN(3) },
			func() { q.ErrorContains = pick(rng, "REFUSED", "no such") },
			func() { q.BlockClass = "class" },
			func() { q.WaitingKind = engine.WaitTimer },
		)()
	}
	return q
}

// crowd fills a store. The same seed fills every store alike.
type crowd struct {
	*testing.T

	b     backend.Backend
	clock *Clock
	rng   *rand.Rand
}

func (c *crowd) populate(n int) {
	for i := range n {
		c.clock.Advance(time.Duration(c.rng.IntN(400)) * time.Millisecond)
		id := fmt.Sprintf("i%03d", i)
		x := backend.Creation{
			Instance: engine.Instance{InstanceID: id, ExecutionID: "x-" + id}, Started: []byte("[started]"),
			Workflow: fmt.Sprint("w", c.rng.IntN(4)), Queue: engine.Queue(fmt.Sprint("q", c.rng.IntN(2))),
			Inbox: []history.Encoded{[]byte("[more]")}, Timers: []backend.Timer{{After: time.Hour, Event: []byte("[timeout]")}},
		}
		if c.rng.IntN(2) == 0 {
			x.Tags = map[string]string{"env": pick(c.rng, "prod", "prod", "test")}
			if c.rng.IntN(5) == 0 {
				x.Tags["rare"] = "1"
			}
		}
		if parent := (engine.Instance{InstanceID: "i000", ExecutionID: "x-i000"}); i > 0 && c.rng.IntN(4) == 0 {
			x.Parent = &parent
		}
		c.ok(c.b.Create(c.Context(), []backend.Creation{x})[0].Err)
		if c.rng.IntN(3) > 0 {
			c.advance()
		}
	}
}

// advance claims one execution and commits a step of it.
func (c *crowd) advance() {
	claimed, err := c.b.ClaimWorkflows(c.Context(), backend.WorkflowClaim{
		Worker: "w", Build: "b", Queues: []engine.Queue{"q0", "q1"}, Workflows: []string{"w0", "w1", "w2", "w3"}, Max: 1, Lease: time.Hour,
	})
	c.ok(err)
	if len(claimed.Tasks) == 0 {
		return
	}
	task := claimed.Tasks[0]
	steps := 1 + c.rng.IntN(3)
	for n := range steps {
		c.clock.Advance(time.Duration(c.rng.IntN(1200)) * time.Millisecond)
		step := backend.WorkflowCommit{
			Instance: task.Instance, Token: task.Token, ExpectSeq: task.LastSeq + int64(n), StepID: fmt.Sprint(task.LastSeq, "+", n), Events: []byte("[e]"), Count: 1,
			Status: engine.StatusRunning, Lease: time.Hour,
			Summary: backend.SummaryUpdate{Worker: "w", Build: "b", Attempt: c.rng.IntN(4), Waiting: &engine.Waiting{Kind: pick(c.rng, engine.WaitTimer, engine.WaitSignal)}},
		}
		if c.rng.IntN(5) == 0 {
			text := pick(c.rng, "connection refused", "")
			step.Summary.LastError = &text
		}
		if last := n == steps-1; last {
			step.Lease = pick(c.rng, 0, time.Hour)
			step.Status = pick(c.rng, engine.StatusRunning, engine.StatusRunning, engine.StatusCompleted, engine.StatusFailed, engine.StatusBlocked)
			if step.Status == engine.StatusBlocked {
				step.Block = &backend.Block{Class: "class", Build: "b"}
			}
		}
		c.ok(c.b.CommitWorkflows(c.Context(), []backend.WorkflowCommit{step})[0].Err)
	}
	address := backend.Address{InstanceID: task.Instance.InstanceID}
	switch c.rng.IntN(16) { // refused where it is finished, or not
	case 0, 1:
		c.b.Pause(c.Context(), []backend.PauseChange{{To: address, Paused: true}})
	case 2:
		c.b.Terminate(c.Context(), []backend.Termination{{To: address, Event: []byte("[t]")}})
	case 3, 4:
		c.b.Remove(c.Context(), []engine.Instance{task.Instance})
	}
}

func (c *crowd) ok(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}
