package tester

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// world is all that a tester simulates: instances, activities and a clock.
//
// One goroutine, that of Execute, runs its loop and is the only one that runs
// workflow code. Activities run in goroutines of their own, and together with
// callers of the tester's methods they only put something down for the loop, under
// the lock. The lock is never held while code of the user runs.
type world struct {
	o        options
	reg      *registry.Registry
	payloads engine.Payloads
	mocks    *mocks
	root     workflow.Workflow
	jitter   *rand.Rand

	mu        sync.Mutex
	clock     clock
	instances map[string]*instance // the latest of each InstanceID
	runs      []*instance          // all executions, in the order of their start
	rootID    engine.Instance
	early     []history.Event // for the root, from before Execute
	ready     []*instance     // with something in their inbox, first come first served
	listeners []func(*workflow.Instance, string)

	queued   []*attempt // activities to start, in order
	held     map[*attempt]struct{}
	heldFrom time.Time // in reality, when the first of held began
	running  int       // activities that run and don't sleep
	ended    []*attempt
	all      sync.WaitGroup // of their goroutines

	wake     chan struct{}   // something was put down
	ctx      context.Context // of Execute, with the test timeout
	executed bool
	mistake  error // of the test or the workflow; the first one
	stuck    error // why the root has not ended
	goexit   bool  // a mock or an activity has called t.FailNow
}

func newWorld(root workflow.Workflow, o options) *world {
	w := &world{
		o: o, reg: registry.New(), payloads: o.settings.Payloads(), root: root,
		jitter:    rand.New(rand.NewPCG(1, 2)), //nolint:gosec // the same in every run
		clock:     newClock(o),
		instances: map[string]*instance{},
		held:      map[*attempt]struct{}{},
		wake:      make(chan struct{}, 1),
		stuck:     errors.New("Execute was not called"),
	}
	w.mocks = newMocks(w.fail)
	if err := o.settings.Check(); err != nil {
		w.fail(err)
	}
	if _, name := root.(string); !name {
		if err := w.reg.RegisterWorkflow(root); err != nil {
			w.fail(err)
		}
	}
	return w
}

// fail notes a mistake that ends the run. Only the first one counts.
func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mistake == nil {
		w.mistake = err
	}
	w.signalLoop()
}

// signalLoop makes the loop look around.
func (w *world) signalLoop() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock.time()
}

func (w *world) Registry() *registry.Registry { return w.reg }

func (w *world) ActivityMock() *mock.Mock { return &w.mocks.activities.Mock }

func (w *world) OnActivity(activity workflow.Activity, args ...any) *mock.Call {
	return w.mocks.activities.on(nameOf(w.reg.ResolveActivity, activity), activity, args)
}

func (w *world) OnActivityByName(name string, activity workflow.Activity, args ...any) *mock.Call {
	return w.mocks.activities.on(name, activity, args)
}

func (w *world) OnSubWorkflow(wf workflow.Workflow, args ...any) *mock.Call {
	return w.mocks.workflows.on(nameOf(w.reg.ResolveWorkflow, wf), wf, args)
}

func (w *world) OnSubWorkflowByName(name string, wf workflow.Workflow, args ...any) *mock.Call {
	return w.mocks.workflows.on(name, wf, args)
}

func (w *world) ScheduleCallback(delay time.Duration, callback func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.after(delay, callback)
	w.signalLoop()
}

func (w *world) ListenSubWorkflow(listener func(*workflow.Instance, string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listeners = append(w.listeners, listener)
}

func (w *world) CancelWorkflow() { w.toRoot(history.CancelRequested{}) }

func (w *world) CancelWorkflowInstance(wfi *workflow.Instance) error {
	if err := w.toInstance(wfi, history.CancelRequested{}); err != nil {
		return fmt.Errorf("canceling %w", err)
	}
	return nil
}

func (w *world) SignalWorkflow(signalName string, value any) {
	signal, err := w.signal(signalName, value)
	if err != nil {
		w.fail(err)
		return
	}
	w.toRoot(signal)
}

func (w *world) SignalWorkflowInstance(wfi *workflow.Instance, signalName string, value any) error {
	signal, err := w.signal(signalName, value)
	if err != nil {
		return err
	}
	if err := w.toInstance(wfi, signal); err != nil {
		return fmt.Errorf("signaling %w", err)
	}
	return nil
}

func (w *world) signal(name string, value any) (history.SignalReceived, error) {
	if err := engine.CheckName("signal name", name); err != nil {
		return history.SignalReceived{}, err
	}
	p, err := w.payloads.Encode(fmt.Sprintf("value of signal %q", name), value)
	return history.SignalReceived{Name: name, Arg: p}, err
}

// toRoot delivers to the workflow under test. What comes after its end is lost: the
// caller can't be told.
func (w *world) toRoot(b history.Body) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.executed {
		w.early = append(w.early, history.Event{At: w.clock.time(), Body: b})
		return
	}
	if i := w.instances[w.rootID.InstanceID]; i != nil {
		w.deliver(i, 0, b)
	}
}

func (w *world) toInstance(wfi *workflow.Instance, b history.Body) error {
	if wfi == nil {
		return fmt.Errorf("a nil instance: %w", engine.ErrInvalidArgument)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.instances[wfi.InstanceID]
	if i == nil || !i.open() {
		return fmt.Errorf("%s: %w", wfi.InstanceID, engine.ErrInstanceNotFound)
	}
	w.deliver(i, 0, b)
	return nil
}

func (w *world) rootName() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := w.instances[w.rootID.InstanceID]; i != nil {
		return i.name
	}
	return nameOf(w.reg.ResolveWorkflow, w.root)
}

func (w *world) WorkflowFinished() bool {
	_, err := w.end()
	return err == nil
}

// end returns the event that the workflow under test ended with, or why it has not.
func (w *world) end() (history.Body, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mistake != nil {
		return nil, w.mistake
	}
	if i := w.instances[w.rootID.InstanceID]; i != nil && i.final != nil {
		return i.final, nil
	}
	return nil, w.stuck
}

func (w *world) result() (engine.Payload, error) {
	end, err := w.end()
	if err != nil {
		return nil, err
	}
	switch end := end.(type) {
	case history.WorkflowCompleted:
		return end.Result, nil
	case history.WorkflowFailed:
		return nil, w.o.settings.Errors.Bind(end.Failure)
	case history.WorkflowCanceled:
		return nil, w.o.settings.Errors.Bind(end.Failure)
	default:
		return nil, fmt.Errorf("workflow %q ended with %s", w.rootName(), end.Kind())
	}
}

func (w *world) AssertExpectations(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	mistake := w.mistake
	w.mu.Unlock()
	if mistake != nil && w.o.tb == nil {
		t.Errorf("tester: %v", mistake)
	}
	w.mocks.activities.AssertExpectations(t)
	w.mocks.workflows.AssertExpectations(t)
}
