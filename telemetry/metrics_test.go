package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// measured is a store, a client and workers whose metrics can be read.
type measured struct {
	*testing.T

	reader *sdkmetric.ManualReader
	store  backend.Backend
	tel    *telemetry.Telemetry
	client *client.Client
	stop   func()
}

// measure decorates a store, which it closes at the end.
func measure(t *testing.T, s backend.Backend) *measured {
	t.Helper()
	return measureAnd(t, s, nil, telemetry.BackendOptions{})
}

// measureAnd also makes traces, if p is not nil.
func measureAnd(t *testing.T, s backend.Backend, p trace.TracerProvider, o telemetry.BackendOptions) *measured {
	t.Helper()
	m := &measured{T: t, reader: sdkmetric.NewManualReader(), stop: func() {}}
	var err error
	m.tel, err = telemetry.New(telemetry.Options{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(m.reader)), TracerProvider: p})
	if err != nil {
		t.Fatal(err)
	}
	m.store = m.tel.Backend(s, o)
	m.client = client.New(m.store, client.WithSettings(settings.Settings{Telemetry: m.tel}))
	return m
}

// close is no Cleanup: that would be outside of a bubble.
func (m *measured) close() {
	m.stop()
	if err := m.store.Close(); err != nil {
		m.Error(err)
	}
}

// work starts a worker that knows functions by their names.
func (m *measured) work(o worker.Options, workflows, activities map[string]any) {
	m.Helper()
	o.Registry, o.Settings = registry.New(), settings.Settings{Telemetry: m.tel, Logger: slog.New(slog.DiscardHandler)}
	o.BuildID = "build"
	for name, f := range workflows {
		if err := o.Registry.RegisterWorkflow(f, registry.WithName(name)); err != nil {
			m.Fatal(err)
		}
	}
	for name, f := range activities {
		if err := o.Registry.RegisterActivity(f, registry.WithName(name)); err != nil {
			m.Fatal(err)
		}
	}
	w := worker.New(m.store, &o)
	if err := w.Start(context.WithoutCancel(m.Context())); err != nil {
		m.Fatal(err)
	}
	m.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			m.Logf("stopping: %v", err)
		}
	})
}

func (m *measured) create(id, workflow string, args ...any) *engine.Instance {
	m.Helper()
	i, err := m.client.CreateWorkflowInstance(m.Context(), client.WorkflowInstanceOptions{InstanceID: id}, workflow, args...)
	if err != nil {
		m.Fatal(err)
	}
	return i
}

// run waits for the end of an instance, however it ends.
func (m *measured) run(id, workflow string, args ...any) {
	m.Helper()
	if err := m.client.WaitForWorkflowInstance(m.Context(), m.create(id, workflow, args...), time.Minute); err != nil {
		m.Fatal(err)
	}
}

// collect returns all metrics.
func (m *measured) collect() (all []metricdata.Metrics) {
	m.Helper()
	var got metricdata.ResourceMetrics
	if err := m.reader.Collect(context.Background(), &got); err != nil {
		m.Fatal(err)
	}
	for _, scope := range got.ScopeMetrics {
		all = append(all, scope.Metrics...)
	}
	return all
}

// read returns each series with its value; for a histogram, how many there are.
func (m *measured) read() map[string]int64 {
	m.Helper()
	out := map[string]int64{}
	for _, x := range m.collect() {
		switch data := x.Data.(type) {
		case metricdata.Sum[int64]:
			read(out, x, data.DataPoints)
		case metricdata.Gauge[int64]:
			read(out, x, data.DataPoints)
		case metricdata.Gauge[float64]:
			read(out, x, data.DataPoints)
		case metricdata.Histogram[int64]:
			for _, p := range data.DataPoints {
				out[line(x, p.Attributes)] = int64(p.Count)
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				out[line(x, p.Attributes)] = int64(p.Count)
			}
		}
	}
	return out
}

func read[N int64 | float64](out map[string]int64, x metricdata.Metrics, ps []metricdata.DataPoint[N]) {
	for _, p := range ps {
		out[line(x, p.Attributes)] = int64(p.Value)
	}
}

