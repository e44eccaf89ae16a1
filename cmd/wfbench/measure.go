package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/worker"
)

// The values of -durability.
const (
	full   = "full"
	normal = "normal"
)

// bench is one run of a workload.
type bench struct {
	cfg      config
	workload workload
	store    backend.Backend
	client   *client.Client
	worker   *worker.Worker

	started time.Time // of what is measured
	heap    uint64    // allocated until then
	events  int64     // replayed

	mu        sync.Mutex
	latencies []time.Duration
}

// result is one run, as it is printed.
type result struct {
	Backend     string  `json:"backend"`
	Store       string  `json:"store"` // kind and version
	Durability  string  `json:"durability"`
	Workload    string  `json:"workload"`
	Instances   int     `json:"instances"`
	Concurrency int     `json:"concurrency"`
	Steps       int     `json:"steps"`
	Activities  int     `json:"activities"`
	Seconds     float64 `json:"seconds"`
	Rate        float64 `json:"activities_per_second"`
	// P50 and P99 are of single instances, from create to result.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	// Events and EventRate are of workload replay.
	Events    int64   `json:"events,omitempty"`
	EventRate float64 `json:"events_per_second,omitempty"`
	// Bytes is what the whole process allocated: load, worker and store.
	Bytes   uint64 `json:"bytes_allocated"`
	Machine string `json:"machine"`
}

// measure runs the workload once, on a store of its own.
func measure(ctx context.Context, cfg config, w workload) (r result, err error) {
	dir, err := os.MkdirTemp("", "wfbench")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := open(ctx, cfg, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	b := &bench{cfg: cfg, workload: w, store: group.New(store)}
	b.client = client.New(b.store)
	if err := b.startWorker(ctx); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.stopWorker()) }()
	run := load
	if w.run != nil {
		run = w.run
	}
	b.begin()
	if err := run(ctx, b); err != nil {
		return r, err
	}
	return b.result(ctx)
}

func open(ctx context.Context, cfg config, dir string) (backend.Backend, error) {
	switch cfg.backend {
	case "memory":
		return memory.New(), nil
	case "sqlite":
		synchronous := sqlite.Full
		if cfg.durability == normal {
			synchronous = sqlite.Normal
		}
		return sqlite.Open(ctx, filepath.Join(dir, "bench.sqlite"), sqlite.WithSynchronous(synchronous))
	default:
		return nil, fmt.Errorf("there is no backend %q, only memory and sqlite", cfg.backend)
	}
}

func (b *bench) startWorker(ctx context.Context) error {
	r := registry.New()
	if err := register(r); err != nil {
		return err
	}
	b.worker = worker.New(b.store, &worker.Options{Registry: r})
	return b.worker.Start(ctx)
}

// stopWorker has a context of its own, because it also cleans up after an
// interruption.
func (b *bench) stopWorker() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return b.worker.Stop(ctx)
}

func (b *bench) restartWorker(ctx context.Context) error {
	if err := b.stopWorker(); err != nil {
		return err
	}
	return b.startWorker(ctx)
}

// begin starts the clock.
func (b *bench) begin() {
	runtime.GC()
	b.heap = allocated()
	b.started = time.Now()
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// took notes the time of one instance.
func (b *bench) took(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latencies = append(b.latencies, d)
}

// result stops the clock. The time of a replay is the sum of its instances'.
func (b *bench) result(ctx context.Context) (result, error) {
	elapsed, bytes := time.Since(b.started), allocated()-b.heap
	info, err := b.store.Info(ctx)
	if err != nil {
		return result{}, err
	}
	if b.events > 0 {
		elapsed = 0
		for _, d := range b.latencies {
			elapsed += d
		}
	}
	slices.Sort(b.latencies)
	r := result{
		Backend: b.cfg.backend, Store: info.Kind + " " + info.Version, Durability: info.Durability, Workload: b.cfg.workload,
		Instances: b.cfg.instances, Concurrency: b.cfg.concurrency, Steps: b.cfg.steps,
		Activities: b.cfg.instances * b.workload.activities(b.cfg.steps), Seconds: elapsed.Seconds(),
		P50: ms(quantile(b.latencies, 0.50)), P99: ms(quantile(b.latencies, 0.99)),
		Events: b.events, EventRate: float64(b.events) / elapsed.Seconds(), Bytes: bytes, Machine: machine(),
	}
	r.Rate = float64(r.Activities) / elapsed.Seconds()
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
