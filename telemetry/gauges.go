package telemetry

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/worker"
)

// gauges are what is looked up when somebody collects.
type gauges struct {
	// These are of a store: every process that watches it sees the same.
	depth, parked, workers metric.Int64ObservableGauge
	age                    metric.Float64ObservableGauge
	// These are of the workers of this process, in sum.
	slots, executors, executorBytes metric.Int64ObservableGauge
}

func (b *maker) gauge(name, unit, what string) metric.Int64ObservableGauge {
	x, err := b.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what))
	return made(b, x, err)
}

func (b *maker) gauges() gauges {
	age, err := b.meter.Float64ObservableGauge(MetricQueueAge, metric.WithUnit("s"),
		metric.WithDescription("How long the task that waits longest has been ready; 0 if none waits."))
	return gauges{
		depth:         b.gauge(MetricQueueDepth, "{task}", "Tasks of a queue: ready for a worker, leased by one, or waiting for their time."),
		age:           made(b, age, err),
		parked:        b.gauge(MetricParked, "{instance}", "Instances that are blocked."),
		workers:       b.gauge(MetricWorkers, "{worker}", "Workers whose heartbeat is fresh."),
		slots:         b.gauge(MetricSlots, "{slot}", "Slots of the workers of this process."),
		executors:     b.gauge(MetricExecutors, "{executor}", "Executors that are kept for the next event of their execution."),
		executorBytes: b.gauge(MetricExecutorBytes, "By", "Estimated memory of these."),
	}
}

// all are what a callback names that is to be called whatever else is dropped by a view.
func (g *gauges) all() []metric.Observable {
	return []metric.Observable{g.depth, g.parked, g.workers, g.age, g.slots, g.executors, g.executorBytes}
}

const (
	// lookLimit is how long a collection waits for a store.
	lookLimit = 5 * time.Second
	// fresh is how old the heartbeat of a worker is at most that counts as alive: three
	// may be missing.
	fresh = 20 * time.Second
)

// watch has a store looked at whenever somebody collects, until the returned
// registration ends.
func (m *meters) watch(b backend.Backend) (metric.Registration, error) {
	g := &m.gauges
	return m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		return m.observeStore(ctx, o, b)
	}, g.depth, g.age, g.parked, g.workers)
}

func (m *meters) observeStore(ctx context.Context, o metric.Observer, b backend.Backend) error {
	info, err := b.Info(ctx)
	if err != nil {
		return err
	}
	queues, err := b.Queues(ctx)
	if err != nil {
		return err
	}
	workers, err := b.Workers(ctx)
	if err != nil {
		return err
	}
	counts, err := b.Count(ctx, backend.Query{Statuses: []engine.Status{engine.StatusBlocked}})
	if err != nil {
		return err
	}
	for _, q := range queues {
		m.observeQueue(o, q, info.Now)
	}
	alive := len(slices.DeleteFunc(workers, func(w backend.Worker) bool { return info.Now.Sub(w.Seen) > fresh }))
	o.ObserveInt64(m.gauges.workers, int64(alive))
	o.ObserveInt64(m.gauges.parked, counts[engine.StatusBlocked])
	return nil
}

func (m *meters) observeQueue(o metric.Observer, q backend.QueueStats, now time.Time) {
	s := series{}.and(AttrKind, string(q.Kind)).and(AttrQueue, string(q.Queue))
	o.ObserveInt64(m.gauges.depth, q.Ready, m.with(s.and(AttrState, StateReady)))
	o.ObserveInt64(m.gauges.depth, q.Leased, m.with(s.and(AttrState, StateLeased)))
	o.ObserveInt64(m.gauges.depth, q.Delayed, m.with(s.and(AttrState, StateDelayed)))
	age := 0.0
	if !q.OldestReady.IsZero() {
		age = seconds(now.Sub(q.OldestReady))
	}
	o.ObserveFloat64(m.gauges.age, age, m.with(s))
}

// workers are those of this process that run.
type workers struct {
	mu    sync.Mutex
	last  int
	loads map[int]func() worker.Load
}

// add takes a worker in until it ends.
func (w *workers) add(load func() worker.Load) (ended func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.loads == nil {
		w.loads = map[int]func() worker.Load{}
	}
	w.last++
	n := w.last
	w.loads[n] = load
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.loads, n)
	}
}

// sum is what the workers are busy with together.
func (w *workers) sum() (running int, total worker.Load) {
	w.mu.Lock()
	all := slices.Collect(maps.Values(w.loads))
	w.mu.Unlock() // a worker that ends may wait for it
	for _, load := range all {
		l := load()
		total.WorkflowsUsed += l.WorkflowsUsed
		total.WorkflowSlots += l.WorkflowSlots
		total.ActivitiesUsed += l.ActivitiesUsed
		total.ActivitySlots += l.ActivitySlots
		total.Warm += l.Warm
		total.WarmBytes += l.WarmBytes
	}
	return len(all), total
}

// observeWorkers is called before the instruments are read, all of them.
func (m *meters) observeWorkers(_ context.Context, o metric.Observer) error {
	m.flush()
	running, s := m.workers.sum()
	if running == 0 {
		return nil // a program that only has a client
	}
	for _, of := range []struct {
		kind        backend.QueueKind
		used, slots int
	}{
		{backend.QueueWorkflow, s.WorkflowsUsed, s.WorkflowSlots},
		{backend.QueueActivity, s.ActivitiesUsed, s.ActivitySlots},
	} {
		if of.slots == 0 {
			continue
		}
		kind := series{}.and(AttrKind, string(of.kind))
		o.ObserveInt64(m.gauges.slots, int64(of.used), m.with(kind.and(AttrState, StateUsed)))
		o.ObserveInt64(m.gauges.slots, int64(of.slots-of.used), m.with(kind.and(AttrState, StateFree)))
	}
	o.ObserveInt64(m.gauges.executors, int64(s.Warm))
	o.ObserveInt64(m.gauges.executorBytes, s.WarmBytes)
	return nil
}
