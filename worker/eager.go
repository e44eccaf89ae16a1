package worker

import (
	"time"

	"github.com/wfops/wfops/engine/backend"
)

// eager takes new executions of this process out of the writes that create them,
// while there is no queue: with one, those in it are first. A worker with half of
// its slots in use leaves them to whoever claims them, perhaps in another process.
type eager struct{ w *Worker }

var _ backend.Taker = eager{}

// Reserve implements backend.Taker.
func (e eager) Reserve(workflow string) bool {
	w := e.w
	if !w.workflows.short.Load() || !w.catalog.load().workflow[workflow] || w.blocks.shunned()[workflow] {
		return false
	}
	if !w.steps.tryBelow((w.steps.total + 1) / 2) {
		return false
	}
	// After the slot was taken: Stop waits for it, if it has not been seen here.
	if w.stopping() {
		w.steps.leave(1)
		return false
	}
	return true
}

// Lease implements backend.Taker.
func (e eager) Lease() (worker string, d time.Duration) { return e.w.id, e.w.opts.lease }

// Take implements backend.Taker.
func (e eager) Take(t backend.WorkflowTask) { e.w.begin(&t) }

// Return implements backend.Taker.
func (e eager) Return() { e.w.steps.leave(1) }
