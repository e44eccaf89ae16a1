package worker

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

// Worker runs workflows and activities. Its methods are safe for concurrent use.
type Worker struct {
	store     backend.Backend
	registry  *registry.Registry
	settings  settings.Settings
	payloads  engine.Payloads
	observers []Observer
	log       *slog.Logger
	logAttrs  func(context.Context) []slog.Attr // for activities, or nil
	opts      resolved
	invalid   error // of the options, reported by Start

	id, build, host string
	began           time.Time

	clock      *clock
	link       *link
	catalog    *catalog
	cache      *cache
	blocks     *blocks
	warned     *once
	diagnoses  diagnoses
	steps      *slots // workflow code that is running, or its step being stored
	acts       *slots // activities that are running
	holds      *table[engine.Instance, *hold]
	rows       *table[*rowRun, *rowRun]
	late       *table[*lateResults, *lateResults]
	claimers   *table[*claimer, *claimer]
	adrift     *table[*attempt, *attempt] // of blocked executions
	workflows  *claimer                   // nil for an activity worker
	activities *claimer                   // nil for a workflow worker
	keeper     *keeper

	// ctx ends when the worker has stopped, or has to: all calls of the store go by
	// it.
	ctx    context.Context
	cancel context.CancelFunc
	stop   chan struct{} // closed when the worker begins to stop
	cutoff atomic.Bool   // what still runs is given away
	loops  sync.WaitGroup

	mu       sync.Mutex
	state    lifecycle
	done     chan struct{} // closed when the worker has stopped
	stopErr  error
	detached func() bool // takes back the hook on Start's context
	unwatch  func()      // tells watchers that the worker has stopped
}

// lifecycle is where a worker is in its life: made, started, stopping, stopped.
type lifecycle int8

const (
	made lifecycle = iota
	started
	stopping
	stopped
)

