package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/history"
)

// attempt is one run of an activity function, with or without a row. Its outcome
// is settled once: by what the function returns, or before that by a timeout. A
// function that ignores its context keeps its slot until it returns, and what it
// returns then is dropped.
type attempt struct {
	w     *Worker
	owner owner
	start *start
	trace history.Trace // of the execution

	ctx     context.Context
	cancel  context.CancelCauseFunc
	settled atomic.Bool
	revoked atomic.Bool

	// task is what the function is told. Its Info has the instance, the workflow and
	// the queue from the beginning.
	task activity.State

	mu       sync.Mutex
	beat     engine.Payload // the last details
	unsaved  bool
	watchdog *time.Timer // of the heartbeat timeout
}

// owner takes the outcome of an attempt. revoked tells that the attempt was told
// to stop before. It returns a hold that the caller has to run, or nil.
type owner interface {
	ended(a *attempt, o outcome, revoked bool) *hold
}

func (w *Worker) newAttempt(o owner, of *author, s *start) *attempt {
	a := &attempt{w: w, owner: o, start: s, beat: s.details, trace: of.trace}
	a.task.Info.Instance, a.task.Info.Workflow, a.task.Info.Queue = of.instance, of.workflow, of.queue
	a.ctx, a.cancel = context.WithCancelCause(context.Background())
	return a
}

// perform runs an attempt and whatever comes of it.
func (w *Worker) perform(a *attempt) {
	if h := a.perform(); h != nil {
		w.drive(h)
	}
}

// perform calls the function and hands its outcome to the owner. It returns a hold
// that the caller has to run, or nil. Once what runs is being given away, nothing
// begins any more: a step whose commit was under way, or a claim, may have come
// back late, and its attempt goes to another worker as if it had never been here.
func (a *attempt) perform() (run *hold) {
	if a.w.cutoff.Load() {
		a.w.acts.leave(1)
		return nil
	}
	a.task.Info.Started = a.w.clock.now()
	a.watch()
	returned := false
	defer func() {
		if !returned {
			// The function called runtime.Goexit: this goroutine is at its end.
			go func() {
				a.w.acts.leave(1)
				if h := a.settle(nil, errGoexit); h != nil {
					a.w.drive(h)
				}
			}()
		}
	}()
	result, err := a.call()
	returned = true
	a.w.acts.leave(1)
	return a.settle(result, err)
}

// errGoexit is the failure of an activity that ends its goroutine. Another attempt
// would do the same.
var errGoexit = engine.NewPermanentError(errors.New("the activity called runtime.Goexit, which is what t.FailNow and t.Skip do"))

// call runs the function. The propagators are foreign code too.
func (a *attempt) call() (result engine.Payload, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = engine.NewPanicError(v, string(debug.Stack()))
		}
	}()
	if a.revoked.Load() { // told to stop before it began
		return nil, context.Cause(a.ctx)
	}
	fn, err := a.w.registry.Activity(a.start.body.Name)
	if err != nil {
		return nil, err
	}
	ctx, err := a.w.settings.Extract(a.ctx, a.headers())
	if err != nil {
		return nil, err
	}
	return fn.Call(activity.NewContext(a.context(ctx), a.state()), a.w.payloads, a.start.body.Args)
}

// headers are what the propagators injected, the trace context included.
func (a *attempt) headers() history.Headers {
	b := a.start.body
	if b.Trace == (history.Trace{}) || len(a.w.settings.Propagators) == 0 {
		return b.Headers
	}
	h := history.Headers{"traceparent": b.Trace.Parent}
	if b.Trace.State != "" {
		h["tracestate"] = b.Trace.State
	}
	maps.Copy(h, b.Headers)
	return h
}

func (a *attempt) state() *activity.State {
	b := a.start.body
	info := &a.task.Info
	info.Activity, info.ID, info.Ref, info.Attempt = b.Name, b.ID, a.start.ref, a.start.attempt
	info.Scheduled, info.HeartbeatTimeout = a.start.scheduled, b.Timeouts.Heartbeat
	info.Worker, info.Build = a.w.id, a.w.build
	info.Deadline, _ = a.ctx.Deadline()
	a.task.Logger, a.task.Payloads, a.task.Details, a.task.Heartbeat = a.w.log, a.w.payloads, a.start.details, a.record
	a.task.LogAttrs = a.w.logAttrs
	return &a.task
}

