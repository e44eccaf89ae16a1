package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// drive runs a hold, for which the caller has a slot, and goes on with what comes
// of it in the same goroutine: an activity that the hold starts, then the hold
// again with the activity's outcome. A chain of activities needs no other
// goroutine than this one.
func (w *Worker) drive(h *hold) {
	for h != nil {
		a := h.work()
		if a == nil {
			return
		}
		h = a.perform()
	}
}

// work runs the hold until it rests or is gone, and gives its slot back. It may
// return an activity that the caller has to run.
func (h *hold) work() (last *attempt) {
	rests := false // and is anybody's from then on
	defer h.w.steps.leave(1)
	defer func() {
		if !rests {
			h.dispose()
		}
	}()
	defer h.survive()
	for {
		h.taken = nil
		do := h.decide()
		if rests = do == doRest; rests || do == doNothing {
			return last
		}
		if last != nil {
			go h.w.perform(last)
			last = nil
		}
		switch do {
		case doTurn:
			last = h.turn()
		case doBlock:
			h.block()
		case doDrain:
			h.drain()
		case doLetGo:
			h.letGo(0)
		case doRest, doNothing: // done by decide
		}
	}
}

// survive keeps a panic of ours from taking the worker down: the execution is
// lost, and tried again when its lease runs out.
func (h *hold) survive() {
	if r := recover(); r != nil {
		h.w.log.LogAttrs(h.w.ctx, slog.LevelError, "running an instance panicked; it is tried again when its lease runs out",
			slog.String("instance", h.instance.String()), slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
		h.lose(h.taken)
	}
}

// dispose ends the goroutine's use of a hold that is gone. What is left of an
// executor then is in no state that the store knows.
func (h *hold) dispose() {
	if h.body != nil {
		h.body.x.Close()
		h.body = nil
	}
	close(h.done)
}

// turn makes one step of all that has come in, commits it, and performs it once
// the commit is durable. It returns an activity for the caller to run, if any.
func (h *hold) turn() *attempt {
	took, began := h.take(), h.w.observed()
	if err := h.load(); err != nil {
		h.cannotRun(err, took)
		return nil
	}
	took = append(took, h.orphaned(took)...)
	if len(took) == 0 {
		return nil
	}
	st, err := h.body.x.Apply(executor.Input{
		Now: h.w.clock.now(), Worker: h.w.id, Build: h.w.build, HistoryBytes: h.bytes, Events: h.events(took),
	})
	if err != nil {
		h.cannotRun(err, took)
		return nil
	}
	t := turn{step: st, took: took, began: began}
	h.traced(&t)
	h.plan(&t, false)
	commit, err := commitOf(&h.author, &t)
	if err != nil {
		h.w.acts.leave(len(t.here))
		h.cannotRun(err, took)
		return nil
	}
	ans, err := h.send(commit)
	if err != nil {
		h.w.acts.leave(len(t.here))
		h.lose(took)
		return nil
	}
	return h.acknowledged(&t, &commit[0], ans)
}

// take empties the mailbox. If activities run here, it lets others run before: the
// first of many that end together would get a step and a commit of its own, and so
// would each that ends while that is made.
func (h *hold) take() []item {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.local) > len(h.box) {
		h.mu.Unlock()
		runtime.Gosched()
		h.mu.Lock()
	}
	h.taken, h.box = h.box, nil
	return h.taken
}

// events returns the events of items, in memory that the next call uses again.
func (h *hold) events(items []item) []history.Event {
	h.input = h.input[:0]
	for i := range items {
		h.input = append(h.input, items[i].event)
	}
	return h.input
}

// load makes sure that there is an executor in the state that the store has:
// the cached one, or a new one that replays the history.
func (h *hold) load() error {
	if h.body != nil {
		return nil
	}
	if h.after != nil {
		<-h.after
	}
	if h.body = h.cachedBody(); h.body != nil {
		h.adopt(false)
		return nil
	}
	past, err := h.fetch()
	if err != nil {
		return err
	}
	h.body = &warm{
		x:   h.w.newExecutor(h.instance, h.workflow),
		seq: h.seq, step: h.step, activities: map[int64]placed{}, open: openSet(h.w.observers),
	}
	if len(past) > 0 {
		if err := h.body.x.Replay(past); err != nil {
			return err
		}
	}
	if n := h.body.x.LastSeq(); n != h.seq {
		return fmt.Errorf("%w: history of %s ends at event %d, the claim said %d", engine.ErrLeaseLost, h.instance, n, h.seq)
	}
	h.body.note(past)
	h.body.drop(past)
	h.body.replayed = len(past)
	h.adopt(true)
	h.traced(&turn{})
	h.introduce(past)
	return nil
}

// cachedBody takes the executor out of the cache, if it is in the state that the
// store has.
func (h *hold) cachedBody() *warm {
	body := h.w.cache.take(h.instance)
	if body == nil || body.matches(h.seq, h.step) {
		return body
	}
	body.x.Close()
	return nil
}

