package telemetry

import (
	"context"
	"sort"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// tally keeps what steps are measured with, and hands it to the instruments in lots:
// before somebody collects, and when there is enough of it. An instrument looks up the
// series for each value. That costs several times as much between two steps, when
// nothing of it is in the caches of the processor, as it does a hundred times in turn.
type tally struct {
	// flushing is held while values are handed on, so that whoever collects waits for
	// those that somebody else hands on.
	flushing sync.Mutex

	mu         sync.Mutex
	workflows  recent[workflowKey, workflowSeries]
	activities recent[activityKey, activitySeries]
	writes     recent[writeKey, writeSeries]
	values     []value
	spare      []value
	counters   []*counter // that are not 0
}

// lot is how many values are kept.
const lot = 256

// distribution is the instrument of a histogram with less than 64 buckets.
type distribution struct {
	times   metric.Float64Histogram // of seconds
	numbers metric.Int64Histogram   // instead, of things
	bounds  []float64
}

// histogram is one series of one.
type histogram struct {
	distribution

	with []metric.RecordOption
	// offered are the buckets that a lot had an exemplar for.
	offered uint64
}

// counter is one series of one, with what is to be added.
type counter struct {
	metric.Int64Counter

	with []metric.AddOption
	n    int64
}

// value is what one thing took, in seconds, or how many there were.
type value struct {
	of *histogram
	n  float64
	in *trace.SpanContext // that it belongs to, nil unless that is sampled
}

// workflowSeries are those of one workflow in one queue, and activitySeries those of
// one activity.
type (
	workflowKey struct {
		name  string
		queue engine.Queue
	}
	workflowSeries struct {
		created              counter
		wait, task, replayed histogram
		ends                 map[engine.Status]*outcomeSeries
	}

	activityKey struct {
		name  string
		queue engine.Queue
	}
	activitySeries struct {
		completed, failed, retried outcomeSeries
		wait                       histogram
	}

	outcomeSeries struct {
		count counter
		took  histogram
	}

	// writeSeries are those of one method of a store.
	writeKey struct {
		system    string
		operation intercept.Method
		failed    string
	}
	writeSeries struct{ took, size histogram }
)

// recent is a map that has the last answer at hand: a step is mostly about what the
// one before was about.
type recent[K comparable, S any] struct {
	all  map[K]*S
	key  K
	last *S
}

// get returns nil for what is not there.
func (m *recent[K, S]) get(k K) *S {
	if m.last == nil || m.key != k {
		m.key, m.last = k, m.all[k]
	}
	return m.last
}

func (m *recent[K, S]) put(k K, s *S) *S {
	if m.all == nil {
		m.all = map[K]*S{}
	}
	m.all[k], m.key, m.last = s, k, s
	return s
}

// took notes how long something took. It is called with mu held, and so are count and
// add.
func (t *tally) took(of *histogram, d time.Duration, in *trace.SpanContext) {
	t.values = append(t.values, value{of, seconds(d), in})
}

func (t *tally) count(of *histogram, n int, in *trace.SpanContext) {
	t.values = append(t.values, value{of, float64(n), in})
}

func (t *tally) add(c *counter) {
	if c.n == 0 {
		t.counters = append(t.counters, c)
	}
	c.n++
}

// flush hands on what was noted before. It is called without mu.
func (t *tally) flush() {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	t.mu.Lock()
	values := t.values
	t.values = t.spare[:0]
	for _, c := range t.counters {
		c.Add(context.Background(), c.n, c.with...)
		c.n = 0
	}
	t.counters = t.counters[:0]
	t.mu.Unlock()
	for i := range values {
		values[i].record()
	}
	for i := range values {
		values[i].of.offered = 0
	}
	clear(values)
	t.spare = values
}

func (v *value) record() {
	if v.of.times != nil {
		v.of.times.Record(v.context(), v.n, v.of.with...)
	} else {
		v.of.numbers.Record(v.context(), int64(v.n), v.of.with...)
	}
}

// context is that of a value that belongs to a trace: of some of them the SDK keeps
// the trace id, so that one can look at what took so long. It keeps one for each
// bucket, and so one of a lot is enough.
func (v *value) context() context.Context {
	if v.in == nil {
		return context.Background()
	}
	bucket := uint64(1) << sort.SearchFloat64s(v.of.bounds, v.n)
	if v.of.offered&bucket != 0 {
		return context.Background()
	}
	v.of.offered |= bucket
	return trace.ContextWithSpanContext(context.Background(), *v.in)
}

// workflow returns the series of a workflow. It is called with mu held. What makes
// them is apart, here and below: its frames would make the stack of a coroutine grow.
func (m *meters) workflow(k workflowKey) *workflowSeries {
	if s := m.workflows.get(k); s != nil {
		return s
	}
	return m.newWorkflow(k)
}

func (m *meters) newWorkflow(k workflowKey) *workflowSeries {
	in := series{}.and(AttrWorkflow, k.name)
	both := in.and(AttrQueue, string(k.queue))
	return m.workflows.put(k, &workflowSeries{
		created:  m.counts(m.created, both),
		wait:     m.takes(m.scheduleToStart, both.and(AttrKind, string(backend.QueueWorkflow))),
		task:     m.takes(m.taskDuration, in),
		replayed: m.takes(m.replayed, in),
		ends:     map[engine.Status]*outcomeSeries{},
	})
}

// end returns the series of one of the ways in which a workflow ends.
func (m *meters) end(s *workflowSeries, name string, status engine.Status) *outcomeSeries {
	if o := s.ends[status]; o != nil {
		return o
	}
	return m.newEnd(s, name, status)
}

func (m *meters) newEnd(s *workflowSeries, name string, status engine.Status) *outcomeSeries {
	how := series{}.and(AttrWorkflow, name).and(AttrStatus, string(status))
	s.ends[status] = &outcomeSeries{m.counts(m.finished, how), m.takes(m.duration, how)}
	return s.ends[status]
}

// activity returns the series of an activity. It is called with mu held.
func (m *meters) activity(k activityKey) *activitySeries {
	if s := m.activities.get(k); s != nil {
		return s
	}
	return m.newActivity(k)
}

func (m *meters) newActivity(k activityKey) *activitySeries {
	of := series{}.and(AttrActivity, k.name)
	outcome := func(o string) outcomeSeries {
		how := of.and(AttrOutcome, o)
		return outcomeSeries{m.counts(m.attempts, how), m.takes(m.activityDuration, how)}
	}
	return m.activities.put(k, &activitySeries{
		completed: outcome(OutcomeCompleted), failed: outcome(OutcomeFailed), retried: outcome(OutcomeRetried),
		wait: m.takes(m.scheduleToStart, of.and(AttrKind, string(backend.QueueActivity)).and(AttrQueue, string(k.queue))),
	})
}

func (m *meters) counts(c metric.Int64Counter, s series) counter {
	return counter{Int64Counter: c, with: []metric.AddOption{m.with(s)}}
}

// write returns the series of a method of a store. It is called with mu held.
func (m *meters) write(k writeKey) *writeSeries {
	if s := m.writes.get(k); s != nil {
		return s
	}
	how := series{}.and(attrSystem, k.system).and(attrOperation, string(k.operation))
	s := &writeSeries{size: m.takes(m.commitSize, how)}
	if k.failed != "" {
		how = how.and(attrErrorType, k.failed)
	}
	s.took = m.takes(m.commitDuration, how)
	return m.writes.put(k, s)
}

func (m *meters) takes(h distribution, s series) histogram {
	return histogram{distribution: h, with: []metric.RecordOption{m.with(s)}}
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
