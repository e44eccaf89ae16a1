package worker

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
)

// heartbeatEvery is how often a worker says that it is alive.
const heartbeatEvery = 5 * time.Second

// beat says that the worker is alive and does what else is due now and then, until
// ctx is done.
func (w *Worker) beat(ctx context.Context) {
	t := time.NewTicker(heartbeatEvery)
	defer t.Stop()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		w.catalog.refresh()
		w.cache.expire(time.Now().Add(-w.opts.cacheTTL))
		if err := w.store.Heartbeat(ctx, w.row()); err != nil && ctx.Err() == nil {
			failures++
			w.link.again("the heartbeat failed", err, failures)
		} else {
			failures = 0
		}
	}
}

// row is the worker as the store shows it.
func (w *Worker) row() backend.Worker {
	names := w.catalog.load()
	r := backend.Worker{
		ID: w.id, Host: w.host, PID: os.Getpid(), Build: w.build, VCS: vcsRevision(),
		WorkflowsUsed: w.steps.count(), ActivitiesUsed: w.acts.count(),
		Leases: w.holds.count() + w.rows.count(), Warm: w.cache.count(),
		Started: w.began, Unhealthy: w.unhealthy(),
	}
	if w.workflows != nil {
		r.Queues, r.Workflows, r.WorkflowSlots = w.opts.workflowQueues, names.workflows, w.steps.total
	}
	if w.activities != nil {
		r.Queues = queues(append(append([]engine.Queue(nil), r.Queues...), w.opts.activityQueues...))
		r.Activities, r.ActivitySlots = names.activities, w.acts.total
	}
	return r
}

// unhealthy says why the worker claims less than it could.
func (w *Worker) unhealthy() string {
	shunned := w.blocks.shunned()
	if len(shunned) == 0 {
		return ""
	}
	return fmt.Sprintf("%d workflow coroutines are stuck and use the CPU; not claiming %v until they end, which may take a restart",
		executor.Abandoned(), sorted(shunned))
}
