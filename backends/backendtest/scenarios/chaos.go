package scenarios

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wfops/wfops/backends/backendtest/faults"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/worker"
)

var (
	chaosSeed  = flag.Uint64("chaos.seed", 1, "seed of the first random schedule")
	chaosCount = flag.Int("chaos.count", 0, "number of random schedules, each with the seed after the last one's; 0 means what the harness says")
)

// Chaos runs random schedules on a store: workers that are killed, cut off, stopped
// and started again, and clients that signal, pause, cancel and terminate, over
// connections on which writes get lost, come late and come twice. When it is calm
// again and a healthy worker is left, every instance must come to what its
// program comes to by itself.
//
// Each schedule runs in a bubble of fake time, so the store must go by time.Now
// of this process. A schedule is its seed: -chaos.seed=S -chaos.count=1 runs it
// again, except for how goroutines interleave.
func Chaos(t *testing.T, h Harness) {
	n := 100
	if testing.Short() || h.Server {
		n = fewSchedules
	}
	schedules(t, h, cmp.Or(*chaosCount, h.Schedules, n))
}

const fewSchedules = 10

func schedules(t *testing.T, h Harness, n int) {
	for k := range n {
		seed := *chaosSeed + uint64(k)
		t.Run(fmt.Sprintf("Seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newChaos(t, h, seed).run() })
		})
	}
}

// chaos is one schedule as it runs.
type chaos struct {
	*system

	seed    uint64
	plan    chaosPlan
	journal *journal
	// calm is closed when faults end. later counts writes that are to be repeated.
	calm  chan struct{}
	later sync.WaitGroup

	mu      sync.Mutex
	streams uint64 // of random numbers, one for each connection
	faulty  []*faults.Backend
	workers []*worker.Worker
	// cut tells that a worker was stopped without time for what it ran.
	cut bool
}

func newChaos(t *testing.T, h Harness, seed uint64) *chaos {
	c := &chaos{seed: seed, plan: newChaosPlan(seed), journal: newJournal(), calm: make(chan struct{})}
	c.system = open(t, Harness{Group: h.Group, Open: func(t *testing.T) backend.Backend {
		return &witness{Backend: h.Open(t), journal: c.journal}
	}}, true)
	return c
}

func (c *chaos) run() {
	defer c.explain()
	var all sync.WaitGroup
	for _, i := range c.plan.Instances {
		all.Go(func() { c.operate(i) })
	}
	for _, w := range c.plan.Workers {
		all.Go(func() { c.live(w) })
	}
	all.Wait()
	close(c.calm)
	for _, b := range c.faulty {
		b.Heal()
	}
	healthy := workerPlan{ID: "healthy", Lease: time.Second, Highest: 2, Queues: []engine.Queue{"", elsewhere}}
	c.begin(healthy, c.b)
	c.settle()
	c.stopAll()
	c.later.Wait()
	c.waitFor("what the workers left behind is over", func() bool { return !c.journal.busy() })
	c.check()
}

// explain prints what is needed to look into a schedule that failed.
func (c *chaos) explain() {
	if !c.Failed() {
		return
	}
	plan, err := json.Marshal(c.plan)
	if err != nil {
		c.Error(err)
	}
	c.Logf("seed %d: run it again with -chaos.seed=%d -chaos.count=1\n%s\n%s", c.seed, c.seed, plan, c.log)
}

// connect returns a connection of its own to the store, as bad as planned.
func (c *chaos) connect() backend.Backend {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams++
	d := newDice(c.seed, c.streams)
	slow := &rough{Backend: c.b, dice: d, echoes: c.plan.Echoes, later: &c.later, calm: c.calm}
	p := faults.Plan{Seed: c.seed + c.streams<<32, Delay: func(context.Context, faults.Method) { slow.linger(4 * time.Second) }}
	for _, mode := range faults.Modes() {
		p.Faults = append(p.Faults, faults.Fault{Mode: mode, Probability: c.plan.Faults / 3})
	}
	b := faults.New(slow, p)
	c.faulty = append(c.faulty, b)
	return b
}

// sleep lets fake time pass.
func (c *chaos) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.ctx.Done():
	}
}

