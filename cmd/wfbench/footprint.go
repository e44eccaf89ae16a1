package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/wfops/wfops/engine"
)

var footprintFigures = []string{"worker_mib", "stacks_mib", "process_mib", "kept"}

// footprint measures the memory of instances that wait for a signal: what this
// process has less once their worker has stopped. The store is not part of that,
// even if it is in memory.
func footprint(ctx context.Context, b *bench) error {
	if err := b.startWorker(ctx); err != nil {
		return err
	}
	err := b.timed(func() error {
		if err := b.start(ctx, "waiting", recorded, b.steps); err != nil {
			return err
		}
		return b.awaitWaiting(ctx, "waiting", engine.WaitSignal)
	})
	if err != nil {
		return err
	}
	kept, err := b.kept(ctx)
	if err != nil {
		return err
	}
	with := readMemory()
	if err := b.stopWorker(); err != nil {
		return err
	}
	without := readMemory()
	b.figures["kept"] = float64(kept)
	b.figures["worker_mib"] = with.used - without.used
	b.figures["stacks_mib"] = with.stacks
	b.figures["process_mib"] = with.process
	return nil
}

// kept returns how many executors the worker keeps, as it says in its heartbeat. It
// waits for the period to hear of it.
func (b *bench) kept(ctx context.Context) (int, error) {
	if err := pause(ctx, b.period); err != nil {
		return 0, err
	}
	workers, err := b.store.Workers(ctx)
	if err != nil || len(workers) == 0 {
		return 0, err
	}
	return workers[0].Warm, nil
}

// usage is of memory, in MiB. Used is what is alive, stacks included: each executor has one.
type usage struct{ used, stacks, process float64 }

func readMemory() usage {
	for range 2 { // the second frees what the first has found to need a finalizer
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	const mib = 1 << 20
	return usage{
		used: float64(m.HeapAlloc+m.StackInuse) / mib, stacks: float64(m.StackInuse) / mib,
		process: float64(m.Sys-m.HeapReleased) / mib,
	}
}
