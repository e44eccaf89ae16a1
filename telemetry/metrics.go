package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/worker"
)

// meters are the instruments. A worker tells of what becomes durable, and how it is
// doing; the decorator of a store measures its writes. No attribute is ever an id:
// each combination of attributes is a time series of its own in whatever keeps them.
type meters struct {
	meter metric.Meter

	created, finished, blocked metric.Int64Counter
	duration                   metric.Float64Histogram

	attempts                                        metric.Int64Counter
	activityDuration, scheduleToStart, taskDuration metric.Float64Histogram
	replayed                                        metric.Int64Histogram

	nondeterminism, leaseLost, conflicts metric.Int64Counter
	commitDuration                       metric.Float64Histogram
	commitSize                           metric.Int64Histogram

	gauges  gauges
	workers workers
	sets    sync.Map // of series to metric.MeasurementOption
}

// Boundaries of histograms. Executions take from milliseconds to months, and so do
// waits; a write takes less than a second or is in trouble.
var (
	shortTimes = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	longTimes  = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600}
	sizes      = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
	lengths    = []float64{10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 250_000}
)

// newMeters makes the instruments. The error names those that the provider refused.
func newMeters(o Options) (*meters, error) {
	p := o.MeterProvider
	if p == nil {
		p = otel.GetMeterProvider()
	}
	meter := p.Meter(Scope)
	b := maker{meter: meter}
	m := &meters{
		meter: meter,

		created:  b.counter(MetricCreated, "{instance}", "Executions whose first step is durable; those that continue another one and children are among them."),
		finished: b.counter(MetricFinished, "{instance}", "Executions that ended."),
		blocked:  b.counter(MetricBlocked, "{instance}", "Times that an execution was parked because a worker could not go on with it."),
		duration: b.times(MetricDuration, "From the started event of an execution to its final event.", longTimes),

		attempts:         b.counter(MetricAttempts, "{attempt}", "Attempts of activities that ended, and activities whose time ran out without one."),
		activityDuration: b.times(MetricActivityDuration, "How long an attempt of an activity ran.", longTimes),
		scheduleToStart:  b.times(MetricScheduleToStart, "How long a new execution, or the first attempt of an activity, waited for a worker.", longTimes),
		taskDuration:     b.times(MetricTaskDuration, "From when a worker takes up a step of an execution until it is durable.", shortTimes),
		replayed:         b.numbers(MetricReplayed, "{event}", "Events that were replayed to rebuild the state of an execution.", lengths),

		nondeterminism: b.counter(MetricNondeterminism, "{difference}", "Differences between the code of a workflow and a history."),
		leaseLost:      b.counter(MetricLeaseLost, "{lease}", "Leases whose time ran out before the work was done."),
		conflicts:      b.counter(MetricCommitConflicts, "{commit}", "Steps that the store refused, because the execution is somebody else's by now."),
		commitDuration: b.times(MetricCommitDuration, "How long a write of the store took, with all items that it was grouped of.", shortTimes),
		commitSize:     b.numbers(MetricCommitSize, "{item}", "Items that were written together.", sizes),
	}
	m.gauges = b.gauges()
	if b.err == nil {
		_, b.err = meter.RegisterCallback(m.observeWorkers, m.gauges.slots, m.gauges.executors, m.gauges.executorBytes)
	}
	if b.err != nil {
		return nil, fmt.Errorf("making the metrics: %w", b.err)
	}
	return m, nil
}

// maker makes instruments and collects what went wrong.
type maker struct {
	meter metric.Meter
	err   error
}

func made[T any](b *maker, x T, err error) T {
	b.err = errors.Join(b.err, err)
	return x
}

func (b *maker) counter(name, unit, what string) metric.Int64Counter {
	x, err := b.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
	return made(b, x, err)
}

func (b *maker) times(name, what string, bounds []float64) metric.Float64Histogram {
	x, err := b.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
	return made(b, x, err)
}

func (b *maker) numbers(name, unit, what string, bounds []float64) metric.Int64Histogram {
	x, err := b.meter.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
	return made(b, x, err)
}

// series is a combination of attributes, as a value that can be compared.
type series struct {
	n      int
	keys   [3]attribute.Key
	values [3]string
}

func (s series) and(k attribute.Key, v string) series {
	s.keys[s.n], s.values[s.n] = k, v
	s.n++
	return s
}

