package backendtest

import (
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// commit sends a random step of a random holder.
func (d *duel) commit() {
	h := d.hold()
	if h == nil {
		return
	}
	c := d.step(h)
	step := duelStep{c, c}
	for side := range step {
		step[side].Token = h.task[side].Token
	}
	d.consume(h, &step)
	switch d.rng.IntN(20) {
	case 0:
		step[0].ExpectSeq++
		step[1].ExpectSeq++
	case 1:
		step[0].Token, step[1].Token = "stranger", "stranger"
	}
	d.send(h, step)
}

// resend sends a step again that was sent before.
func (d *duel) resend() {
	if len(d.sent) > 0 {
		d.send(nil, d.sent[len(d.sent)-1-min(d.rng.IntN(3), len(d.sent)-1)])
	}
}

// send commits a step on both sides; h learns from it unless nil.
func (d *duel) send(h *duelHold, step duelStep) {
	got := on(d, func(side int, b backend.Backend) backend.WorkflowCommitted {
		return b.CommitWorkflows(d.Context(), []backend.WorkflowCommit{step[side]})[0]
	})
	d.note([2]string{show(got[0]), show(got[1])}, "commit %s consuming %d", show(step[0]), len(step[0].Consume))
	d.sent = append(d.sent, step)
	if h == nil || got[0].Err != nil {
		return
	}
	h.seq += int64(step[0].Count)
	h.learn(got[0].Arrivals, got[1].Arrivals)
	for _, t := range step[0].AddTimers {
		h.timers = append(h.timers, backend.TimerKey{Ref: t.Ref, Slot: t.Slot})
	}
	for _, a := range step[0].AddActivities {
		h.refs = append(h.refs, a.Ref)
	}
}

// consume picks rows of the inbox: all, some, or none. Row ids differ between the
// sides, their places don't.
func (d *duel) consume(h *duelHold, step *duelStep) {
	how := d.rng.IntN(4)
	for n := range min(len(h.inbox[0]), len(h.inbox[1])) {
		if how > 1 || how == 1 && d.chance(50) {
			step[0].Consume = append(step[0].Consume, h.inbox[0][n].ID)
			step[1].Consume = append(step[1].Consume, h.inbox[1][n].ID)
		}
	}
}

func (d *duel) step(h *duelHold) backend.WorkflowCommit {
	c := backend.WorkflowCommit{
		Instance: h.task[0].Instance, ExpectSeq: h.seq, StepID: d.id("step"), Status: engine.StatusRunning,
		Summary: backend.SummaryUpdate{Worker: choose(d, "w1", "w2", "w3"), Build: choose(d, "b1", "b2", "b3"), Attempt: d.rng.IntN(3)},
	}
	if d.chance(85) {
		c.Events, c.Count = encode(0, history.TaskStarted{Worker: c.Summary.Worker}), 1
	}
	if d.chance(50) {
		c.Lease, c.OnlyIfReady = d.lease(), d.rng.IntN(4) == 0
		c.Local = max(0, d.rng.IntN(6)-3)
	} else if d.chance(15) {
		c.ReadyAfter = d.duration()
	}
	d.stepRows(h, &c)
	d.stepSends(&c)
	d.stepSummary(&c)
	d.stepStatus(h, &c)
	return c
}

// stepRows adds and drops timers and activities.
func (d *duel) stepRows(h *duelHold, c *backend.WorkflowCommit) {
	for range d.rng.IntN(2) {
		c.AddTimers = append(c.AddTimers, d.timer())
	}
	for _, k := range h.timers {
		if d.chance(40) {
			c.DropTimers = append(c.DropTimers, choose(d, k, backend.TimerKey{Ref: k.Ref, Slot: backend.AllSlots}))
		}
	}
	for range d.rng.IntN(3) {
		d.last++
		row := activityRow(int64(d.last))
		row.Name, row.Queue = choose(d, "act", "act2"), d.queue()
		if d.chance(20) {
			row.After = d.duration()
		}
		c.AddActivities = append(c.AddActivities, row)
		if d.chance(40) {
			c.AddTimers = append(c.AddTimers, timer(row.Ref, backend.SlotScheduleToStart, d.duration()))
		}
	}
	for _, ref := range h.refs {
		if d.chance(15) {
			c.DropActivities = append(c.DropActivities, ref)
		}
	}
}

// stepSends starts children, delivers events, and changes closings.
func (d *duel) stepSends(c *backend.WorkflowCommit) {
	if d.chance(25) {
		child := d.creation(d.instanceID())
		child.Taken = encode(int64(d.last), history.ChildFailed{})
		child.Parent = &c.Instance
		c.Start = append(c.Start, child)
		c.AddClosings = append(c.AddClosings, backend.Closing{
			Ref: int64(d.last), On: backend.OnEnd, To: exactly(child.Instance), Terminate: d.chance(50), Event: terminated(d.id("parent ")),
		})
	}
	for range d.rng.IntN(2) {
		d.last++
		dl := backend.Delivery{To: d.address(), Event: d.signal()}
		if d.chance(50) {
			dl.Accepted, dl.Refused = encode(int64(d.last), history.SignalDelivered{}), encode(int64(d.last), history.SignalFailed{})
		}
		c.Deliver = append(c.Deliver, dl)
	}
	if d.chance(20) {
		c.AddClosings = append(c.AddClosings, d.closing())
	}
	if d.chance(10) {
		c.DropClosings = append(c.DropClosings, int64(d.rng.IntN(4)))
	}
}

func (d *duel) stepSummary(c *backend.WorkflowCommit) {
	if d.chance(30) {
		now := d.clock.Now().Truncate(time.Millisecond)
		c.Summary.Waiting = &engine.Waiting{Kind: engine.WaitSignal, Name: d.id("wait"), Since: now, More: 1}
	}
	if d.chance(15) {
		c.Summary.Tags = map[string]string{"k": d.id("tag"), "j": "x"}
	}
	if d.chance(15) {
		line := d.id("line")
		c.Summary.StatusLine, c.Summary.LastError = &line, &line
	}
}

// stepStatus ends, continues or blocks some.
func (d *duel) stepStatus(h *duelHold, c *backend.WorkflowCommit) {
	switch d.rng.IntN(20) {
	case 0, 1:
		c.Status = choose(d, engine.StatusCompleted, engine.StatusFailed, engine.StatusCanceled)
	case 2, 3:
		next := d.creation(c.Instance.InstanceID)
		next.FirstExecution = h.task[0].FirstExecution
		c.Status, c.Next = engine.StatusContinuedAsNew, &next
	case 4, 5:
		c.Status, c.Lease, c.Local = engine.StatusBlocked, 0, 0
		c.Block = &backend.Block{
			Reason: []byte(`{"message":"` + d.id("why") + `"}`), Class: choose(d, "HANG", "DECODE"), Build: c.Summary.Build,
		}
		if d.chance(50) {
			c.Block.RetryAfter = d.duration()
		}
		if d.chance(30) {
			c.Block.Keep = append(c.Block.Keep, d.signal())
		}
	}
}
