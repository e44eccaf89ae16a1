package backendtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// together runs f in n goroutines at once. Errors are for e.Error: only the
// goroutine of the case may end it.
func together(n int, f func(n int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// tally counts what happened to each key, from many goroutines.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (t *tally) add(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]int{}
	}
	t.n[key]++
}

// each checks that every key was counted once, and how many there are.
func (t *tally) each(e *env, what string, keys int) {
	e.Helper()
	for key, n := range t.n {
		if n != 1 {
			e.Errorf("%s: %s %d times", what, key, n)
		}
	}
	equal(e, what, len(t.n), keys)
}

func wideClaim(id int) backend.WorkflowClaim {
	return backend.WorkflowClaim{
		Worker: fmt.Sprint("w", id), Build: build, Queues: []engine.Queue{queue}, Workflows: []string{workflow}, Max: 3, Lease: long,
	}
}

// connections are the store and, if it has one, another connection to it.
func (e *env) connections() []backend.Backend {
	if e.lacks.Connect {
		return []backend.Backend{e.b}
	}
	second := e.store.Connect(e.T)
	e.Cleanup(func() {
		if err := second.Close(); err != nil {
			e.Errorf("closing the second connection: %v", err)
		}
	})
	return []backend.Backend{e.b, second}
}

var concurrencyCases = []testCase{
	{"ClaimWorkflows", "Of many workers that claim at once, none gets what another got, and nothing is lost.", func(e *env) {
		const executions = 60
		for n := range executions {
			e.create(fmt.Sprint("i", n))
		}
		bs := e.connections()
		var got tally
		together(6, func(id int) {
			for empty := 0; empty < 2; {
				c, err := bs[id%len(bs)].ClaimWorkflows(e.ctx(), wideClaim(id))
				if err != nil {
					e.Errorf("claiming: %v", err)
					return
				}
				if len(c.Tasks) == 0 {
					empty++
				}
				for _, t := range c.Tasks {
					got.add(t.Instance.InstanceID)
				}
			}
		})
		got.each(e, "executions claimed", executions)
	}},
	{"ClaimActivities", "Of many workers that claim activities at once, none gets what another got, and nothing is lost.", func(e *env) {
		const rows = 60
		var all []backend.ActivityRow
		for n := range rows {
			all = append(all, activityRow(int64(n+1)))
		}
		e.scheduled("i", all...)
		bs := e.connections()
		var got tally
		together(6, func(id int) {
			for empty := 0; empty < 2; {
				c, err := bs[id%len(bs)].ClaimActivities(e.ctx(), backend.ActivityClaim{
					Worker: fmt.Sprint("w", id), Queues: []engine.Queue{queue}, Activities: []string{"act"}, Max: 3, Lease: long,
				})
				if err != nil {
					e.Errorf("claiming: %v", err)
					return
				}
				if len(c.Tasks) == 0 {
					empty++
				}
				for _, t := range c.Tasks {
					got.add(fmt.Sprint(t.Ref))
				}
			}
		})
		got.each(e, "activities claimed", rows)
	}},
	{"CreateSameID", "Of many creations of one id at once, one wins.", func(e *env) {
		bs := e.connections()
		var won atomic.Int64
		together(8, func(id int) {
			rs := bs[id%len(bs)].Create(e.ctx(), []backend.Creation{creation("i")})
			switch err := rs[0].Err; {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, engine.ErrInstanceAlreadyExists):
				e.Errorf("creating: %v", err)
			}
		})
		equal(e, "creations that won", won.Load(), 1)
		equal(e, "executions", e.list(backend.Query{}), "i")
	}},
	{"Deliver", "Of many deliveries at once none is lost, and each sender's arrive in its order.", func(e *env) {
		const senders, each = 6, 20
		i := e.asleep("i")
		bs := e.connections()
		together(senders, func(id int) {
			for n := range each {
				err := bs[id%len(bs)].Deliver(e.ctx(), []backend.Delivery{{ID: engine.NewID(), To: byID(i), Event: signal(fmt.Sprintf("%d.%d", id, n))}})
				if err[0] != nil {
					e.Errorf("delivering: %v", err[0])
				}
			}
		})
		next := map[string]int{}
		for s := range strings.FieldsSeq(e.inbox(i)) {
			sender, n, _ := strings.Cut(s, ".")
			equal(e, "next of sender "+sender, n, fmt.Sprint(next[sender]))
			next[sender]++
		}
		equal(e, "senders", len(next), senders)
	}},
	{"SameStep", "Of two commits of one lease at once, one is applied and the other has lost the lease.", func(e *env) {
		h := e.held("i")
		steps := []backend.WorkflowCommit{h.step(keep), h.step(keep), h.step(keep)}
		bs := e.connections()
		var applied atomic.Int64
		together(len(steps), func(id int) {
			if r := bs[id%len(bs)].CommitWorkflows(e.ctx(), steps[id:id+1]); r[0].Err == nil {
				applied.Add(1)
			}
		})
		equal(e, "steps applied", applied.Load(), 1)
		equal(e, "history", e.history(h.instance()), "TaskStarted TaskStarted")
	}},
	{"DeliverAndFinish", "An instance can't finish between the check of a delivery and its insert: each is in the inbox, counted unread, or refused.", concurrentDeliverAndFinish},
	{"EverythingAtOnce", "Methods are safe for concurrent use.", concurrentEverything},
}