// watch begins the timeouts of the attempt.
func (a *attempt) watch() {
	t := a.start.body.Timeouts
	if t.StartToClose <= 0 && t.Heartbeat <= 0 {
		return
	}
	release := func() {}
	if t.StartToClose > 0 {
		err := timeoutError(a.start.body.Name, "StartToClose", t.StartToClose)
		a.ctx, release = context.WithTimeoutCause(a.ctx, t.StartToClose, err)
	}
	if t.Heartbeat > 0 {
		err := timeoutError(a.start.body.Name, "Heartbeat", t.Heartbeat)
		a.mu.Lock()
		a.watchdog = time.AfterFunc(t.Heartbeat, func() { a.cancel(err) })
		a.mu.Unlock()
	}
	context.AfterFunc(a.ctx, func() {
		release()
		a.timeOut()
	})
}

// timeOut settles an attempt whose context ended because of a timeout.
func (a *attempt) timeOut() {
	if err := a.timedOut(); err != nil {
		if h := a.settle(nil, err); h != nil {
			a.w.drive(h)
		}
	}
}

// timedOut returns the timeout that ended the context, or nil.
func (a *attempt) timedOut() error {
	var t *timeout
	if err := context.Cause(a.ctx); errors.As(err, &t) {
		return err
	}
	return nil
}

// overran returns the timeout that would have ended an attempt in between, if its
// context had not ended before: then nobody watched its time.
func (a *attempt) overran() error {
	limit := a.start.body.Timeouts.StartToClose
	if limit > 0 && a.revoked.Load() && a.w.clock.now().Sub(a.task.Info.Started) >= limit {
		return timeoutError(a.start.body.Name, "StartToClose", limit)
	}
	return nil
}

// settle hands the outcome to the owner, if nobody has before.
func (a *attempt) settle(result engine.Payload, err error) *hold {
	var timedOut error
	if err == nil {
		err = a.overran()
	} else {
		timedOut = a.timedOut()
	}
	first := a.settled.CompareAndSwap(false, true)
	a.mu.Lock()
	if a.watchdog != nil {
		a.watchdog.Stop()
	}
	a.mu.Unlock()
	a.cancel(context.Canceled)
	if !first {
		return nil
	}
	o := outcome{result: result, at: a.w.clock.now(), run: history.Run{
		Attempt: a.start.attempt, Scheduled: a.start.scheduled, Started: a.task.Info.Started, Worker: a.w.id, Build: a.w.build,
	}}
	if err != nil {
		// The function may be quicker to return than the timeout to settle.
		o.result, o.failure = nil, a.w.settings.Errors.Failure(cmp.Or(timedOut, err))
	}
	return a.owner.ended(a, o, a.revoked.Load())
}

// revoke tells the function to stop, and why. What it fails with afterwards says
// nothing about the activity.
func (a *attempt) revoke(cause error) {
	a.revoked.Store(true)
	a.cancel(cause)
}

// details returns what the attempt reported last.
func (a *attempt) details() engine.Payload {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.beat
}

// record is what activity.Heartbeat calls. The keeper stores the details.
func (a *attempt) record(_ context.Context, details engine.Payload) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if details != nil {
		a.beat, a.unsaved = details, true
	}
	if a.watchdog != nil && !a.settled.Load() {
		a.watchdog.Reset(a.start.body.Timeouts.Heartbeat)
	}
	return nil
}

// takeUnsaved returns details that the store does not have yet, or nil.
func (a *attempt) takeUnsaved() engine.Payload {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.unsaved {
		return nil
	}
	a.unsaved = false
	return a.beat
}

// timeout is the error of an activity that ran out of time. It is retried as the
// activity's policy says.
type timeout struct {
	activity string
	name     string // of the option
	limit    time.Duration
}

func timeoutError(name, option string, limit time.Duration) error {
	return &timeout{name, option, limit}
}

func (t *timeout) Error() string {
	return fmt.Sprintf("activity %s: %s timeout of %v passed", t.activity, t.name, t.limit)
}

// Unwrap returns activity.ErrTimedOut.
func (t *timeout) Unwrap() error { return activity.ErrTimedOut }

// restore marks details as unsaved again, after storing them failed.
func (a *attempt) restore(details engine.Payload) {
	if details == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unsaved = true
}
