package worker

import (
	"slices"
	"sync"
	"time"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// hold is an execution that this worker has leased. It is an actor: what comes in
// waits in its mailbox, and at most one goroutine at a time takes it out and makes
// steps of it. See phase for its life.
type hold struct {
	author

	w *Worker

	mu    sync.Mutex
	phase phase
	end   move // the move that made it gone
	// box is what has come in and is in no step yet, in order.
	box []item
	// rows and due are the inbox rows and timers in box and in the step under way,
	// because the store shows them until they are consumed.
	rows map[int64]struct{}
	due  map[backend.TimerKey]struct{}
	// local are the activities that have neither a row nor a durable answer: those
	// that run here, and those whose outcome is in box or in the step under way.
	local map[int64]*localRun
	// orphans is how many activities the last holder ran when it vanished, until
	// the whole inbox is known and with it which of them have no answer.
	orphans int
	// owed are attempts that begin when the execution goes on or is given away.
	owed   []start
	paused bool
	more   bool // the inbox holds rows that we have not seen
	// verdict is why this build can't run the execution. It is blocked once nothing
	// runs here any more.
	verdict   *executor.BlockedError
	nextTimer time.Time
	alarm     *time.Timer
	until     time.Time // end of the lease
	// commits counts the commits sent. The answer to an extend that was sent before
	// one of them shows rows that are consumed since.
	commits int64
	sending bool
	// deaf tells that a hint came in while sending: it may be about something that
	// the answer does not show.
	deaf bool

	// giving tells that the commit under way gives the lease back, or may.
	giving bool
	// done is closed when the hold is gone and nobody works on it any more.
	done chan struct{}

	// resumed is resume, made once.
	resumed func()

	// The rest belongs to the running goroutine.

	// after, unless nil, is closed when the hold before this one is done with the
	// executor.
	after <-chan struct{}

	taken []item // of the step under way
	seq   int64  // the fence
	step  string
	bytes int64
	body  *warm
	last  backend.SummaryUpdate // of the last step
	turns int
	input []history.Event
	// refs are the activities that had a row when the last holder vanished.
	refs       []int64
	lastWorker string
}

// localRun is an activity without a row.
type localRun struct {
	// attempt is nil once it is over.
	attempt *attempt
	// settledBy is the step that resolves it, or places it anew, if it is applied.
	settledBy string
}

// origin is where an item came from.
type origin uint8

// The closed set of origins.
const (
	fromInbox origin = iota
	fromTimer
	// fromHere: only this worker knows it.
	fromHere
)

// item is an event on its way into a step.
type item struct {
	from  origin
	event history.Event
	row   int64
	timer backend.TimerKey
	// again follows a failed attempt.
	again *start
}

func newHold(w *Worker, t *backend.WorkflowTask) *hold {
	h := &hold{
		author: author{
			instance: t.Instance, first: t.FirstExecution, workflow: t.Workflow, queue: t.Queue.OrDefault(),
			token: t.Token, worker: w.id, build: w.build, sentinels: w.settings.Errors,
		},
		w: w, phase: running, done: make(chan struct{}),
		rows: map[int64]struct{}{}, local: map[int64]*localRun{},
		until: t.LeaseUntil, orphans: t.LocalActivities, refs: t.ActivityRefs, lastWorker: t.LastWorker,
		seq: t.LastSeq, step: t.LastStep, bytes: t.HistoryBytes,
	}
	h.resumed = h.resume
	h.accept(t.Arrivals)
	return h
}

// to makes a move. mu is held.
func (h *hold) to(m move) {
	p, err := h.phase.next(m)
	if err != nil {
		panic(err) // caught by survive
	}
	h.phase = p
	if p == gone {
		h.end = m
	}
}

// accept puts what the store shows into the mailbox. mu is held.
func (h *hold) accept(a backend.Arrivals) {
	h.paused, h.more, h.nextTimer = a.Paused, a.More, a.NextTimer
	for _, r := range a.Inbox {
		if _, known := h.rows[r.ID]; known || h.verdict != nil {
			continue
		}
		ev, err := r.Event.DecodeOne()
		if err != nil {
			h.verdict = unreadable(err, r.ID)
			continue
		}
		h.rows[r.ID] = struct{}{}
		h.box = append(h.box, item{from: fromInbox, event: ev, row: r.ID})
	}
	for _, t := range a.Timers {
		key := backend.TimerKey{Ref: t.Ref, Slot: t.Slot}
		if _, known := h.due[key]; known || h.verdict != nil {
			continue
		}
		ev, err := t.Event.DecodeOne()
		if err != nil {
			h.verdict = unreadable(err, 0)
			continue
		}
		if h.due == nil {
			h.due = map[backend.TimerKey]struct{}{}
		}
		h.due[key] = struct{}{}
		h.box = append(h.box, item{from: fromTimer, event: ev, timer: key})
	}
}

// arrive is called when something came in. It reports whether the caller has to
// run the hold, for which it got a slot. mu is held.
func (h *hold) arrive() bool {
	if h.phase != idle {
		return false // the running goroutine looks again before it rests
	}
	if h.w.steps.enter(h.resumed) {
		h.to(workArrived)
		return true
	}
	h.to(workQueued)
	return false
}

// resume runs a hold that waited for a slot.
func (h *hold) resume() {
	h.mu.Lock()
	ok := h.phase == queued
	if ok {
		h.to(slotFreed)
	}
	h.mu.Unlock()
	if !ok {
		h.w.steps.leave(1)
		return
	}
	h.w.drive(h)
}

// task is what the running goroutine has to do next.
type task uint8

// The closed set of tasks.
const (
	doNothing task = iota // it rests or is gone
	doRest
	doTurn
	doBlock
	doDrain
	doLetGo
)

// decide picks the next task, and brings the hold to rest if there is none.
func (h *hold) decide() task {
	do, evicted := h.settleDown()
	closeAll(evicted) // runs deferred calls of workflow code
	return do
}

func (h *hold) settleDown() (do task, evicted []*warm) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if do = h.choose(); do == doRest {
		return do, h.rest()
	}
	return do, nil
}

