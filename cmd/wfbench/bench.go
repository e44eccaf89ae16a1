package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// bench is one run of a workload.
type bench struct {
	size

	kind       storeKind
	place      place // of the store
	counter    *counter
	store      backend.Backend // through the counter
	settings   settings.Settings
	traced     *traced // nil without telemetry
	client     *client.Client
	activities *activities
	worker     *worker.Worker // nil if none runs in this process

	ran     int           // activities
	elapsed time.Duration // of what is measured
	bytes   uint64        // allocated during that
	figures map[string]float64

	mu        sync.Mutex
	latencies []time.Duration
}

// measure runs the workload once, on a store of its own.
func measure(ctx context.Context, c *config, kind storeKind, w workload) (r result, err error) {
	dir, err := os.MkdirTemp("", "wfbench")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	at := place{dir: dir, dsn: c.dsn, durability: c.durability}
	if kind.remove != nil {
		defer func() { err = errors.Join(err, kind.remove(context.WithoutCancel(ctx), at)) }()
	}
	store, err := kind.open(ctx, at)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	counter := &counter{Backend: store}
	b := &bench{size: c.size.or(w.size), kind: kind, place: at, counter: counter, activities: &activities{}, figures: map[string]float64{}}
	if err := b.use(ctx, c.telemetry); err != nil {
		return r, err
	}
	b.client = client.New(b.store, client.WithSettings(b.settings))
	defer func() { err = errors.Join(err, b.stopWorker()) }()
	if err := pregenerate(ctx, store, c.pregenerate); err != nil {
		return r, fmt.Errorf("writing finished instances: %w", err)
	}
	err = w.run(ctx, b)
	if b.traced != nil {
		err = errors.Join(err, b.deliver(ctx, w))
	}
	if err != nil {
		return r, err
	}
	return b.result(ctx, c, w)
}

// use decides how the store is used: through what groups writes, and with telemetry
// if there is to be some.
func (b *bench) use(ctx context.Context, share ratio) (err error) {
	if share == 0 {
		b.store = group.New(b.counter)
		return nil
	}
	if b.traced, err = startTelemetry(ctx, share); err != nil {
		return fmt.Errorf("setting up telemetry: %w", err)
	}
	b.settings.Telemetry = b.traced.Telemetry
	b.store = group.New(b.traced.Backend(b.counter, telemetry.BackendOptions{}))
	return nil
}

// deliver stops the worker, so that all spans are made, and has them delivered.
func (b *bench) deliver(ctx context.Context, w workload) error {
	made := 0
	if w.spans != nil && b.traced.all {
		made = b.instances * w.spans(b.steps)
	}
	return errors.Join(b.stopWorker(), b.traced.finish(ctx, b.figures, made))
}

func (b *bench) startWorker(ctx context.Context) (err error) {
	b.worker, err = startWorker(ctx, b.store, b.activities, worker.Options{LeaseDuration: b.lease, Settings: b.settings})
	return err
}

// startWorker starts a worker that knows all workflows, and activities.
func startWorker(ctx context.Context, store backend.Backend, a *activities, o worker.Options) (*worker.Worker, error) {
	var err error
	if o.Registry, err = newRegistry(a); err != nil {
		return nil, err
	}
	w := worker.New(store, &o)
	if err := w.Start(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// stopWorker has a context of its own, because it also cleans up after an
// interruption.
func (b *bench) stopWorker() error {
	if b.worker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	w := b.worker
	b.worker = nil
	return w.Stop(ctx)
}

func (b *bench) restartWorker(ctx context.Context) error {
	if err := b.stopWorker(); err != nil {
		return err
	}
	return b.startWorker(ctx)
}

// timed does what is measured. What several calls take adds up.
func (b *bench) timed(do func() error) error {
	runtime.GC()
	heap, start := totalAlloc(), time.Now()
	err := do()
	b.elapsed += time.Since(start)
	b.bytes += totalAlloc() - heap
	return err
}

func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// took notes the time of one thing: of an instance, unless the workload is about
// something else. It is safe for concurrent use.
func (b *bench) took(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latencies = append(b.latencies, d)
}

// sorted returns the times that were noted.
func (b *bench) sorted() []time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.latencies)
	return b.latencies
}