// line names a series without what all have in common.
func line(x metricdata.Metrics, set attribute.Set) string {
	var attrs []string
	for _, kv := range set.ToSlice() {
		attrs = append(attrs, string(kv.Key)+"="+kv.Value.String())
	}
	return strings.ReplaceAll(x.Name+" "+strings.Join(attrs, " "), "wfops.", "")
}

// expect compares the series of some metrics.
func (m *measured) expect(want map[string]int64, names ...string) {
	m.Helper()
	got := m.read()
	maps.DeleteFunc(got, func(series string, _ int64) bool {
		name, _, _ := strings.Cut(series, " ")
		return !slices.Contains(names, "wfops."+name)
	})
	for _, series := range slices.Sorted(maps.Keys(got)) {
		if v, ok := want[series]; !ok || v != got[series] {
			m.Errorf("%q is %d, want %d", series, got[series], v)
		}
	}
	for _, series := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[series]; !ok {
			m.Errorf("%q is missing", series)
		}
	}
}

var errNoMoney = errors.New("no money")

// The functions of the measured programs.
var (
	orders = map[string]any{
		"order": func(ctx workflow.Context, price int) error {
			o := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: 2, FirstRetryInterval: time.Millisecond}}
			if _, err := workflow.ExecuteActivity[any](ctx, o, "pay", price).Get(ctx); err != nil {
				return err
			}
			_, err := workflow.CreateSubWorkflowInstance[any](ctx, workflow.DefaultSubWorkflowOptions, "ship").Get(ctx)
			return err
		},
		"ship": func(workflow.Context) error { return nil },
		"loop": func(ctx workflow.Context, n int) error {
			if n > 0 {
				return workflow.ContinueAsNew(ctx, n-1)
			}
			return nil
		},
		"wait": func(ctx workflow.Context) error {
			workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
			return nil
		},
	}
	payments = map[string]any{
		"pay": func(_ context.Context, price int) error {
			if price > 100 {
				return errNoMoney
			}
			return nil
		},
	}
)

func TestMetricsOfRuns(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			m := measure(t, open(t))
			defer m.close()
			if err := m.client.TerminateWorkflowInstance(t.Context(), m.create("ended", "wait"), "no use"); err != nil {
				t.Fatal(err)
			}
			m.work(worker.Options{}, orders, payments)
			m.run("cheap", "order", 7)
			m.run("dear", "order", 700)
			m.run("loop", "loop", 2)
			m.stop()
			m.expectTimes(m.system())
			m.expect(map[string]int64{
				"instance.created queue=default workflow.name=order":           2,
				"instance.created queue=default workflow.name=ship":            1,
				"instance.created queue=default workflow.name=loop":            3,
				"instance.finished status=completed workflow.name=order":       1,
				"instance.finished status=failed workflow.name=order":          1,
				"instance.finished status=completed workflow.name=ship":        1,
				"instance.finished status=completed workflow.name=loop":        1,
				"instance.finished status=continued_as_new workflow.name=loop": 2,
				"instance.finished status=terminated":                          1,
				"instance.duration status=completed workflow.name=order":       1,
				"instance.duration status=failed workflow.name=order":          1,
				"instance.duration status=completed workflow.name=ship":        1,
				"instance.duration status=completed workflow.name=loop":        1,
				"instance.duration status=continued_as_new workflow.name=loop": 2,
				"activity.attempts activity.name=pay outcome=completed":        1,
				"activity.attempts activity.name=pay outcome=retried":          1,
				"activity.attempts activity.name=pay outcome=failed":           1,
				"activity.duration activity.name=pay outcome=completed":        1,
				"activity.duration activity.name=pay outcome=retried":          1,
				"activity.duration activity.name=pay outcome=failed":           1,
			}, telemetry.MetricCreated, telemetry.MetricFinished, telemetry.MetricDuration, telemetry.MetricAttempts, telemetry.MetricActivityDuration)
		})
	}
}

