package tester

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

var errTestTimeout = errors.New("test timeout")

func (w *world) Execute(ctx context.Context, args ...any) {
	if w.o.tb != nil {
		w.o.tb.Helper()
	}
	if w.o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.o.timeout, errTestTimeout)
		defer cancel()
	}
	defer w.close()
	if w.begin(ctx, args) {
		w.loop()
		w.halt()
		w.verify()
	}
	w.report()
}

// begin starts the workflow under test.
func (w *world) begin(ctx context.Context, args []any) bool {
	started, err := w.startedEvent(ctx, args)
	if err != nil {
		w.fail(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.executed {
		w.mistake = errors.New("Execute was called twice; make a tester for each run")
	}
	if w.mistake != nil {
		return false
	}
	w.ctx, w.executed, w.stuck = ctx, true, nil
	w.rootID = engine.Instance{InstanceID: "test-instance", ExecutionID: "test-execution"}
	started.FirstExecution = w.rootID.ExecutionID
	i := w.create(w.rootID, started)
	for _, e := range w.early {
		w.deliver(i, 0, e.Body)
	}
	return true
}

func (w *world) startedEvent(ctx context.Context, args []any) (history.WorkflowStarted, error) {
	started := history.WorkflowStarted{Queue: engine.QueueDefault}
	var err error
	if started.Workflow, err = w.reg.ResolveWorkflow(w.root, args); err != nil {
		return started, err
	}
	if _, err := w.reg.Workflow(started.Workflow); err != nil {
		return started, fmt.Errorf("the workflow under test: %w", err)
	}
	for n, a := range args {
		p, err := w.payloads.Encode(fmt.Sprintf("argument %d of workflow %q", n+1, started.Workflow), a)
		if err != nil {
			return started, err
		}
		started.Args = append(started.Args, p)
	}
	started.Headers, err = w.o.settings.Inject(ctx)
	return started, err
}

// loop does one thing after another until the workflow under test has ended and
// what that brings about is done, or until there is nothing left to do.
func (w *world) loop() {
	for w.proceed() {
		switch {
		case w.collect():
		case w.runReady():
		case w.awaitHeld():
		case w.startQueued():
		case w.rootEnded():
			return
		case w.runDue():
		case !w.passTime():
			return
		}
	}
}

// proceed reports whether the run goes on.
func (w *world) proceed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mistake != nil || w.stuck != nil || w.goexit {
		return false
	}
	if w.ctx.Err() == nil {
		return true
	}
	if cause := context.Cause(w.ctx); errors.Is(cause, errTestTimeout) {
		w.stuck = w.unfinished(fmt.Sprintf("did not finish within %s of real time", w.o.timeout))
	} else {
		w.stuck = fmt.Errorf("the context of Execute: %w", cause)
	}
	return false
}

// collect delivers what activities have come to.
func (w *world) collect() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ended) == 0 {
		return false
	}
	for _, a := range w.ended {
		w.conclude(a)
	}
	w.ended = nil
	return true
}

// runReady makes a step of the instance that has waited for it longest.
func (w *world) runReady() bool {
	w.mu.Lock()
	if len(w.ready) == 0 {
		w.mu.Unlock()
		return false
	}
	i := w.ready[0]
	w.ready = w.ready[1:]
	w.mu.Unlock()
	w.step(i)
	return true
}

// awaitHeld waits for activities that hold up all else. One may have ended since
// collect found none: nothing else may begin before that is delivered.
func (w *world) awaitHeld() bool {
	w.mu.Lock()
	if len(w.held) == 0 || len(w.ended) > 0 {
		late := len(w.ended) > 0
		w.mu.Unlock()
		return late
	}
	left := w.o.patience - time.Since(w.heldFrom)
	if w.o.patience < 0 {
		left = w.o.patience
	} else if left <= 0 {
		clear(w.held)
		w.mu.Unlock()
		return true
	}
	w.mu.Unlock()
	w.sleep(left)
	return true
}

// startQueued starts the next activity: one, or with the real clock all.
func (w *world) startQueued() bool {
	w.mu.Lock()
	if len(w.queued) == 0 {
		w.mu.Unlock()
		return false
	}
	a := w.queued[0]
	w.queued = w.queued[1:]
	w.mu.Unlock()
	w.start(a)
	return true
}

func (w *world) rootEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.instances[w.rootID.InstanceID].final != nil
}

func (w *world) runDue() bool {
	w.mu.Lock()
	e := w.clock.takeDue()
	w.mu.Unlock()
	if e == nil {
		return false
	}
	e.run()
	return true
}

// passTime lets time pass until something is due or comes in. It returns false if
// nothing ever will.
func (w *world) passTime() bool {
	w.mu.Lock()
	next := w.clock.next()
	switch {
	case len(w.ended) > 0: // since collect
		w.mu.Unlock()
		return true
	case next == nil && !w.clock.wall && w.running == 0:
		w.stuck = w.unfinished("can't go on: nothing is left that could happen")
		w.mu.Unlock()
		return false
	case next != nil && !w.clock.wall:
		w.clock.now = next.at
		w.mu.Unlock()
		return true
	}
	left := time.Duration(-1)
	if next != nil {
		left = next.at.Sub(w.clock.time())
	}
	w.mu.Unlock()
	w.sleep(left)
	return true
}

// sleep waits in reality until something is put down, or for d unless it is
// negative.
func (w *world) sleep(d time.Duration) {
	var over <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-w.wake:
	case <-over:
	case <-w.ctx.Done():
	}
}

// unfinished says why the workflow under test has not ended, and what everything
// waits for.
func (w *world) unfinished(why string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "workflow %q %s", w.instances[w.rootID.InstanceID].name, why)
	for _, i := range w.runs {
		if i.open() {
			fmt.Fprintf(&b, "\n\t%s", i.describe())
		}
		for _, a := range i.inOrder() {
			if line := a.describe(); line != "" {
				fmt.Fprintf(&b, "\n\t%s", line)
			}
		}
	}
	return errors.New(b.String())
}

// halt cancels the activities that still run and waits for them, as long as is
// bearable.
func (w *world) halt() {
	w.mu.Lock()
	for _, i := range w.runs {
		for _, a := range i.inOrder() {
			w.dropAttempt(i, a.ref)
		}
	}
	w.mu.Unlock()
	patience := w.o.patience
	if patience < 0 {
		patience = DefaultPatience
	}
	done := make(chan struct{})
	go func() {
		w.all.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		w.o.settings.Log().Warn("activities did not return although their context was canceled")
	}
}

// close ends what still runs.
func (w *world) close() {
	if w.ctx == nil {
		return
	}
	for _, i := range w.runs {
		i.x.Close()
	}
}

// report tells the test of a mistake.
func (w *world) report() {
	w.mu.Lock()
	err, goexit := w.mistake, w.goexit
	w.mu.Unlock()
	switch {
	case goexit:
		runtime.Goexit()
	case err == nil:
	case w.o.tb != nil:
		w.o.tb.Helper()
		w.o.tb.Errorf("tester: %v", err)
	default:
		panic(fmt.Sprintf("tester: %v", err))
	}
}
