package executor

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/internal/coro"
)

// Executor is what workflow code runs against.
var _ command.Sink = (*Executor)(nil)

// enter ends the calling coroutine if the execution is being torn down: its code
// has nobody to ask.
func (e *Executor) enter() {
	e.sched.Check()
	if e.dead.Load() {
		e.sched.Exit()
	}
}

// ScheduleActivity implements command.Sink.
func (e *Executor) ScheduleActivity(c command.ScheduleActivity) *command.Outcome {
	e.enter()
	h, t := splitTrace(c.Headers)
	return e.command(history.ActivityScheduled{
		Name: c.Name, ID: c.ID, Args: c.Args, Queue: c.Queue, Retry: c.Retry, Timeouts: c.Timeouts,
		Headers: h, Trace: t, Site: e.site(),
	})
}

// StartTimer implements command.Sink.
func (e *Executor) StartTimer(c command.StartTimer) *command.Outcome {
	e.enter()
	return e.command(history.TimerScheduled{Name: c.Name, Duration: c.After, Until: e.now.Add(c.After), Site: e.site()})
}

// StartChild implements command.Sink.
func (e *Executor) StartChild(c command.StartChild) *command.Outcome {
	e.enter()
	ref := e.refs + 1
	h, t := e.splitTrace(c.Headers, ref)
	child := engine.Instance{InstanceID: c.InstanceID, ExecutionID: e.derive("child", ref)}
	if child.InstanceID == "" {
		child.InstanceID = e.opts.Instance.ExecutionID + "-" + strconv.FormatInt(ref, 10)
	}
	return e.command(history.ChildScheduled{
		Workflow: c.Workflow, Instance: child, Args: c.Args, Queue: c.Queue,
		ParentClose: c.ParentClose, Attempt: c.Attempt, Headers: h, Trace: t, Site: e.site(),
	})
}

// SendSignal implements command.Sink.
func (e *Executor) SendSignal(c command.SendSignal) *command.Outcome {
	e.enter()
	h, t := e.splitTrace(c.Headers, e.refs+1)
	return e.command(history.SignalSent{InstanceID: c.InstanceID, Name: c.Name, Arg: c.Arg, Headers: h, Trace: t, Site: e.site()})
}

// command issues a command that is answered later, given the event that records it.
func (e *Executor) command(body history.Body) *command.Outcome {
	e.refs++
	p := &pending{ref: e.refs, at: e.now, body: body}
	p.out.Ref = e.refs
	e.add(p)
	e.issue(p.ref, body)
	return &p.out
}

// splitTrace takes the trace context of the command ref out of h, and puts that of
// the command's span in its place, if it has one. History has it on replay.
func (e *Executor) splitTrace(h history.Headers, ref int64) (history.Headers, history.Trace) {
	h, t := splitTrace(h)
	if e.replaying || e.opts.Command.Trace == nil {
		return h, t
	}
	if own := e.opts.Command.Trace(e.opts.Instance, e.started, ref); own != (history.Trace{}) {
		t = own
	}
	return h, t
}

// splitTrace takes the W3C trace context out of what propagators injected.
func splitTrace(h history.Headers) (history.Headers, history.Trace) {
	t := history.Trace{Parent: h["traceparent"], State: h["tracestate"]}
	if t == (history.Trace{}) {
		return h, t
	}
	h = maps.Clone(h)
	delete(h, "traceparent")
	delete(h, "tracestate")
	return h, t
}

// derive returns an identifier that depends on the execution, what and n alone,
// so that a replay comes to the same one.
func (e *Executor) derive(what string, n int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", e.opts.Instance.ExecutionID, what, n))
	return hex.EncodeToString(sum[:16])
}

// Cancel implements command.Sink.
func (e *Executor) Cancel(os ...*command.Outcome) {
	e.enter()
	ps := make([]*pending, 0, len(os))
	for _, o := range os {
		if p, ok := e.open.byRef[o.Ref]; ok && &p.out == o {
			ps = append(ps, p)
		}
	}
	slices.SortFunc(ps, cancelOrder)
	for _, p := range ps {
		if body, ok := e.withdraw(p); ok {
			e.issue(p.ref, body)
		}
	}
}

