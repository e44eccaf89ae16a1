package opstest

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Shipped is an order that took its time: a history that programs can be replayed
// against, of a workflow that charges and then ships by a carrier.
func Shipped(id, workflow string, at time.Time, carrier string) Row {
	in := at.Add
	site := func(line int) history.Site {
		return history.Site{Function: "main.both", File: "main.go", Line: line}
	}
	task := func(d time.Duration) history.Event {
		return history.Event{At: in(d), Body: history.TaskStarted{Worker: "w-7f", Build: "9c1e"}}
	}
	run := func(d time.Duration, attempt int) history.Run {
		return history.Run{Attempt: attempt, Worker: "w-7f", Started: in(d)}
	}
	r := Row{Summary: backend.Summary{
		Instance: engine.Instance{InstanceID: id}, Workflow: workflow, Queue: "default", Status: engine.StatusCompleted, Worker: "w-7f", Build: "9c1e", Created: at, Updated: in(70 * time.Minute),
	}}
	r.Events = []history.Event{
		{At: at, Ref: 1, Body: history.ActivityScheduled{Name: "Charge", Args: []engine.Payload{engine.Payload("7")}, Site: site(38)}},
		task(2 * time.Minute),
		{At: in(2 * time.Minute), Ref: 1, Body: history.ActivityCompleted{Result: engine.Payload(`"paid"`), Run: run(time.Minute, 1)}},
		{At: in(2 * time.Minute), Ref: 2, Body: history.ActivityScheduled{Name: "Ship", Site: site(41)}},
		task(70 * time.Minute),
		{At: in(70 * time.Minute), Ref: 2, Body: history.ActivityCompleted{Result: engine.Payload(fmt.Sprintf("%q", carrier)), Run: run(69*time.Minute, 1)}},
		{At: in(70 * time.Minute), Body: history.WorkflowCompleted{Result: engine.Payload(fmt.Sprintf("%q", carrier))}},
	}
	return r
}