// system is what OpenTelemetry calls the store.
func (m *measured) system() string {
	m.Helper()
	info, err := m.store.Info(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	if strings.Contains(info.Version, "MariaDB") {
		return "mariadb"
	}
	return info.Kind
}

// expectTimes looks at histograms whose counts differ from run to run.
func (m *measured) expectTimes(system string) {
	m.Helper()
	got := m.read()
	for series, least := range map[string]int64{
		"task.schedule_to_start queue=default task.kind=workflow workflow.name=order": 2,
		"task.schedule_to_start activity.name=pay queue=default task.kind=activity":   2,
		"workflow_task.duration workflow.name=order":                                  2,
		"commit.duration db.operation.name=Create db.system.name=" + system:           4,
		"commit.size db.operation.name=Create db.system.name=" + system:               4,
		"commit.duration db.operation.name=CommitWorkflows db.system.name=" + system:  4,
		"commit.size db.operation.name=CommitWorkflows db.system.name=" + system:      4,
	} {
		if got[series] < least {
			m.Errorf("%q has %d values, want %d or more", series, got[series], least)
		}
	}
}

// No attribute names a single instance, worker or event.
func TestMetricsHoldNoIDs(t *testing.T) {
	m := measure(t, memory.New())
	defer m.close()
	m.work(worker.Options{WorkerID: "the-worker"}, orders, payments)
	m.run("the-instance", "order", 700)
	i := m.create("the-waiting", "wait")
	for series := range m.read() {
		for _, id := range []string{"the-", i.ExecutionID, "build"} {
			if strings.Contains(series, id) {
				t.Errorf("%q names %q", series, id)
			}
		}
	}
}

// inBubble runs a test in fake time.
func inBubble(t *testing.T, s backend.Backend, test func(m *measured)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if s == nil {
			s = memory.New()
		}
		m := measure(t, s)
		defer m.close()
		test(m)
	})
}

func TestGauges(t *testing.T) {
	inBubble(t, nil, func(m *measured) {
		done := make(chan struct{})
		m.work(worker.Options{
			WorkflowWorkerOptions: worker.WorkflowWorkerOptions{MaxParallelWorkflowTasks: 4},
			ActivityWorkerOptions: worker.ActivityWorkerOptions{MaxParallelActivityTasks: 3},
		}, map[string]any{
			"wait": orders["wait"],
			"busy": func(ctx workflow.Context) error {
				_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "block").Get(ctx)
				return err
			},
			"elsewhere": func(ctx workflow.Context) error {
				_, err := workflow.ExecuteActivity[any](ctx, workflow.ActivityOptions{Queue: "elsewhere"}, "block").Get(ctx)
				return err
			},
		}, map[string]any{"block": func(context.Context) error { <-done; return nil }})
		for _, workflow := range []string{"wait", "busy", "elsewhere"} {
			m.create(workflow, workflow)
		}
		synctest.Wait()
		later(10 * time.Second)
		m.expect(map[string]int64{
			"queue.depth queue=default state=ready task.kind=workflow":     0,
			"queue.depth queue=default state=leased task.kind=workflow":    1,
			"queue.depth queue=default state=delayed task.kind=workflow":   0,
			"queue.age queue=default task.kind=workflow":                   0,
			"queue.depth queue=elsewhere state=ready task.kind=activity":   1,
			"queue.depth queue=elsewhere state=leased task.kind=activity":  0,
			"queue.depth queue=elsewhere state=delayed task.kind=activity": 0,
			"queue.age queue=elsewhere task.kind=activity":                 10,
			"worker.count ": 1,
			"worker.slots state=used task.kind=workflow": 0,
			"worker.slots state=free task.kind=workflow": 4,
			"worker.slots state=used task.kind=activity": 1,
			"worker.slots state=free task.kind=activity": 2,
			"worker.executors ":                          3,
			"instance.parked ":                           0,
		}, telemetry.MetricQueueDepth, telemetry.MetricQueueAge, telemetry.MetricWorkers, telemetry.MetricSlots, telemetry.MetricExecutors, telemetry.MetricParked)
		if got := m.read()["worker.executors.size "]; got <= 0 {
			m.Errorf("warm executors take %d bytes", got)
		}
		close(done)
		m.stop()
		got := m.read()
		if _, ok := got["worker.executors "]; ok || got["worker.count "] != 0 {
			m.Errorf("after the worker has stopped: %v", got)
		}
		if err := m.store.Close(); err != nil {
			m.Fatal(err)
		}
		m.expect(nil, telemetry.MetricQueueDepth, telemetry.MetricWorkers)
	})
}

