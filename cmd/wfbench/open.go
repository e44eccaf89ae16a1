package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// open measures what customers feel who come when they like, and not when the
// customer before has been served: a stall makes all wait who come during it.
// First it finds out how much the engine can do.
func open(ctx context.Context, b *bench) error {
	if err := closed(chain, same)(ctx, b); err != nil {
		return err
	}
	most := b.perSecond(float64(b.ran))
	b.latencies, b.elapsed, b.bytes = nil, 0, 0
	gap := time.Duration(float64(2*b.steps) / most * float64(time.Second))
	if err := b.timed(func() error { return b.arrivals(ctx, gap) }); err != nil {
		return err
	}
	times := b.sorted()
	b.figures["maximum_per_second"] = most
	b.figures["p999_ms"] = ms(quantile(times, 0.999))
	b.figures["p99_to_p50"] = float64(quantile(times, 0.99)) / float64(quantile(times, 0.5))
	return nil
}

// arrivals starts instances independently of each other, one after each gap on
// average. Times are from when an instance was to come, however late this loop is.
func (b *bench) arrivals(ctx context.Context, gap time.Duration) error {
	rnd := rand.New(rand.NewPCG(1, 1)) // the same customers each time
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := time.Now()
	for i := 0; i < b.instances && ctx.Err() == nil; i++ {
		next = next.Add(time.Duration(rnd.ExpFloat64() * float64(gap)))
		if wait := time.Until(next); wait > 0 {
			_ = pause(ctx, wait) // fails with ctx, which ends the loop
		}
		due := next
		wg.Go(func() {
			if err := b.one(ctx, instanceID("open", i), chain); err != nil {
				cancel(err)
			}
			b.took(time.Since(due))
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