// perSecond returns a rate over what was timed.
func (b *bench) perSecond(n float64) float64 { return n / b.elapsed.Seconds() }

// each calls do for the numbers up to n, concurrency at a time. The first error
// ends it.
func (b *bench) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan int)
	for range b.concurrency {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// start starts all instances, and does not wait for them.
func (b *bench) start(ctx context.Context, name string, wf workflow.Workflow, arg any) error {
	return b.each(ctx, b.instances, func(ctx context.Context, i int) error {
		return b.create(ctx, instanceID(name, i), wf, arg)
	})
}

func (b *bench) create(ctx context.Context, id string, wf workflow.Workflow, arg any) error {
	_, err := b.client.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: id}, wf, arg)
	return err
}

func instanceID(name string, i int) string { return fmt.Sprintf("%s-%d", name, i) }

// awaitWaiting waits until all instances of that name wait for something of that
// kind.
func (b *bench) awaitWaiting(ctx context.Context, name string, kind engine.WaitKind) error {
	return b.poll(ctx, backend.Query{IDPrefix: name + "-", WaitingKind: kind}, func(counts map[engine.Status]int64) bool {
		return counts[engine.StatusRunning] >= int64(b.instances)
	})
}

// awaitEnd waits until all instances of that name have completed. It is an error if
// one ends otherwise, or is blocked.
func (b *bench) awaitEnd(ctx context.Context, name string) error {
	var counts map[engine.Status]int64
	err := b.poll(ctx, backend.Query{IDPrefix: name + "-"}, func(c map[engine.Status]int64) bool {
		counts = c
		return c[engine.StatusRunning] == 0 || c[engine.StatusRunning]+c[engine.StatusCompleted] < int64(b.instances)
	})
	if err == nil && counts[engine.StatusCompleted] != int64(b.instances) {
		return fmt.Errorf("%d instances should have completed, they are %v", b.instances, counts)
	}
	return err
}

// poll counts what matches until that is enough. It takes no more than a twentieth
// of the time of a CPU for that.
func (b *bench) poll(ctx context.Context, q backend.Query, enough func(map[engine.Status]int64) bool) error {
	for {
		start := time.Now()
		counts, err := b.store.Count(ctx, q)
		if err != nil || enough(counts) {
			return err
		}
		if err := pause(ctx, max(10*time.Millisecond, 20*time.Since(start))); err != nil {
			return fmt.Errorf("waiting for %d instances, there are %v: %w", b.instances, counts, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// result is what there is to say about the run.
func (b *bench) result(ctx context.Context, c *config, w workload) (result, error) {
	info, err := b.store.Info(ctx)
	if err != nil {
		return result{}, err
	}
	times := b.sorted()
	r := result{
		setting: setting{
			Backend: b.kind.name, Store: info.Kind + " " + info.Version, Durability: info.Durability, Workload: w.name,
			Instances: b.instances, Concurrency: b.concurrency, Steps: b.steps, Period: b.period.Seconds(), Lease: b.lease.Seconds(),
			Pregenerated: c.pregenerate, Telemetry: float64(c.telemetry), Machine: thisMachine(),
		},
		Activities: b.ran, Seconds: b.elapsed.Seconds(), Bytes: b.bytes, Figures: b.figures,
		P50: ms(quantile(times, 0.50)), P99: ms(quantile(times, 0.99)),
	}
	if b.ran > 0 {
		r.Rate = b.perSecond(float64(b.ran))
	}
	return r, nil
}

// quantile returns the value that a share q of the sorted values does not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
