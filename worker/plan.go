package worker

import (
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// plan decides where the attempts that the step of t asks for run, and whether the
// lease is kept. It takes a slot for each attempt that is to run here, before the
// step is written: afterwards it would be too late to write a row instead. Nothing
// begins here for a hold that is leaving.
func (h *hold) plan(t *turn, leaving bool) {
	t.stepID, t.seq = engine.NewID(), h.seq
	st := &t.step
	if h.body != nil {
		t.placed = h.body.activities
	}
	if len(st.Events) > 0 {
		t.at = st.Events[0].At
	}
	if st.Status.Final() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := planner{hold: h, turn: t, leaving: leaving}
	t.local = h.orphans + len(h.local)
	for _, ref := range st.DropActivities {
		p.open(ref)
	}
	for _, s := range h.owed {
		p.again(s)
	}
	for i := range t.took {
		if s := t.took[i].again; s != nil {
			p.again(*s)
		}
	}
	for i := range st.StartActivities {
		s := &st.StartActivities[i]
		p.begin(start{ref: s.Event.Ref, body: &s.Body, scheduled: s.Event.At, attempt: 1, first: true})
	}
	if h.w.cutoff.Load() {
		p.giveAway()
	}
	t.lease, t.onlyIfReady = h.leaseFor(t)
}

// planner places attempts. The hold's mu is held.
type planner struct {
	*hold
	*turn
	leaving bool
}

// open settles an activity without a row, and reports whether it was open.
func (p *planner) open(ref int64) bool {
	l := p.hold.local[ref]
	if l == nil || l.settledBy == p.stepID {
		return false
	}
	l.settledBy = p.stepID
	p.turn.local--
	return true
}

// again places the attempt after a failed one, unless the activity was resolved
// in the meantime.
func (p *planner) again(s start) {
	if p.open(s.ref) {
		p.begin(s)
	}
}

// begin runs s here, or else writes a row for it. What waits for a retry has a
// row, so that it is nobody's to lose.
func (p *planner) begin(s start) {
	if s.delay <= 0 && !p.leaving && !p.paused && p.w.runsHere(p.author.queue, s.body) && p.w.acts.try() {
		p.turn.here = append(p.turn.here, s)
		p.turn.local++
		return
	}
	p.turn.rows = append(p.turn.rows, s)
}

// giveAway writes rows for what is running, so that another worker takes over at
// once. An outcome that is in the mailbox already stays: the next step has it. What
// has started once is not subject to the timeout for that any more.
func (p *planner) giveAway() {
	for ref, l := range p.hold.local {
		if l.attempt == nil || !p.open(ref) {
			continue
		}
		s := *l.attempt.start
		s.first = false
		p.turn.rows = append(p.turn.rows, s)
	}
}

// turnsInARow is how many steps an execution makes, without anything to wait for
// here, before it joins the end of the line.
const turnsInARow = 32

// leaseFor returns how long to keep the lease: for as long as there is something
// to do or to wait for here. Otherwise the store decides, which knows of what has
// come in by now: a step that follows at once needs no claim. mu is held.
func (h *hold) leaseFor(t *turn) (lease time.Duration, onlyIfReady bool) {
	keep := t.local > 0 || len(h.box) > 0 || h.more || h.verdict != nil
	keep = keep || h.near(h.nextTimer) ||
		slices.ContainsFunc(t.step.StartTimers, func(s executor.StartTimer) bool { return h.near(s.Until) })
	if !keep && (h.w.stopping() || (h.turns+1)%turnsInARow == 0) {
		return 0, false
	}
	return h.w.opts.lease, !keep
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

// settlement is what is to be done once a step is durable.
type settlement struct {
	stop []*attempt
	// late are results of activities that got a row in the meantime.
	late []item
	// evicted executors had to give way to the one of this hold.
	evicted []*warm
	// deaf tells that a hint came in that the answer may not cover.
	deaf bool
	// lost tells that the step is durable, but the execution is somebody else's by
	// now, or has ended: the commit was sent again because its answer was lost.
	lost bool
}

// settle brings the hold up to date with a durable step.
func (h *hold) settle(t *turn, ans backend.WorkflowCommitted, begun []*attempt) (s settlement) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sending, h.owed = false, nil
	for i := range t.took {
		delete(h.rows, t.took[i].row)
		if t.took[i].from == fromTimer {
			delete(h.due, t.took[i].timer)
		}
	}
	s.stop, s.late = h.forget(t)
	if h.orphans > 0 { // they are told from rows by the list of these
		for i := range t.rows {
			h.refs = append(h.refs, t.rows[i].ref)
		}
	}
	given := t.lease == 0 || t.onlyIfReady && ans.LeaseUntil.IsZero()
	if h.phase == gone || !given && ans.LeaseUntil.IsZero() {
		s.lost = true
		return s
	}
	for _, a := range begun {
		h.local[a.start.ref] = &localRun{attempt: a}
	}
	switch {
	case t.step.Status.Final():
		h.leave(ended)
	case given:
		// What came in since is ready in the store, for whoever claims it. If that is
		// this worker, it shall find the executor.
		if h.body != nil && h.verdict == nil {
			s.evicted = h.w.cache.put(h.instance, h.body)
			h.body = nil
		}
		h.leave(released)
	default:
		h.until = ans.LeaseUntil
		h.accept(ans.Arrivals)
		s.deaf = h.deaf
	}
	return s
}

// forget takes the activities that were resolved or got a row off the list of
// local ones, and returns their attempts. An outcome of theirs that is still in the
// mailbox came too late for a step. If it is the result of an activity that got a
// row it is returned: it can keep the activity from being run again. mu is held.
func (h *hold) forget(t *turn) (stop []*attempt, late []item) {
	var resolved map[int64]bool // false for those that got a row
	off := func(ref int64, how bool) {
		switch l := h.local[ref]; {
		case l == nil:
		case l.attempt != nil:
			stop = append(stop, l.attempt)
		case len(h.box) > 0:
			if resolved == nil {
				resolved = map[int64]bool{}
			}
			resolved[ref] = how
		}
		delete(h.local, ref)
	}
	for _, ref := range t.step.DropActivities {
		off(ref, true)
	}
	for i := range t.rows {
		off(t.rows[i].ref, false)
	}
	if len(resolved) == 0 {
		return stop, nil
	}
	h.box = slices.DeleteFunc(h.box, func(it item) bool {
		how, ok := resolved[it.event.Ref]
		if !ok || !it.volatile() {
			return false
		}
		if !how && it.result() {
			late = append(late, it)
		}
		return true
	})
	return stop, late
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
