package backendtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func (d *duel) instanceID() string { return choose(d, "a", "b", "c", "d", "A") }

func (d *duel) queue() engine.Queue { return choose[engine.Queue](d, "q", "q", "q2") }

func (d *duel) lease() time.Duration { return choose(d, 10*time.Second, time.Minute) }

// instance is one that was named before, or a stranger.
func (d *duel) instance() engine.Instance {
	if len(d.instances) == 0 || d.chance(5) {
		return engine.Instance{InstanceID: d.instanceID(), ExecutionID: "unknown"}
	}
	back := min(d.rng.IntN(4), len(d.instances)-1) // mostly a recent one
	return d.instances[len(d.instances)-1-back]
}

func (d *duel) address() backend.Address {
	i := d.instance()
	switch d.rng.IntN(6) {
	case 0:
		return exactly(i)
	case 1:
		return backend.Address{InstanceID: i.InstanceID, FirstExecution: i.ExecutionID}
	}
	return byID(i)
}

func (d *duel) signal() history.Encoded { return signal(d.id("s")) }

func (d *duel) closing() backend.Closing {
	return backend.Closing{
		Ref: int64(d.rng.IntN(4)), On: choose(d, backend.OnEnd, backend.OnTerminate), To: d.address(),
		Terminate: d.chance(30), Event: choose(d, d.signal(), terminated(d.id("closing "))),
	}
}

func (d *duel) timer() backend.Timer {
	d.last++
	t := timer(int64(d.last), choose(d, backend.SlotTimer, backend.SlotScheduleToClose), d.duration()-time.Millisecond)
	if d.chance(30) {
		t.Due, t.After = d.clock.Now().Add(t.After), 0
	}
	return t
}

func (d *duel) creation(id string) backend.Creation {
	i := engine.Instance{InstanceID: id, ExecutionID: d.id("x")}
	d.instances = append(d.instances, i)
	c := backend.Creation{
		Instance: i, FirstExecution: i.ExecutionID, Workflow: choose(d, "wf", "wf", "wf2"), Queue: d.queue(),
		Started: encode(0, history.WorkflowStarted{Workflow: "wf"}), Terminate: terminated(d.id("replaced ")),
		Reuse: choose(d, "", backend.IDReuseFinished, backend.IDReuseReject, backend.IDReuseTerminate, backend.IDReuseReturn),
	}
	for range d.rng.IntN(3) {
		c.Inbox = append(c.Inbox, d.signal())
	}
	if d.chance(20) {
		c.Delay = d.duration()
	}
	if d.chance(20) {
		c.Timers = append(c.Timers, d.timer())
	}
	if d.chance(30) {
		c.Closings = append(c.Closings, d.closing())
	}
	if d.chance(20) {
		c.Tags = map[string]string{"k": c.Instance.ExecutionID}
	}
	if d.chance(20) {
		parent := d.instance()
		c.Parent = &parent
	}
	return c
}

func (d *duel) create() {
	var c backend.Creation
	if len(d.creations) > 0 && d.chance(15) {
		c = choose(d, d.creations...)
	} else {
		c = d.creation(d.instanceID())
		d.creations = append(d.creations, c)
	}
	d.note(d.render(func(_ int, b backend.Backend) any { return b.Create(d.Context(), []backend.Creation{c})[0] }), "create %s", show(c))
}

func (d *duel) deliver() {
	dl := backend.Delivery{ID: d.id("d"), To: d.address(), Event: d.signal()}
	if len(d.deliveries) > 0 && d.chance(20) {
		dl = choose(d, d.deliveries...)
	}
	d.deliveries = append(d.deliveries, dl)
	d.note(d.render(func(_ int, b backend.Backend) any { return b.Deliver(d.Context(), []backend.Delivery{dl})[0] }), "deliver %s", show(dl))
}

func (d *duel) terminate() {
	t := backend.Termination{To: d.address(), Event: terminated(d.id("operator ")), Error: d.id("error ")}
	d.note(d.render(func(_ int, b backend.Backend) any { return b.Terminate(d.Context(), []backend.Termination{t})[0] }), "terminate %s", show(t))
}

func (d *duel) pause() {
	p := backend.PauseChange{To: d.address(), Paused: d.chance(40), Reason: d.id("reason ")}
	d.note(d.render(func(_ int, b backend.Backend) any { return b.Pause(d.Context(), []backend.PauseChange{p})[0] }), "pause %s", show(p))
}

// retry drops rows of blocked executions only, where that is meant to be used.
func (d *duel) retry() {
	i, drop := d.instance(), d.chance(50)
	if s, err := d.sides[0].Get(d.Context(), i); err != nil || s.Status != engine.StatusBlocked {
		drop = false
	}
	d.note(d.render(func(_ int, b backend.Backend) any {
		r := backend.RetryRequest{To: exactly(i), Reason: "for " + i.InstanceID}
		if p, err := b.Pending(d.Context(), i, 0); err == nil && drop && len(p.Inbox) > 0 {
			r = dropping(r.To, p.Inbox[len(p.Inbox)-1])
		}
		return b.Retry(d.Context(), []backend.RetryRequest{r})[0]
	}), "retry %s, drop the last row: %v", i, drop)
}

func (d *duel) remove() {
	i := d.instance()
	d.note(d.render(func(_ int, b backend.Backend) any { return b.Remove(d.Context(), []engine.Instance{i})[0] }), "remove %s", i)
}

