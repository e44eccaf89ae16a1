package scenarios

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
)

// operate is what clients do with one instance.
func (c *chaos) operate(p instancePlan) {
	c.sleep(p.At)
	i := c.initiate(p)
	if i == nil {
		return
	}
	var all sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(p.Signals)) {
		all.Go(func() { c.send(p, name) })
	}
	if len(p.Pauses) > 0 {
		all.Go(func() { c.pauses(p, i) })
	}
	if p.End == endCancel || p.End == endTerminate {
		all.Go(func() { c.finish(p, i) })
	}
	all.Wait()
}

// initiate creates the instance.
func (c *chaos) initiate(p instancePlan) *engine.Instance {
	o := client.WorkflowInstanceOptions{InstanceID: p.ID, StartDelay: p.Delay}
	if p.End == endTimeout {
		o.ExecutionTimeout = p.EndAt
	}
	var i *engine.Instance
	var err error
	if p.First == "" {
		i, err = c.client().CreateWorkflowInstance(c.ctx, o, chaosWorkflow, p.Program, outcome{})
	} else {
		i, err = c.client().SignalWithStart(c.ctx, o, p.First, 1, chaosWorkflow, p.Program, outcome{})
	}
	if err != nil {
		c.Errorf("creating %s: %v", p.ID, err)
		return nil
	}
	return i
}

// send sends the signals of one name, one after the other.
func (c *chaos) send(p instancePlan, name string) {
	from := c.client()
	gaps := newDice(c.seed, uint64(len(name)))
	for k := 1; k <= p.Signals[name]; k++ {
		if k == 1 && name == p.First {
			continue // it came with the start
		}
		c.sleep(gaps.upTo(span / 8))
		if !c.accepted(p, "signaling", from.SignalWorkflow(c.ctx, p.ID, name, k)) {
			return
		}
	}
}

// accepted reports whether a call was. The only reason to refuse one is that the
// instance has ended; while it waits for signals, only its end from outside can do
// that.
func (c *chaos) accepted(p instancePlan, doing string, err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, engine.ErrInstanceNotFound) && (doing != "signaling" || p.End != ""):
		return false
	}
	c.Errorf("%s %s: %v", doing, p.ID, err)
	return false
}

func (c *chaos) pauses(p instancePlan, i *engine.Instance) {
	from := c.client()
	for k := 0; k < len(p.Pauses); k += 2 {
		c.sleep(p.Pauses[k])
		if !c.accepted(p, "pausing", from.Pause(c.ctx, i, "chaos")) {
			return
		}
		c.sleep(p.Pauses[k+1])
		if !c.accepted(p, "resuming", from.Resume(c.ctx, i, "order")) {
			return
		}
	}
}

func (c *chaos) finish(p instancePlan, i *engine.Instance) {
	c.sleep(p.EndAt)
	var err error
	if p.End == endCancel {
		err = c.client().CancelWorkflowInstance(c.ctx, i)
	} else {
		err = c.client().TerminateWorkflowInstance(c.ctx, i, "enough")
	}
	if err != nil {
		c.Errorf("%s of %s, which can't have ended: %v", p.End, p.ID, err)
	}
}