// later lets fake time pass, and then everything that it set off.
func later(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A worker that died is seen for as long as its heartbeats could merely be late.
func TestDeadWorkersAreNotCounted(t *testing.T) {
	inBubble(t, nil, func(m *measured) {
		if err := m.store.Heartbeat(m.Context(), backend.Worker{ID: "dead"}); err != nil {
			m.Fatal(err)
		}
		m.expect(map[string]int64{"worker.count ": 1}, telemetry.MetricWorkers)
		later(time.Minute)
		m.expect(map[string]int64{"worker.count ": 0}, telemetry.MetricWorkers)
	})
}

func TestMetricsOfDifferences(t *testing.T) {
	inBubble(t, nil, func(m *measured) {
		var runs atomic.Int32
		do := func(ctx workflow.Context, activity string, arg int32) error {
			_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, activity, int(arg)).Get(ctx)
			return err
		}
		m.work(worker.Options{CacheBytes: -1}, map[string]any{
			"fickle": func(ctx workflow.Context) error { return do(ctx, "work", runs.Add(1)) },
			"changed": func(ctx workflow.Context) error {
				if runs.Add(1) == 1 {
					return do(ctx, "work", 1)
				}
				return do(ctx, "other", 1)
			},
		}, map[string]any{
			"work":  func(context.Context, int) error { later(time.Second); return nil },
			"other": func(context.Context, int) error { return nil },
		})
		m.run("fickle", "fickle")
		runs.Store(0)
		m.create("changed", "changed")
		later(10 * time.Second)
		m.expect(map[string]int64{
			"nondeterminism outcome=passed workflow.name=fickle":                1,
			"nondeterminism outcome=blocked workflow.name=changed":              1,
			"instance.blocked block.class=NONDETERMINISM workflow.name=changed": 1,
			"instance.parked ":                   1,
			"replay.events workflow.name=fickle": 1,
		}, telemetry.MetricNondeterminism, telemetry.MetricBlocked, telemetry.MetricParked, telemetry.MetricReplayed)
	})
}

// faulty answers a call with an error, if there is one for it.
type faulty struct {
	backend.Backend

	mu   sync.Mutex
	errs map[string]error
}

func (f *faulty) set(call string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = map[string]error{call: err}
}

func (f *faulty) err(call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.errs[call]
}

func (f *faulty) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	if err := f.err("extend"); err != nil {
		return slices.Repeat([]backend.WorkflowCommitted{{Err: err}}, len(es))
	}
	return f.Backend.ExtendWorkflows(ctx, es)
}

func (f *faulty) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	if err := f.err("commit"); err != nil {
		return slices.Repeat([]backend.WorkflowCommitted{{Err: err}}, len(cs))
	}
	return f.Backend.CommitWorkflows(ctx, cs)
}

func (f *faulty) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	if err := f.err("deliver"); err != nil {
		return slices.Repeat([]error{err}, len(ds))
	}
	return f.Backend.Deliver(ctx, ds)
}

func (f *faulty) Queues(ctx context.Context) ([]backend.QueueStats, error) {
	if err := f.err("queues"); err != nil {
		return nil, err
	}
	return f.Backend.Queues(ctx)
}

var errAway = errors.New("away")