// choose picks the next task. With nothing to do the hold rests, unless it has
// nothing to wait for either: then it lets go. mu is held.
func (h *hold) choose() task {
	switch {
	case h.phase == gone:
		return doNothing
	case h.paused || h.verdict != nil:
		return h.wind()
	case len(h.box) > 0 || h.orphans > 0 && !h.more:
		return doTurn
	case h.waits():
		return doRest
	}
	return doLetGo
}

// wind picks the next task of a hold that makes no more steps. Activities that run
// here finish into the inbox before it is let go or blocked: whoever claims it then
// would take them for lost, and run again what is still running. mu is held.
func (h *hold) wind() task {
	still := h.attempts() > 0 && !h.w.cutoff.Load()
	switch {
	case !still && !h.paused:
		return doBlock
	case slices.ContainsFunc(h.box, item.volatile):
		return doDrain
	case still:
		return doRest
	}
	return doLetGo
}

// waits reports whether it is worth keeping the lease although nothing is to be
// done now. mu is held.
func (h *hold) waits() bool {
	if h.w.cutoff.Load() {
		return false
	}
	return len(h.local) > 0 || h.near(h.nextTimer)
}

// near reports whether t is so soon that giving the lease back and claiming again
// would cost more than to wait.
func (h *hold) near(t time.Time) bool {
	return !t.IsZero() && !h.w.stopping() && h.w.clock.until(t) < h.w.opts.near
}

// attempts counts the activities that are running here. mu is held.
func (h *hold) attempts() int {
	n := 0
	for _, l := range h.local {
		if l.attempt != nil {
			n++
		}
	}
	return n
}

// rest puts the executor into the cache, which must happen before anybody else
// can run the hold, and waits. It returns the executors that had to give way. mu
// is held.
func (h *hold) rest() (evicted []*warm) {
	switch {
	case h.body == nil:
	case h.verdict != nil: // it is in no state that the store knows
		evicted = []*warm{h.body}
	default:
		evicted = h.w.cache.put(h.instance, h.body)
	}
	h.body = nil
	if !h.nextTimer.IsZero() {
		h.setAlarm(max(h.w.clock.until(h.nextTimer), time.Millisecond))
	}
	h.to(cameToRest)
	return evicted
}

// setAlarm has the keeper ask the store for due timers after d. mu is held.
func (h *hold) setAlarm(d time.Duration) {
	if h.alarm == nil {
		h.alarm = time.AfterFunc(d, func() { h.w.keeper.poke(h.instance) })
		return
	}
	h.alarm.Reset(d)
}

// volatile reports whether only this worker knows of it.
func (it item) volatile() bool { return it.from == fromHere }

// result reports whether it resolves an activity.
func (it item) result() bool {
	kind := it.event.Kind()
	return kind == history.KindActivityCompleted || kind == history.KindActivityFailed
}

// follow takes the place of another hold of the same execution, if there was one.
// If that is giving the lease back, the claim was quicker than the answer to its
// commit, and its executor will do for this one. Otherwise it has lost the lease.
func (h *hold) follow(old *hold) {
	if old == nil {
		return
	}
	old.mu.Lock()
	giving := old.sending && old.giving
	old.mu.Unlock()
	if giving {
		h.after = old.done
		return
	}
	old.lose(nil)
}