// New returns a worker for workflows and activities. Options that can't be meant
// are reported by Start.
func New(b backend.Backend, options *Options) *Worker {
	var o Options
	if options != nil {
		o = *options
	}
	w := &Worker{
		registry: o.Registry, settings: o.Settings, payloads: o.Settings.Payloads(),
		observers: observersOf(&o), log: o.Settings.Log(), opts: o.resolve(), invalid: o.check(),
		id: o.WorkerID, build: o.BuildID, clock: newClock(), warned: &once{},
		blocks: newBlocks(int64(max(1, runtime.GOMAXPROCS(0)/2))),
		holds:  newTable[engine.Instance, *hold](), rows: newTable[*rowRun, *rowRun](),
		late: newTable[*lateResults, *lateResults](), claimers: newTable[*claimer, *claimer](), adrift: newTable[*attempt, *attempt](),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if t := w.settings.Telemetry; t != nil {
		w.logAttrs = t.LogAttrs
	}
	if w.registry == nil {
		w.registry = registry.New()
	}
	w.catalog = &catalog{registry: w.registry}
	w.cache = newCache(w.opts.cacheBytes, w.opts.cacheCount)
	w.steps, w.acts = newSlots(w.opts.workflowSlots), newSlots(w.opts.activitySlots)
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.link = newLink(w.ctx, w.log, w.opts.lease)
	w.store = intercept.New(group.New(b), w.link.around)
	w.keeper = newKeeper(w)
	return w
}

// NewWorkflowWorker returns a worker that runs workflows only. What they schedule
// is left to activity workers.
func NewWorkflowWorker(b backend.Backend, options *WorkflowWorkerOptions) *Worker {
	o := Options{Roles: WorkflowsOnly}
	if options != nil {
		o.WorkflowWorkerOptions = *options
	}
	return New(b, &o)
}

// NewActivityWorker returns a worker that runs activities only.
func NewActivityWorker(b backend.Backend, options *ActivityWorkerOptions) *Worker {
	o := Options{Roles: ActivitiesOnly}
	if options != nil {
		o.ActivityWorkerOptions = *options
	}
	return New(b, &o)
}

// RegisterWorkflow registers a workflow function, or every exported method of a
// struct. Its errors are those of registry.Registry.
func (w *Worker) RegisterWorkflow(wf workflow.Workflow, opts ...registry.RegisterOption) error {
	defer w.catalog.refresh()
	return w.registry.RegisterWorkflow(wf, opts...)
}

// RegisterActivity registers an activity function, or every exported method of a
// struct. Its errors are those of registry.Registry.
func (w *Worker) RegisterActivity(a workflow.Activity, opts ...registry.RegisterOption) error {
	defer w.catalog.refresh()
	return w.registry.RegisterActivity(a, opts...)
}

// Start begins to claim tasks and returns. When ctx is canceled the worker stops as
// by Stop, with Options.StopTimeout as the deadline. The error is that of the
// options, or of the store if it can't be used, or engine.ErrReplaying in a process
// that was started to replay histories; then nothing was started.
func (w *Worker) Start(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.state {
	case made:
	case started:
		return fmt.Errorf("%w: the worker was started already", engine.ErrInvalidArgument)
	case stopping, stopped:
		return fmt.Errorf("starting a worker again: %w", engine.ErrClosed)
	}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	w.state = started
	w.unwatch = w.watched()
	w.launch()
	w.detached = context.AfterFunc(ctx, w.stopInTime)
	return nil
}

// prepare checks everything that can be wrong and makes the first calls of the
// store.
func (w *Worker) prepare(ctx context.Context) error {
	if err := engine.CheckLive("starting a worker"); err != nil {
		return err
	}
	if w.invalid != nil {
		return w.invalid
	}
	if w.build == "" {
		var err error
		if w.build, err = buildID(); err != nil {
			return err
		}
	}
	w.host, _ = os.Hostname() // it is for people; without it they see none
	if w.id == "" {
		w.id = fmt.Sprintf("%s-%d-%s", w.host, os.Getpid(), engine.NewID()[24:])
	}
	sent := w.clock.mark()
	info, err := w.store.Info(ctx)
	if err != nil {
		return fmt.Errorf("starting worker %s: %w", w.id, err)
	}
	w.clock.learn(sent, info.Now)
	if info.ReadOnly {
		return fmt.Errorf("starting worker %s: %w", w.id, engine.ErrReadOnly)
	}
	w.began = w.clock.now()
	w.catalog.refresh()
	w.outfit()
	if err := w.store.Heartbeat(ctx, w.row()); err != nil {
		return fmt.Errorf("starting worker %s: %w", w.id, err)
	}
	return nil
}

// outfit makes the claimers that the worker's roles ask for.
func (w *Worker) outfit() {
	if w.opts.roles != ActivitiesOnly {
		w.workflows = &claimer{
			kind: "workflows", slots: w.steps, batch: claimBatch, poll: w.opts.workflowPoll, clock: w.clock, link: w.link, log: w.log, claim: w.claimWorkflows,
			tried: make(chan struct{}),
		}
	}
	if w.opts.roles != WorkflowsOnly {
		w.activities = &claimer{
			kind: "activities", slots: w.acts, batch: claimBatch, poll: w.opts.activityPoll, clock: w.clock, link: w.link, log: w.log, claim: w.claimActivities,
			tried: make(chan struct{}),
		}
	}
}

// claimBatch is how many tasks one claim asks for at most.
const claimBatch = 200

func (w *Worker) launch() {
	w.keeper.hints = w.store.Subscribe(backend.Topic{Kind: backend.TopicHolder, Name: w.id})
	w.loops.Go(func() {
		defer w.keeper.hints.Close()
		w.keeper.run(w.ctx)
	})
	w.loops.Go(func() { w.keeper.watch(w.ctx) })
	w.loops.Go(func() { w.beat(w.ctx) })
	// Workflows wait until it is known whether older activities do: what they
	// schedule runs here only if not.
	var known <-chan struct{}
	if w.activities != nil {
		known = w.activities.tried
	}
	w.claimFor(w.activities, nil, topics(backend.TopicActivities, w.opts.activityQueues))
	w.claimFor(w.workflows, known, topics(backend.TopicWorkflows, w.opts.workflowQueues))
}

// claimFor runs a claimer once after is closed, if there is something to wait for.
func (w *Worker) claimFor(c *claimer, after <-chan struct{}, ts []backend.Topic) {
	if c == nil {
		return
	}
	c.hints = w.store.Subscribe(ts...)
	if c == w.workflows {
		c.hints.Offer(eager{w})
	}
	w.claimers.add(c, c)
	w.loops.Go(func() {
		defer c.hints.Close()
		defer w.claimers.remove(c, c)
		if after != nil {
			<-after // comes at the latest when the other claimer ends
		}
		c.run(w.ctx, w.stop)
	})
}

// claimWorkflows claims up to n executions and runs them.
func (w *Worker) claimWorkflows(ctx context.Context, n int) (claimed, error) {
	names := w.catalog.load().workflows
	if shunned := w.blocks.shunned(); len(shunned) > 0 {
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return shunned[n] })
	}
	if len(names) == 0 {
		return claimed{}, nil
	}
	sent := w.clock.mark()
	got, err := w.store.ClaimWorkflows(ctx, backend.WorkflowClaim{
		Worker: w.id, Build: w.build, Queues: w.opts.workflowQueues, Workflows: names,
		Max: n, MaxBlocked: w.blocks.allowance(), Lease: w.opts.lease,
	})
	if err != nil {
		return claimed{}, fmt.Errorf("claiming workflows: %w", err)
	}
	w.clock.learn(sent, got.Now)
	for i := range got.Tasks {
		t := &got.Tasks[i]
		if t.Status == engine.StatusBlocked {
			w.blocks.spend(1)
		}
		w.begin(t)
	}
	return claimed{n: len(got.Tasks), next: got.Next}, nil
}

// begin runs a leased execution, for which the caller has a slot.
func (w *Worker) begin(t *backend.WorkflowTask) {
	h := newHold(w, t)
	h.follow(w.holds.add(t.Instance, h))
	go w.drive(h)
}

func (w *Worker) newExecutor(i engine.Instance, workflow string) *executor.Executor {
	return executor.New(executor.Options{
		Instance: i, Registry: w.registry, Command: w.settings.Command(w.registry), StepDeadline: w.settings.StepDeadline,
		Strict: w.settings.Strict(workflow), MaxEvents: w.settings.Limits.HistoryEvents, MaxBytes: w.settings.Limits.HistoryBytes,
	})
}

func (w *Worker) hasActivity(name string) bool {
	return w.catalog.load().activity[name]
}

// stopping reports whether the worker takes on nothing new.
func (w *Worker) stopping() bool { return closed(w.stop) }

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