// SideEffect implements command.Sink.
func (e *Executor) SideEffect(f func() (engine.Payload, error)) (engine.Payload, error) {
	e.enter()
	e.refs++
	if !e.replaying {
		v, err := f()
		rec := history.SideEffectRecorded{Value: v, Failure: e.failure(err), Site: e.site()}
		e.issue(e.refs, rec)
		return v, e.bound(rec.Failure) // as it will be on replay
	}
	rec, ok := e.past.sides[e.refs]
	if e.explore != nil {
		rec, ok = e.explore.sideEffect(), true
	}
	rec.Site = e.site()
	e.issue(e.refs, rec)
	if !ok {
		e.sched.Exit() // there is no way on without a value; the check finds the mismatch
	}
	return rec.Value, e.bound(rec.Failure)
}

// MutableSideEffect implements command.Sink.
func (e *Executor) MutableSideEffect(id string, f func(last engine.Payload) (engine.Payload, bool, error)) (engine.Payload, error) {
	e.enter()
	m := e.past.effects[id]
	m.calls++
	rec := history.MutableSideEffectRecorded{ID: id, Call: m.calls}
	changed := false
	if e.replaying {
		rec, changed = e.past.mutables[mutableCall{id, m.calls}]
		if !changed && !m.known {
			e.refs++
			e.issue(e.refs, history.MutableSideEffectRecorded{ID: id, Call: m.calls, Site: e.site()})
			if e.explore != nil {
				e.past.effects[id] = m
				return nil, nil // the zero value
			}
			e.sched.Exit()
		}
	} else {
		var err error
		rec.Value, changed, err = f(m.last)
		rec.Failure = e.failure(err)
		changed = changed || err != nil
	}
	if changed {
		rec.Site = e.site()
		e.refs++
		e.issue(e.refs, rec)
		if rec.Failure == nil {
			m.last, m.known = rec.Value, true
		}
	}
	e.past.effects[id] = m
	return m.last, e.bound(rec.Failure)
}

func (e *Executor) failure(err error) *engine.Failure { return e.opts.Command.Sentinels.Failure(err) }

// bound is the error of a stored failure, nil for none.
func (e *Executor) bound(f *engine.Failure) error { return e.opts.Command.Sentinels.Bind(f) }

// unrecorded is the answer of Version at a point that history has passed
// without it.
const unrecorded = -1

// Version implements command.Sink.
func (e *Executor) Version(changeID string, lowest, highest int) int {
	e.enter()
	if e.explore != nil && !slices.Contains(e.explore.versions, changeID) {
		e.explore.versions = append(e.explore.versions, changeID)
	}
	v, known := e.past.versions[changeID]
	if !known {
		v = unrecorded
		if !e.replaying {
			v = highest
			e.issue(0, history.VersionMarked{ChangeID: changeID, Version: v, Site: e.site()})
		}
		e.past.versions[changeID] = v
	}
	if v < lowest || v > highest {
		e.Block(engine.BlockReason{
			Class:   engine.BlockVersion,
			Message: fmt.Sprintf("this execution has version %d of change %q, the code supports %d to %d", v, changeID, lowest, highest),
			Issued:  describe(0, history.VersionMarked{ChangeID: changeID, Version: highest, Site: callSite()}),
		})
	}
	e.SetTags(map[string]string{versionTag + changeID: strconv.Itoa(v)})
	return v
}

// versionTag begins the tags that tell which versions an execution runs with.
const versionTag = "version."

// Signals implements command.Sink. It is also called by the executor itself.
func (e *Executor) Signals(name string) *command.Signals {
	buf, ok := e.signals[name]
	if !ok {
		buf = &command.Signals{}
		e.signals[name] = buf
	}
	return buf
}

// Go implements command.Sink.
func (e *Executor) Go(name string, f func()) {
	e.enter()
	e.sched.Go(name, f)
}

// waitRecord is what a coroutine waits for, and since when; on is nil while it
// runs.
type waitRecord struct {
	on    command.Waiter
	since time.Time
	stack []uintptr // if stacks are kept
}