func concurrentDeliverAndFinish(e *env) {
	bs := e.connections()
	for round := range 10 {
		e.create(fmt.Sprint("i", round))
		h := e.claim()
		var accepted atomic.Int64
		together(4, func(id int) {
			b := bs[id%len(bs)]
			if id == 0 {
				if r := b.CommitWorkflows(e.ctx(), []backend.WorkflowCommit{h.step(finish(engine.StatusCompleted))}); r[0].Err != nil {
					e.Errorf("committing: %v", r[0].Err)
				}
				return
			}
			if err := b.Deliver(e.ctx(), []backend.Delivery{{ID: engine.NewID(), To: byID(h.instance()), Event: signal("a")}}); err[0] == nil {
				accepted.Add(1)
			}
		})
		s := e.summary(h.instance())
		equal(e, "deliveries accepted and unread", int64(s.Unread), accepted.Load())
	}
}

// concurrentEverything is for the race detector: it checks only that every
// execution comes to its end.
func concurrentEverything(e *env) {
	const executions = 40
	ctx, cancel := context.WithCancel(e.ctx())
	defer cancel()
	for n := range executions {
		e.create(fmt.Sprint("i", n))
	}
	bs := e.connections()
	var done atomic.Int64
	together(5, func(id int) {
		b := bs[id%len(bs)]
		for done.Load() < executions && ctx.Err() == nil {
			if id == 4 {
				_, _ = b.List(ctx, backend.Query{Limit: 10})
				_, _ = b.Queues(ctx)
				_ = b.Heartbeat(ctx, backend.Worker{ID: "w9"})
				continue
			}
			if !finishSome(ctx, e, b, id, &done) {
				cancel()
			}
		}
	})
	counts, err := e.b.Count(e.ctx(), backend.Query{})
	e.ok(err, "counting")
	equal(e, "completed", counts[engine.StatusCompleted], executions)
}

// finishSome claims executions, sends each a signal, and ends it.
func finishSome(ctx context.Context, e *env, b backend.Backend, id int, done *atomic.Int64) bool {
	c, err := b.ClaimWorkflows(ctx, wideClaim(id))
	if err != nil {
		e.Errorf("claiming: %v", err)
		return false
	}
	for _, t := range c.Tasks {
		h := newHold(e, t)
		errs := b.Deliver(ctx, []backend.Delivery{{To: byID(t.Instance), Event: signal("a")}})
		r := b.CommitWorkflows(ctx, []backend.WorkflowCommit{h.step(finish(engine.StatusCompleted))})
		if errs[0] != nil || r[0].Err != nil {
			e.Errorf("delivering: %v, committing: %v", errs[0], r[0].Err)
			return false
		}
		done.Add(1)
	}
	return true
}
