package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/wfops/wfops/engine/workflow"
)

// Activities of the scale workload wait for errand, as if for somebody else's answer,
// and its workers run slots of them at a time: 250 a second, which leaves the store and
// the machine room for more than one worker.
const (
	errand = 40 * time.Millisecond
	slots  = 10
)

// errands runs steps activities one after another that take a while.
func errands(ctx workflow.Context, steps int) (int, error) {
	return sum(ctx, steps, workflow.DefaultActivityOptions, do.Errand)
}

// scale measures a chain on one worker process, and the same chain on two.
func scale(ctx context.Context, b *bench) error {
	one, err := b.errandsOn(ctx, 1)
	if err != nil {
		return err
	}
	two, err := b.errandsOn(ctx, 2)
	b.figures["times"], b.figures["one_process_per_second"], b.figures["two_processes_per_second"] = two/one, one, two
	return err
}

// errandsOn returns how many activities a second so many processes run.
func (b *bench) errandsOn(ctx context.Context, processes int) (perSecond float64, err error) {
	var started []*process
	defer func() {
		for _, p := range started {
			err = errors.Join(err, p.stop())
		}
	}()
	for range processes {
		p, err := b.startProcess(ctx, "-slots="+strconv.Itoa(slots))
		if err != nil {
			return 0, err
		}
		started = append(started, p)
	}
	before := b.elapsed
	err = b.timed(func() error {
		return b.each(ctx, b.instances, func(ctx context.Context, i int) error {
			return b.one(ctx, instanceID("on"+strconv.Itoa(processes), i), errands)
		})
	})
	b.ran += b.instances * b.steps
	return float64(b.instances*b.steps) / (b.elapsed - before).Seconds(), err
}