// live is the life of one worker.
func (c *chaos) live(p workerPlan) {
	c.sleep(p.At)
	line := breakableOn(c.connect())
	w := c.begin(p, line)
	for _, l := range p.Life {
		c.sleep(l.After)
		switch l.What {
		case lifeSever:
			line.sever(io.ErrUnexpectedEOF)
		case lifeMend:
			line.mend()
		case lifeStop:
			c.end(w, 0)
		case lifeDrain:
			c.end(w, time.Second)
		case lifeStart:
			line = breakableOn(c.connect())
			w = c.begin(p, line)
		}
	}
}

// begin starts a worker, trying until the store can be reached.
func (c *chaos) begin(p workerPlan, b backend.Backend) *worker.Worker {
	r := registry.New()
	if err := chaosFunctions(p.Highest, c.journal)(r); err != nil {
		c.Error(err)
	}
	o := worker.Options{
		Registry: r, Settings: c.settings(), WorkerID: p.ID + "-" + engine.NewID()[28:], BuildID: fmt.Sprintf("build-%d", p.Highest),
		LeaseDuration: p.Lease, Roles: p.Roles,
	}
	o.MaxParallelActivityTasks, o.MaxParallelWorkflowTasks = p.Slots, p.Slots
	o.WorkflowQueues, o.ActivityQueues = p.Queues, p.Queues
	o.Settings.Strictness = map[string]settings.Strictness{"": settings.Block}
	if p.Cold {
		o.CacheBytes = -1
	}
	w := worker.New(group.New(b, group.WithMax(cmp.Or(c.group, p.Group))), &o)
	for c.ctx.Err() == nil {
		err := w.Start(c.ctx)
		if err == nil {
			break
		}
		if !engine.OutcomeUnknown(err) {
			c.Errorf("starting %s: %v", p.ID, err)
			break
		}
		c.sleep(100 * time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workers = append(c.workers, w)
	return w
}

const chaosWorkflow = "program"

func chaosFunctions(highest int, j *journal) func(*registry.Registry) error {
	return functions(map[string]any{chaosWorkflow: interpreter(highest)}, j.activities())
}

// end stops a worker. What it says is not of interest: it may have no store any
// more.
func (c *chaos) end(w *worker.Worker, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), within)
	defer cancel()
	if _, ok := errors.AsType[*worker.CutOffError](w.Stop(ctx)); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.cut = true
	}
}

func (c *chaos) stopAll() {
	var all sync.WaitGroup
	for _, w := range c.workers {
		all.Go(func() { c.end(w, 0) })
	}
	all.Wait()
}

// settle waits until every execution has ended, and what ran for them.
func (c *chaos) settle() {
	c.waitFor("every execution is final", func() bool {
		page, err := c.b.List(c.ctx, backend.Query{Statuses: []engine.Status{engine.StatusRunning, engine.StatusBlocked}})
		return err == nil && len(page.Items) == 0
	})
	c.waitFor("no activity runs any more", func() bool { return !c.journal.busy() })
}

func (c *chaos) waitFor(what string, over func() bool) {
	for limit := time.Now().Add(patience); !over() && c.ctx.Err() == nil; c.sleep(100 * time.Millisecond) {
		if time.Now().After(limit) {
			c.Errorf("waited in vain until %s\n%s", what, c.leftovers())
			return
		}
	}
}

// leftovers tells of executions and activities that did not end.
func (c *chaos) leftovers() string {
	page, err := c.b.List(c.ctx, backend.Query{Statuses: []engine.Status{engine.StatusRunning, engine.StatusBlocked}})
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for i := range page.Items {
		sum := &page.Items[i]
		pending, err := c.b.Pending(c.ctx, sum.Instance, 0)
		fmt.Fprintf(&text, "%+v\n%s\n%+v, %v\n%s\n", sum, sum.Block, pending, err, c.text(sum.Instance))
	}
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	for _, r := range c.journal.runs {
		if !r.ended {
			fmt.Fprintf(&text, "run %d of %s goes on: %+v\n", r.number, r.op, r.task)
		}
	}
	return text.String()
}

// client returns a client on a connection of its own.
func (c *chaos) client() *client.Client {
	return client.New(c.grouped(c.connect()), client.WithSettings(c.settings()))
}