// with returns the attributes, which are made once for each combination: sorting them
// would cost more than counting.
func (m *meters) with(s series) metric.MeasurementOption {
	if known, ok := m.sets.Load(s); ok {
		return known.(metric.MeasurementOption) //nolint:errcheck // nothing else is in there
	}
	attrs := make([]attribute.KeyValue, s.n)
	for i := range attrs {
		attrs[i] = s.keys[i].String(s.values[i])
	}
	known, _ := m.sets.LoadOrStore(s, metric.WithAttributeSet(attribute.NewSet(attrs...)))
	return known.(metric.MeasurementOption) //nolint:errcheck // likewise
}

// committed counts what has become durable.
func (m *meters) committed(c *worker.Committed) {
	ctx := exemplary(c.Trace)
	workflow := m.with(series{}.and(AttrWorkflow, c.Workflow))
	m.taskDuration.Record(ctx, seconds(c.Ended.Sub(c.Began)), workflow)
	if c.Replayed > 0 {
		m.replayed.Record(ctx, int64(c.Replayed), workflow)
	}
	for i := range c.Events {
		m.event(ctx, c, &c.Events[i])
	}
}

func (m *meters) event(ctx context.Context, c *worker.Committed, ev *history.Event) {
	switch b := ev.Body.(type) {
	case history.WorkflowStarted:
		s := series{}.and(AttrWorkflow, c.Workflow).and(AttrQueue, string(c.Queue))
		m.created.Add(ctx, 1, m.with(s))
		m.scheduleToStart.Record(ctx, seconds(c.Events[0].At.Sub(ev.At)), m.with(s.and(AttrKind, string(backend.QueueWorkflow))))
	case history.ActivityCompleted:
		m.attempt(ctx, c, ev, b.Run, OutcomeCompleted)
	case history.ActivityFailed:
		m.attempt(ctx, c, ev, b.Run, OutcomeFailed)
	case history.ActivityAttemptFailed:
		m.attempt(ctx, c, ev, b.Run, OutcomeRetried)
	default:
		if status, final := history.FinalStatus(ev.Body); final {
			how := m.with(series{}.and(AttrWorkflow, c.Workflow).and(AttrStatus, string(status)))
			m.finished.Add(ctx, 1, how)
			m.duration.Record(ctx, seconds(ev.At.Sub(c.StartedAt)), how)
		}
	}
}

// attempt counts the end of an attempt. One that never began has no times.
func (m *meters) attempt(ctx context.Context, c *worker.Committed, ev *history.Event, run history.Run, outcome string) {
	cmd, _ := c.Open(ev.Ref)
	a, ok := cmd.Body.(history.ActivityScheduled)
	if !ok {
		return // it came too late: the activity was canceled
	}
	s := series{}.and(AttrActivity, a.Name)
	how := m.with(s.and(AttrOutcome, outcome))
	m.attempts.Add(ctx, 1, how)
	if run.Started.IsZero() {
		return
	}
	m.activityDuration.Record(ctx, seconds(ev.At.Sub(run.Started)), how)
	if run.Attempt == 1 {
		s = s.and(AttrKind, string(backend.QueueActivity)).and(AttrQueue, string(cmp.Or(a.Queue, c.Queue)))
		m.scheduleToStart.Record(ctx, seconds(run.Started.Sub(run.Scheduled)), m.with(s))
	}
}

// countLost has the spans counted that were not delivered.
func (m *meters) countLost(of func() SpanCounts) error {
	refused, noRoom := m.with(series{}.and(AttrOutcome, OutcomeRefused)), m.with(series{}.and(AttrOutcome, OutcomeNoRoom))
	_, err := m.meter.Int64ObservableCounter(MetricSpansDropped, metric.WithUnit("{span}"),
		metric.WithDescription("Spans that the collector refused, or that the queue before it had no room for."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			n := of()
			o.Observe(n.Refused, refused)
			o.Observe(n.NoRoom, noRoom)
			return nil
		}))
	return err
}

// seconds keeps clocks that disagree out of histograms.
func seconds(d time.Duration) float64 { return max(d, 0).Seconds() }

// exemplary is the context of measurements that belong to a trace: of some of them
// the SDK keeps the trace id, so that one can look at what took so long.
func exemplary(t history.Trace) context.Context {
	if !sampled(t) {
		return context.Background()
	}
	return trace.ContextWithSpanContext(context.Background(), parse(t))
}
