package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/worker"
)

// meters are the instruments. A worker tells of what becomes durable, and how it is
// doing; the decorator of a store measures its writes. No attribute is ever an id:
// each combination of attributes is a time series of its own in whatever keeps them.
type meters struct {
	tally

	meter metric.Meter

	created, finished, blocked metric.Int64Counter
	duration                   distribution

	attempts                                        metric.Int64Counter
	activityDuration, scheduleToStart, taskDuration distribution
	replayed                                        distribution

	nondeterminism, leaseLost, conflicts metric.Int64Counter
	commitDuration, commitSize           distribution

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
		_, b.err = meter.RegisterCallback(m.observeWorkers, m.gauges.all()...)
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

func (b *maker) times(name, what string, bounds []float64) distribution {
	x, err := b.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
	return made(b, distribution{times: x, bounds: bounds}, err)
}

func (b *maker) numbers(name, unit, what string, bounds []float64) distribution {
	x, err := b.meter.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
	return made(b, distribution{numbers: x, bounds: bounds}, err)
}

// committed counts what has become durable.
func (m *meters) committed(c *worker.Committed) {
	if m.note(c) >= lot {
		m.flush()
	}
}

// note keeps the measurements of a step, and says how many there are.
func (m *meters) note(c *worker.Committed) int {
	var in *trace.SpanContext
	if sampled(c.Trace) {
		in = sampledIn(parse(c.Trace))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.workflow(workflowKey{c.Workflow, c.Queue})
	m.took(&w.task, c.Ended.Sub(c.Began), in)
	if c.Replayed > 0 {
		m.count(&w.replayed, c.Replayed, in)
	}
	for i := range c.Events {
		m.event(w, c, &c.Events[i], in)
	}
	return len(m.values)
}

func (m *meters) event(w *workflowSeries, c *worker.Committed, ev *history.Event, in *trace.SpanContext) {
	switch b := ev.Body.(type) {
	case history.WorkflowStarted:
		m.add(&w.created)
		m.took(&w.wait, c.Events[0].At.Sub(ev.At), in)
	case history.ActivityCompleted:
		if a := m.answered(c, ev); a != nil {
			m.attempt(a, &a.completed, ev, &b.Run, in)
		}
	case history.ActivityFailed:
		if a := m.answered(c, ev); a != nil {
			m.attempt(a, &a.failed, ev, &b.Run, in)
		}
	case history.ActivityAttemptFailed:
		if a := m.answered(c, ev); a != nil {
			m.attempt(a, &a.retried, ev, &b.Run, in)
		}
	default:
		if status, final := history.FinalStatus(ev.Body); final {
			end := m.end(w, c.Workflow, status)
			m.add(&end.count)
			m.took(&end.took, ev.At.Sub(c.StartedAt), in)
		}
	}
}

// answered returns the series of the activity that ev is about, nil if ev came too
// late: the activity was canceled.
func (m *meters) answered(c *worker.Committed, ev *history.Event) *activitySeries {
	cmd, _ := c.Open(ev.Ref)
	a, ok := cmd.Body.(history.ActivityScheduled)
	if !ok {
		return nil
	}
	return m.activity(activityKey{a.Name, cmp.Or(a.Queue, c.Queue)})
}

// attempt counts the end of an attempt. One that never began has no times.
func (m *meters) attempt(a *activitySeries, o *outcomeSeries, ev *history.Event, run *history.Run, in *trace.SpanContext) {
	m.add(&o.count)
	if run.Started.IsZero() {
		return
	}
	m.took(&o.took, ev.At.Sub(run.Started), in)
	if run.Attempt == 1 {
		m.took(&a.wait, run.Started.Sub(run.Scheduled), in)
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

// wrote counts a write of a store that has been answered.
func (m *meters) wrote(k writeKey, took time.Duration, items int, in *trace.SpanContext) {
	m.mu.Lock()
	w := m.write(k)
	m.took(&w.took, took, in)
	m.count(&w.size, items, in)
	full := len(m.values) >= lot
	m.mu.Unlock()
	if full {
		m.flush()
	}
}

// sampledIn is what measurements belong to.
func sampledIn(c trace.SpanContext) *trace.SpanContext {
	if !c.IsSampled() {
		return nil
	}
	kept := c // or else one that is not would be moved to the heap too
	return &kept
}
