package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// remote measures a chain whose activities can't run where its workflow does: each
// is a row that another process claims, and an event that comes back.
func remote(ctx context.Context, b *bench) (err error) {
	workflows, err := b.startProcess(ctx, rolesFlag(worker.WorkflowsOnly))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, workflows.stop()) }()
	activities, err := b.startProcess(ctx, rolesFlag(worker.ActivitiesOnly))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, activities.stop()) }()
	return b.load(ctx, chain, b.instances*b.steps)
}

// stayer runs an activity that stays until its worker is killed.
func stayer(ctx workflow.Context, _ int) error {
	_, err := workflow.ExecuteActivity[any](ctx, atOnce, do.Stay).Get(ctx)
	return err
}

// restart measures how long instances stand still whose worker is killed, with
// another worker at hand. All have moved when their activities, which would have
// stayed for ever in the first process, have ended in the other one.
func restart(ctx context.Context, b *bench) error {
	p, err := b.startProcess(ctx, "-stay="+strconv.Itoa(b.instances))
	if err != nil {
		return err
	}
	err = b.start(ctx, "restart", stayer, 0)
	if err == nil {
		err = p.await(saysStaying)
	}
	if err := errors.Join(err, p.kill()); err != nil {
		return err
	}
	b.ran = b.instances
	err = b.timed(func() error {
		if err := b.startWorker(ctx); err != nil {
			return err
		}
		return b.awaitEnd(ctx, "restart")
	})
	b.figures["moved_after_seconds"] = b.elapsed.Seconds()
	b.figures["lease_seconds"] = b.lease.Seconds()
	b.figures["beyond_lease_seconds"] = (b.elapsed - b.lease).Seconds()
	return err
}