// adopt notes what the store holds for the open activities. After a takeover the
// claim has told which of them have a row.
func (h *hold) adopt(cold bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !cold && h.orphans == 0 {
		return
	}
	for _, p := range h.body.x.Pending() {
		row := h.local[p.Ref] == nil
		if h.orphans > 0 {
			row = slices.Contains(h.refs, p.Ref)
		}
		h.body.activities[p.Ref] = placed{row: row, timers: hasTimers(p.Body.Timeouts)}
	}
}

func hasTimers(t history.Timeouts) bool { return t.ScheduleToStart > 0 || t.ScheduleToClose > 0 }

// fetch reads and decodes the history, trying as long as the lease lasts.
func (h *hold) fetch() ([]history.Event, error) {
	if h.seq == 0 {
		return nil, nil
	}
	for failures := 0; ; {
		chunks, err := h.w.store.History(h.w.ctx, h.instance, 0, 0)
		if err == nil {
			return decode(chunks)
		}
		if failures++; !transient(err) || h.left() <= 0 || h.w.ctx.Err() != nil {
			return nil, fmt.Errorf("reading the history of %s: %w", h.instance, err)
		}
		h.again("reading a history failed", err, failures)
		h.pause(failures)
	}
}

func decode(chunks []backend.Chunk) ([]history.Event, error) {
	n := 0
	for _, c := range chunks {
		n += c.Count
	}
	past := make([]history.Event, 0, n)
	for _, c := range chunks {
		evs, err := c.Events.Decode(c.First)
		if err != nil {
			return nil, err
		}
		past = append(past, evs...)
	}
	return past, nil
}

// transient reports whether a call that failed may succeed later: its outcome is
// unknown, or the store was busy.
func transient(err error) bool {
	return engine.OutcomeUnknown(err) || errors.Is(err, engine.ErrBusy)
}

// left is how long the lease can be counted on: the worker stops before the store
// thinks it has.
func (h *hold) left() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.w.clock.until(h.until) - h.w.opts.margin
}

// pause waits before the next of several tries, but not for longer than the lease
// lasts: a last try then comes just in time.
func (h *hold) pause(failures int) {
	h.w.link.pause(h.w.ctx.Done(), min(backoff(failures), max(h.left(), 0)))
}

// again logs that something failed and is tried again.
func (h *hold) again(what string, err error, failures int) {
	h.w.link.again(what, err, failures, slog.String("instance", h.instance.String()))
}

// complain logs what failed for good. If the store did not answer until the lease
// ran out, that is said elsewhere.
func (h *hold) complain(what string, err error) {
	level := slog.LevelWarn
	if transient(err) && h.left() <= 0 {
		level = slog.LevelDebug
	}
	h.w.log.LogAttrs(h.w.ctx, level, what, slog.String("instance", h.instance.String()), slog.Any("error", err))
}

// send makes a commit, again and again unchanged while the outcome is unknown and
// the lease lasts: a connection that dies on COMMIT is neither success nor failure.
func (h *hold) send(commit []backend.WorkflowCommit) (backend.WorkflowCommitted, error) {
	h.mu.Lock()
	h.commits++
	h.sending, h.deaf = true, false
	h.giving = commit[0].Lease == 0 || commit[0].OnlyIfReady
	h.mu.Unlock()
	for failures := 0; ; {
		sent := h.w.clock.mark()
		ans := h.w.store.CommitWorkflows(h.w.ctx, commit)[0]
		h.w.clock.learn(sent, ans.Now)
		if ans.Err == nil {
			return ans, nil
		}
		if failures++; !transient(ans.Err) || h.left() <= 0 || h.w.ctx.Err() != nil {
			if !errors.Is(ans.Err, engine.ErrLeaseLost) {
				h.complain("giving up a step", ans.Err)
			} else {
				h.w.incident(Incident{Kind: IncidentRefused, Instance: h.instance, Workflow: h.workflow})
			}
			return ans, ans.Err
		}
		h.again("committing a step failed", ans.Err, failures)
		h.pause(failures)
	}
}

// acknowledged takes in that the step is durable, and starts what it scheduled.
func (h *hold) acknowledged(t *turn, c *backend.WorkflowCommit, ans backend.WorkflowCommitted) *attempt {
	h.seq += int64(c.Count)
	h.step = c.StepID
	h.bytes += int64(len(c.Events))
	h.last = c.Summary
	h.turns++
	if h.body != nil { // letting go needs none
		h.body.advance(t, h.seq, h.step)
	}
	attempts := make([]*attempt, len(t.here))
	for i := range t.here {
		attempts[i] = h.w.newAttempt(h, &h.author, &t.here[i])
	}
	h.report(t)
	s := h.settle(t, ans, attempts)
	closeAll(s.evicted)
	for _, a := range s.stop {
		a.revoke(h.w.whyStop())
	}
	h.w.deliverLate(h.instance, s.late)
	if s.lost { // who has the execution starts what it needs
		h.w.acts.leave(len(attempts))
		h.lose(nil)
		return nil
	}
	if s.deaf {
		h.w.keeper.poke(h.instance)
	}
	var last *attempt
	for i, a := range attempts {
		if i == len(attempts)-1 {
			last = a
			break
		}
		go h.w.perform(a)
	}
	return last
}