func (d *duel) heartbeat() {
	w := backend.Worker{ID: choose(d, "w1", "w2", "w3"), Stopped: d.chance(20)}
	d.note(d.render(func(_ int, b backend.Backend) any { return b.Heartbeat(d.Context(), w) }), "heartbeat %s", show(w))
}

func (d *duel) advance() {
	by := d.duration()
	d.clock.Advance(by)
	d.log = append(d.log, fmt.Sprint("advance ", by))
}

// claim takes ready executions in order. Among blocked ones and those whose lease
// ran out the contract has no exact order, so a claim that may take those takes
// all.
func (d *duel) claim() {
	c := backend.WorkflowClaim{
		Worker: choose(d, "w1", "w2", "w3"), Build: choose(d, "b1", "b2", "b3"), Queues: []engine.Queue{"q", "q2"},
		Workflows: []string{"wf", "wf2"}, Max: 1 + d.rng.IntN(4), Lease: d.lease(),
	}
	if d.chance(40) {
		c.MaxBlocked = 100
	}
	anyOrder := c.MaxBlocked > 0 || d.lostLeases()
	if anyOrder {
		c.Max = 100
	}
	if d.chance(20) {
		c.Queues, c.Workflows = []engine.Queue{d.queue()}, []string{"wf"}
	}
	got := on(d, func(_ int, b backend.Backend) answerOf[backend.WorkflowClaimed] {
		claimed, err := b.ClaimWorkflows(d.Context(), c)
		if anyOrder {
			slices.SortFunc(claimed.Tasks, func(a, b backend.WorkflowTask) int {
				return strings.Compare(a.Instance.ExecutionID, b.Instance.ExecutionID)
			})
		}
		return answerOf[backend.WorkflowClaimed]{claimed, err}
	})
	d.note([2]string{show(got[0]), show(got[1])}, "claim %s", show(c))
	if d.Failed() {
		return
	}
	for n := range got[0].Got.Tasks {
		h := &duelHold{task: [2]backend.WorkflowTask{got[0].Got.Tasks[n], got[1].Got.Tasks[n]}, seq: got[0].Got.Tasks[n].LastSeq}
		h.learn(h.task[0].Arrivals, h.task[1].Arrivals)
		h.refs = slices.Clone(h.task[0].ActivityRefs)
		d.holds = append(d.holds, h)
	}
}

// answerOf is an answer with its error.
type answerOf[R any] struct {
	Got R
	Err error
}

// learn takes what an answer tells the holder.
func (h *duelHold) learn(model, store backend.Arrivals) {
	h.inbox = [2][]backend.InboxRow{model.Inbox, store.Inbox}
	for _, t := range model.Timers {
		h.timers = append(h.timers, backend.TimerKey{Ref: t.Ref, Slot: t.Slot})
	}
}

// hold is mostly a recent lease, perhaps one that was lost.
func (d *duel) hold() *duelHold {
	if len(d.holds) == 0 {
		return nil
	}
	back := min(d.rng.IntN(5), len(d.holds)-1)
	return d.holds[len(d.holds)-1-back]
}

func (d *duel) extend() {
	h := d.hold()
	if h == nil {
		return
	}
	lease := d.lease()
	got := on(d, func(side int, b backend.Backend) backend.WorkflowCommitted {
		x := backend.WorkflowExtension{Instance: h.task[side].Instance, Token: h.task[side].Token, Lease: lease}
		return b.ExtendWorkflows(d.Context(), []backend.WorkflowExtension{x})[0]
	})
	d.note([2]string{show(got[0]), show(got[1])}, "extend %s by %s", h.task[0].Instance, lease)
	if got[0].Err == nil {
		h.learn(got[0].Arrivals, got[1].Arrivals)
	}
}

func (d *duel) claimActivities() {
	c := backend.ActivityClaim{
		Worker: choose(d, "w1", "w2", "w3"), Queues: []engine.Queue{"q", "q2"}, Activities: []string{"act", "act2"},
		Max: 1 + d.rng.IntN(3), Lease: d.lease(),
	}
	got := on(d, func(_ int, b backend.Backend) answerOf[backend.ActivityClaimed] {
		claimed, err := b.ClaimActivities(d.Context(), c)
		return answerOf[backend.ActivityClaimed]{claimed, err}
	})
	d.note([2]string{show(got[0]), show(got[1])}, "claim activities %s", show(c))
	if d.Failed() {
		return
	}
	for n := range got[0].Got.Tasks {
		d.running = append(d.running, duelActivity{got[0].Got.Tasks[n], got[1].Got.Tasks[n]})
	}
}

func (d *duel) commitActivity() {
	if len(d.running) == 0 {
		return
	}
	task := choose(d, d.running...)
	change := choose(d, func(*backend.ActivityCommit) {}, retry(task[0].Attempt+1, d.duration()))
	d.note(d.render(func(side int, b backend.Backend) any {
		return b.CommitActivities(d.Context(), []backend.ActivityCommit{result(task[side], change)})[0]
	}), "commit activity %s", show(result(task[0], change)))
}

func (d *duel) extendActivity() {
	if len(d.running) == 0 {
		return
	}
	task, lease := choose(d, d.running...), d.lease()
	details := choose(d, nil, engine.Payload(d.id("")))
	d.note(d.render(func(side int, b backend.Backend) any {
		x := backend.ActivityExtension{Instance: task[side].Instance, Ref: task[side].Ref, Token: task[side].Token, Lease: lease, Details: details}
		return b.ExtendActivities(d.Context(), []backend.ActivityExtension{x})[0]
	}), "extend activity %s#%d by %s", task[0].Instance, task[0].Ref, lease)
}