func TestMetricsOfLostLeases(t *testing.T) {
	f := &faulty{}
	synctest.Test(t, func(t *testing.T) {
		f.Backend = memory.New()
		m := measure(t, f)
		defer m.close()
		m.work(worker.Options{LeaseDuration: 10 * time.Second}, map[string]any{
			"busy": func(ctx workflow.Context) error {
				_, err := workflow.ExecuteActivity[any](ctx, workflow.DefaultActivityOptions, "block").Get(ctx)
				return err
			},
		}, map[string]any{"block": func(ctx context.Context) error { <-ctx.Done(); return nil }})
		m.create("busy", "busy")
		synctest.Wait()
		f.set("extend", errAway)
		later(10 * time.Second)
		f.set("", nil)
		m.expect(map[string]int64{"lease.lost task.kind=workflow workflow.name=busy": 1}, telemetry.MetricLeaseLost)
	})
}

// A step is refused when another worker has the execution.
func TestMetricsOfConflicts(t *testing.T) {
	f := &faulty{}
	synctest.Test(t, func(t *testing.T) {
		f.Backend = memory.New()
		m := measure(t, f)
		defer m.close()
		f.set("commit", engine.ErrLeaseLost)
		m.work(worker.Options{LeaseDuration: 10 * time.Second}, orders, payments)
		m.create("i", "ship")
		synctest.Wait()
		f.set("", nil)
		m.expect(map[string]int64{"commit.conflicts workflow.name=ship": 1}, telemetry.MetricCommitConflicts)
	})
}

func TestMetricsOfWrites(t *testing.T) {
	f := &faulty{Backend: memory.New()}
	m := measure(t, f)
	defer m.close()
	write := func(n int) {
		ds := make([]backend.Delivery, n)
		for i := range ds {
			ds[i] = backend.Delivery{ID: fmt.Sprint("d", i), To: backend.Address{InstanceID: "nobody"}}
		}
		m.store.Deliver(t.Context(), ds)
	}
	write(3) // refused one by one, which is an answer
	f.set("deliver", errAway)
	write(2)
	f.set("deliver", fmt.Errorf("slow: %w", context.DeadlineExceeded))
	write(1)
	f.set("commit", engine.ErrLeaseLost)
	m.store.CommitWorkflows(t.Context(), make([]backend.WorkflowCommit, 2))
	const of = " db.operation.name=Deliver db.system.name=memory"
	m.expect(map[string]int64{
		"commit.duration" + of:                                                    1,
		"commit.duration" + of + " error.type=_OTHER":                             1,
		"commit.duration" + of + " error.type=timeout":                            1,
		"commit.size" + of:                                                        3,
		"commit.duration db.operation.name=CommitWorkflows db.system.name=memory": 1,
		"commit.size db.operation.name=CommitWorkflows db.system.name=memory":     1,
	}, telemetry.MetricCommitDuration, telemetry.MetricCommitSize)
	for _, x := range m.collect() {
		if h, ok := x.Data.(metricdata.Histogram[int64]); ok && x.Name == telemetry.MetricCommitSize {
			if sum := h.DataPoints[0].Sum + h.DataPoints[1].Sum; sum != 8 {
				t.Errorf("%d items were written, want 8", sum)
			}
		}
	}
}

// A store that does not answer costs the collection its own gauges, and nothing else.
func TestGaugesOfAStoreThatFails(t *testing.T) {
	f := &faulty{Backend: memory.New()}
	m := measure(t, f)
	defer m.close()
	m.work(worker.Options{}, orders, payments)
	f.set("queues", errAway)
	var got metricdata.ResourceMetrics
	if err := m.reader.Collect(t.Context(), &got); !errors.Is(err, errAway) {
		t.Errorf("the collection says %v", err)
	}
	if len(got.ScopeMetrics) == 0 {
		t.Error("nothing was collected")
	}
	f.set("", nil)
}

// refusing is a provider whose meters make no counters.
type refusing struct{ noop.MeterProvider }

type refusingMeter struct{ noop.Meter }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

func (refusingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errAway
}

func TestAMeterThatRefuses(t *testing.T) {
	if _, err := telemetry.New(telemetry.Options{MeterProvider: refusing{}}); !errors.Is(err, errAway) {
		t.Errorf("%v", err)
	}
}
