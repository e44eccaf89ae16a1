package worker

import (
	"github.com/wfops/wfops/engine"
)

// Watcher is an Observer that also hears of workers, and of what goes wrong in them.
type Watcher interface {
	Observer
	// Started is called when w has started. What it returns, unless nil, is called when
	// w has stopped; until then w.Load may be called.
	Started(w *Worker) (stopped func())
	// Incident is called when something went wrong. What holds for Committed holds for
	// it, but calls for one execution may be concurrent.
	Incident(i Incident)
}

// Incident is something that went wrong with an execution, and that the worker has
// dealt with.
type Incident struct {
	Kind     IncidentKind
	Instance engine.Instance
	Workflow string
	// Activity is the name of an activity whose own lease was lost, or empty.
	Activity string
	// Class of the reason, for IncidentBlocked.
	Class engine.BlockClass
}

// IncidentKind is what went wrong.
type IncidentKind int8

// The closed set of incidents.
const (
	// IncidentBlocked: the execution was blocked, which is stored.
	IncidentBlocked IncidentKind = iota
	// IncidentLeaseLost: the lease of an execution or of an activity ran out under the
	// worker.
	IncidentLeaseLost
	// IncidentRefused: the store refused a step, because the execution has moved on or
	// is somebody else's.
	IncidentRefused
	// IncidentDiffered: the code of the workflow differs from history in a way that is
	// let pass with a warning.
	IncidentDiffered
)

// Load is what a worker has in hand.
type Load struct {
	// WorkflowsUsed of WorkflowSlots, and ActivitiesUsed of ActivitySlots, are taken. A
	// worker without a role has no slots for it.
	WorkflowsUsed, WorkflowSlots  int
	ActivitiesUsed, ActivitySlots int
	// Leases are executions and activity rows that are this worker's.
	Leases int
	// Warm executors are kept for the next event, and take about WarmBytes of memory.
	Warm      int
	WarmBytes int64
}

// ID returns the id of the worker, empty until it is started if the options have none.
func (w *Worker) ID() string { return w.id }

// Load returns what the worker has in hand. It may be called at any time and does not
// block.
func (w *Worker) Load() Load {
	l := Load{
		WorkflowsUsed: w.steps.count(), ActivitiesUsed: w.acts.count(), Leases: w.holds.count() + w.rows.count(),
	}
	l.Warm, l.WarmBytes = w.cache.size()
	if w.opts.roles != ActivitiesOnly {
		l.WorkflowSlots = w.steps.total
	}
	if w.opts.roles != WorkflowsOnly {
		l.ActivitySlots = w.acts.total
	}
	return l
}

// watched tells watchers that the worker runs, and returns what tells them that it
// has stopped.
func (w *Worker) watched() (stopped func()) {
	var ends []func()
	for _, o := range w.observers {
		if x, ok := o.(Watcher); ok {
			if end := x.Started(w); end != nil {
				ends = append(ends, end)
			}
		}
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// incident tells watchers what went wrong.
func (w *Worker) incident(i Incident) {
	for _, o := range w.observers {
		if x, ok := o.(Watcher); ok {
			w.tellOf(x, i)
		}
	}
}

func (w *Worker) tellOf(x Watcher, i Incident) {
	defer w.recovered(i.Instance)
	x.Incident(i)
}
