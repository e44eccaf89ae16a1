package worker

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

const (
	// unblockRate is how many blocked executions a worker tries per second, so that
	// a deploy does not replay all of them at once.
	unblockRate = 20
	// firstBlockRetry is the wait before a transient block is tried again with the
	// same build; each further one doubles it, up to lastBlockRetry.
	firstBlockRetry = 5 * time.Second
	lastBlockRetry  = 10 * time.Minute
)

// unreadable is the verdict on an execution with an inbox row or, without a row, a
// timer that this build can't read.
func unreadable(err error, row int64) *executor.BlockedError {
	b := asBlocked(err)
	if b == nil {
		b = &executor.BlockedError{Reason: engine.BlockReason{Class: engine.BlockDecode, Message: err.Error()}}
	}
	b.Reason.Inbox = row
	return b
}

// condemn notes that this build can't run the execution. Of the step that found it
// out nothing is stored; what it took is where it was.
func (h *hold) condemn(b *executor.BlockedError, took []item) {
	b.Reason.Inbox = cmp.Or(b.Reason.Inbox, h.rowOf(b.Reason.Seq, took))
	h.mu.Lock()
	lost := h.phase == gone // another claim took our place
	h.verdict, h.box = b, append(took, h.box...)
	running := h.attempts()
	h.mu.Unlock()
	if lost {
		h.lose(nil)
		return
	}
	if b.Reason.Class == engine.BlockHang {
		h.w.blocks.stuck(h.workflow)
	}
	if running > 0 {
		h.w.log.LogAttrs(h.w.ctx, slog.LevelWarn, "instance can't go on, and is blocked when its running activities have ended",
			slog.String("instance", h.instance.String()), slog.String("workflow", h.workflow), slog.Int("activities", running),
			slog.String("class", string(b.Reason.Class)), slog.String("reason", b.Reason.Message))
	}
}

// block parks the execution. Nothing is stored but the reason, and what only this
// worker knew: a payment that went through is not made again. Activities that run
// here all the same, because the worker is out of time, deliver their results when
// they end; until then the execution counts them, so that they are not lost with
// this worker.
func (h *hold) block() {
	h.mu.Lock()
	b := h.verdict
	h.mu.Unlock()
	reason := b.Reason
	reason.Build, reason.Worker = h.w.build, h.w.id
	bundle, known := h.diagnose(&reason)
	h.mu.Lock()
	items := h.box
	h.box = nil
	local := len(h.local) + h.orphans
	h.mu.Unlock()
	var keep []history.Encoded
	var kept []int64
	for _, it := range items {
		if !it.volatile() || !it.result() {
			continue
		}
		enc, err := history.Encode(it.event)
		if err != nil {
			h.complain("a result can't be encoded", err)
			continue
		}
		keep, kept = append(keep, enc), append(kept, it.event.Ref)
	}
	c, err := h.blockCommit(reason, keep, local-len(kept))
	if err != nil {
		h.complain("an instance can't be blocked", err)
		h.lose(items)
		return
	}
	if b.Transient {
		c.Block.RetryAfter = h.w.blocks.delay(h.instance)
	}
	if _, err := h.send([]backend.WorkflowCommit{c}); err != nil {
		h.lose(items)
		return
	}
	h.w.incident(Incident{Kind: IncidentBlocked, Instance: h.instance, Workflow: h.workflow, Class: reason.Class})
	h.w.log.LogAttrs(h.w.ctx, slog.LevelWarn, "instance blocked", slog.String("instance", h.instance.String()),
		slog.String("workflow", h.workflow), slog.String("class", c.Block.Class), slog.String("reason", reason.Message))
	if known {
		h.keepBundle(bundle)
	}
	h.park(kept)
}

// park makes the hold gone and leaves what runs here to itself. kept are the
// activities whose outcomes are stored; results that came in while they were being
// stored follow on their own.
func (h *hold) park(kept []int64) {
	h.mu.Lock()
	late := slices.DeleteFunc(h.box, func(it item) bool { return !it.volatile() || !it.result() })
	for _, ref := range kept {
		delete(h.local, ref)
	}
	var running []*attempt
	for _, l := range h.local {
		if l.attempt != nil {
			running = append(running, l.attempt)
			h.w.adrift.add(l.attempt, l.attempt)
		}
	}
	if h.phase != gone {
		h.leave(parked)
	}
	h.mu.Unlock()
	for _, a := range running {
		if h.w.cutoff.Load() {
			a.revoke(activity.ErrShutdown)
		}
	}
	h.w.deliverLate(h.instance, late)
}

// rowOf is the inbox row that became event seq of a step, or 0. The step begins
// with a TaskStarted.
func (h *hold) rowOf(seq int64, took []item) int64 {
	i := seq - h.seq - 2
	if i < 0 || i >= int64(len(took)) {
		return 0
	}
	return took[i].row
}

func (h *hold) blockCommit(reason engine.BlockReason, keep []history.Encoded, local int) (backend.WorkflowCommit, error) {
	last, err := h.lastSummary()
	if err != nil {
		return backend.WorkflowCommit{}, err
	}
	text, err := json.Marshal(reason)
	if err != nil {
		return backend.WorkflowCommit{}, err
	}
	line := engine.FirstLine(reason.Message)
	return backend.WorkflowCommit{
		Instance: h.instance, Token: h.token, ExpectSeq: h.seq, StepID: engine.NewID(),
		Status: engine.StatusBlocked, Local: local,
		Block: &backend.Block{Reason: text, Class: string(reason.Class), Build: h.w.build, Keep: keep},
		Summary: backend.SummaryUpdate{
			Worker: h.w.id, Build: h.w.build, Waiting: last.Waiting, Attempt: last.Attempt, LastError: &line,
		},
	}, nil
}

// blocks is what a worker remembers of the executions that it blocked.
type blocks struct {
	limit int64 // of stuck coroutines

	mu      sync.Mutex
	retries map[engine.Instance]int
	types   map[string]bool // workflows that a coroutine got stuck in
	budget  float64         // of unblocking claims
	filled  time.Time
}

func newBlocks(limit int64) *blocks {
	return &blocks{
		limit: limit, retries: map[engine.Instance]int{}, types: map[string]bool{}, budget: unblockRate, filled: time.Now(),
	}
}

// delay is the wait before an execution is tried again with this build.
func (b *blocks) delay(i engine.Instance) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.retries) >= maxRemembered {
		clear(b.retries)
	}
	n := b.retries[i]
	b.retries[i]++
	return min(firstBlockRetry<<min(n, 20), lastBlockRetry)
}

// stuck notes that a coroutine of a workflow did not give way.
func (b *blocks) stuck(workflow string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.types[workflow] = true
}

// shunned returns the workflows that this worker does not claim for now: so many
// coroutines of theirs are stuck that they take the CPU from everybody else.
func (b *blocks) shunned() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.types) == 0 {
		return nil
	}
	switch n := executor.Abandoned(); {
	case n == 0:
		clear(b.types)
		return nil
	case n < b.limit:
		return nil
	}
	types := make(map[string]bool, len(b.types))
	for t := range b.types {
		types[t] = true
	}
	return types
}

// allowance is how many blocked executions the next claim may take.
func (b *blocks) allowance() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.budget = min(unblockRate, b.budget+unblockRate*now.Sub(b.filled).Seconds())
	b.filled = now
	return int(b.budget)
}

// spend takes n from the allowance.
func (b *blocks) spend(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.budget -= float64(n)
}

// maxRemembered bounds what a worker remembers of single executions.
const maxRemembered = 10_000
