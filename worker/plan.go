package worker

import (
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// plan decides where the attempts that the step asks for run, and whether the
// lease is kept. It takes a slot for each attempt that is to run here, before the
// step is written: afterwards it would be too late to write a row instead.
func (h *hold) plan(st executor.Step, took []item) turn {
	t := turn{stepID: engine.NewID(), seq: h.seq, step: st, took: took}
	if h.body != nil {
		t.placed = h.body.activities
	}
	if len(st.Events) > 0 {
		t.at = st.Events[0].At
	}
	if st.Status.Final() {
		return t
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := planner{hold: h, turn: &t, open: map[int64]bool{}}
	for ref := range h.local {
		if !slices.Contains(st.DropActivities, ref) {
			p.open[ref] = true
		}
	}
	t.local = h.orphans + len(p.open)
	for _, s := range h.owed {
		p.again(s)
	}
	for i := range took {
		if s := took[i].again; s != nil {
			p.again(*s)
		}
	}
	for _, s := range st.StartActivities {
		p.begin(start{ref: s.Event.Ref, body: s.Body, scheduled: s.Event.At, attempt: 1, first: true})
	}
	if h.w.cutoff.Load() {
		p.giveAway()
	}
	t.lease = h.leaseFor(&t)
	return t
}

// planner places attempts. The hold's mu is held.
type planner struct {
	*hold
	*turn
	// open are the activities without a row that stay without an answer.
	open map[int64]bool
}

// again places the attempt after a failed one, unless the activity was resolved
// in the meantime.
func (p *planner) again(s start) {
	if !p.open[s.ref] {
		return
	}
	delete(p.open, s.ref)
	p.turn.local--
	p.begin(s)
}

// begin runs s here, or else writes a row for it. What waits for a retry has a
// row, so that it is nobody's to lose.
func (p *planner) begin(s start) {
	if s.delay <= 0 && !p.paused && p.w.runsHere(p.author.queue, &s.body) && p.w.acts.try() {
		p.turn.here = append(p.turn.here, s)
		p.turn.local++
		return
	}
	p.turn.rows = append(p.turn.rows, s)
}

// giveAway writes rows for what is running, so that another worker takes over at
// once. An outcome that is in the mailbox already stays: the next step has it.
func (p *planner) giveAway() {
	for ref := range p.open {
		if l := p.hold.local[ref]; l.attempt != nil {
			p.turn.rows = append(p.turn.rows, l.attempt.start)
			p.turn.local--
		}
	}
}

// leaseFor returns how long to keep the lease: for as long as there is something
// to do or to wait for here, and not at all otherwise. mu is held.
func (h *hold) leaseFor(t *turn) time.Duration {
	keep := t.local > 0 || len(h.box) > 0 || h.more || h.poison != nil
	keep = keep || h.near(h.nextTimer) ||
		slices.ContainsFunc(t.step.StartTimers, func(s executor.StartTimer) bool { return h.near(s.Until) })
	if !keep {
		return 0
	}
	return h.w.opts.lease
}

// runsHere decides about the activity of a step. It runs here if this worker
// could claim its row, and only if the last claim found no older rows waiting.
// Details that an activity reports by heartbeat have to outlive this worker, so
// one with a heartbeat timeout has a row.
func (w *Worker) runsHere(queue engine.Queue, b *history.ActivityScheduled) bool {
	if w.activities == nil || !w.activities.short.Load() || w.stopping() || b.Timeouts.Heartbeat > 0 {
		return false
	}
	if b.Queue != "" {
		queue = b.Queue
	}
	return slices.Contains(w.opts.activityQueues, queue.OrDefault()) && w.hasActivity(b.Name)
}

// settle brings the hold up to date with a durable step. It returns the attempts
// that have to stop, and whether a hint came in that the answer may not cover.
func (h *hold) settle(t *turn, ans backend.WorkflowCommitted, begun []*attempt) (stop []*attempt, deaf bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sending, h.owed = false, nil
	for i := range t.took {
		delete(h.rows, t.took[i].row)
		if t.took[i].from == fromTimer {
			delete(h.due, t.took[i].timer)
		}
	}
	stop = h.forget(t)
	for _, a := range begun {
		h.local[a.start.ref] = &localRun{attempt: a}
	}
	if h.phase == gone {
		return stop, false // another claim took our place
	}
	switch {
	case t.step.Status.Final():
		h.leave(ended)
	case t.lease == 0:
		// What came in since is ready in the store, for whoever claims it.
		h.leave(released)
	default:
		h.until = ans.LeaseUntil
		h.accept(ans.Arrivals)
		deaf = h.deaf
	}
	return stop, deaf
}

// forget takes the activities that were resolved or got a row off the list of
// local ones, and returns their attempts. An outcome that is still in the mailbox
// came too late. mu is held.
func (h *hold) forget(t *turn) (stop []*attempt) {
	late := map[int64]bool{}
	off := func(ref int64) {
		l := h.local[ref]
		switch {
		case l == nil:
			return
		case l.attempt != nil:
			stop = append(stop, l.attempt)
		case len(h.box) > 0:
			late[ref] = true
		}
		delete(h.local, ref)
	}
	for _, ref := range t.step.DropActivities {
		off(ref)
	}
	for i := range t.rows {
		off(t.rows[i].ref)
	}
	if len(late) > 0 {
		h.box = slices.DeleteFunc(h.box, func(it item) bool { return it.volatile() && late[it.event.Ref] })
	}
	return stop
}

// leave makes the hold gone. mu is held.
func (h *hold) leave(m move) {
	h.to(m)
	h.box = nil
	if h.alarm != nil {
		h.alarm.Stop()
	}
	h.w.holds.remove(h.instance, h)
}