// waits returns the record of a coroutine, which keeps it. c is nil for a foreign
// goroutine, which Wait is about to end.
func waits(c *coro.Coroutine) *waitRecord {
	if c == nil {
		return &waitRecord{}
	}
	w, ok := c.Data.(*waitRecord)
	if !ok {
		w = &waitRecord{}
		c.Data = w
	}
	return w
}

// Wait implements command.Sink.
func (e *Executor) Wait(on command.Waiter) {
	e.enter()
	if on.Ready() {
		return
	}
	w := waits(e.sched.Current())
	w.on, w.since = on, e.now
	if e.stacks {
		w.stack = callers()
	}
	e.sched.Wait(on)
	w.on = nil
	e.enter()
}

// Block implements command.Sink.
func (e *Executor) Block(r engine.BlockReason) {
	if e.blocked == nil {
		if r.Seq == 0 {
			r.Seq, r.Event = e.seq, cmp.Or(r.Event, string(e.kind))
		}
		e.blocked = &BlockedError{Reason: r}
	}
	e.dead.Store(true)
	e.sched.Exit()
}

// OnCancel implements command.Sink.
func (e *Executor) OnCancel(f func(cause error)) { e.onCancel = f }

// Now implements command.Sink.
func (e *Executor) Now() time.Time { return e.now }

// Applied implements command.Sink. Recorded commands count on replay and do not
// live, but code runs only right after events that count both times.
func (e *Executor) Applied() int64 { return e.seq }

// Replaying implements command.Sink.
func (e *Executor) Replaying() bool { return e.replaying }

// Instance implements command.Sink.
func (e *Executor) Instance() engine.Instance { return e.opts.Instance }

// Parent implements command.Sink.
func (e *Executor) Parent() *history.Parent { return e.started.Parent }

// Workflow implements command.Sink.
func (e *Executor) Workflow() string { return e.started.Workflow }

// Headers implements command.Sink. Propagators find what propagators injected.
func (e *Executor) Headers() history.Headers {
	h, t := e.started.Headers, e.started.Trace
	if t == (history.Trace{}) {
		return h
	}
	h = maps.Clone(h)
	if h == nil {
		h = history.Headers{}
	}
	h["traceparent"] = t.Parent
	if t.State != "" {
		h["tracestate"] = t.State
	}
	return h
}

// Trace implements command.Sink.
func (e *Executor) Trace() history.Trace {
	if e.opts.Command.Trace != nil {
		if own := e.opts.Command.Trace(e.opts.Instance, e.started, 0); own != (history.Trace{}) {
			return own
		}
	}
	return e.started.Trace
}

// Details implements command.Sink.
func (e *Executor) Details() command.Details { return e.details }

// Unique implements command.Sink.
func (e *Executor) Unique() [16]byte {
	e.unique++
	seed := binary.BigEndian.AppendUint64([]byte(e.opts.Instance.ExecutionID+"\x00unique\x00"), e.unique)
	sum := sha256.Sum256(seed)
	return [16]byte(sum[:16])
}

// SetTags implements command.Sink.
func (e *Executor) SetTags(tags map[string]string) {
	changed := false
	for k, v := range tags {
		old, ok := e.tags[k]
		switch {
		case v == "" && ok:
			delete(e.tags, k)
		case v != "" && v != old:
			e.tags[k] = v
		default:
			continue
		}
		changed = true
	}
	if changed {
		e.step.Tags = maps.Clone(e.tags)
	}
}

// SetStatus implements command.Sink.
func (e *Executor) SetStatus(line string) {
	line = engine.FirstLine(line)
	e.step.StatusLine = &line
}

// Note implements command.Sink.
func (e *Executor) Note(v any) {
	e.step.Notes = append(e.step.Notes, v)
}

// Settings implements command.Sink.
func (e *Executor) Settings() command.Settings { return e.opts.Command }

// isCanceled reports whether err says that the execution gave way to a request
// to cancel it.
func (e *Executor) isCanceled(err error) bool {
	return e.canceled && errors.Is(err, engine.ErrCanceled)
}
