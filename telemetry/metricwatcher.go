package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/worker"
)

var _ worker.Watcher = (*Telemetry)(nil)

// Started implements worker.Watcher.
func (t *Telemetry) Started(w *worker.Worker) (stopped func()) { return t.meters.workers.add(w.Load) }

// Incident implements worker.Watcher.
func (t *Telemetry) Incident(i worker.Incident) {
	m, workflow := t.meters, series{}.and(AttrWorkflow, i.Workflow)
	switch i.Kind {
	case worker.IncidentBlocked:
		count(m, m.blocked, workflow.and(AttrBlock, string(i.Class)))
		if i.Class == engine.BlockNondeterminism || i.Class == engine.BlockVersion {
			count(m, m.nondeterminism, workflow.and(AttrOutcome, OutcomeBlocked))
		}
	case worker.IncidentDiffered:
		count(m, m.nondeterminism, workflow.and(AttrOutcome, OutcomePassed))
	case worker.IncidentLeaseLost:
		if i.Activity == "" {
			count(m, m.leaseLost, workflow.and(AttrKind, string(backend.QueueWorkflow)))
		} else {
			count(m, m.leaseLost, workflow.and(AttrKind, string(backend.QueueActivity)).and(AttrActivity, i.Activity))
		}
	case worker.IncidentRefused:
		count(m, m.conflicts, workflow)
	}
}

func count(m *meters, c metric.Int64Counter, s series) { c.Add(context.Background(), 1, m.with(s)) }
