package tester

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// instance is one execution of a workflow.
type instance struct {
	id     engine.Instance
	name   string
	first  string // the execution that began the chain
	queue  engine.Queue
	parent *history.Parent
	mocked bool

	x       *executor.Executor
	inbox   []history.Event
	history []history.Event // as a store would return it
	bytes   int64
	final   history.Body
	ended   bool // also if it was terminated, or continued as new
	blocked bool
	waiting *engine.Waiting

	attempts map[int64]*attempt // the current one of each open activity
	timers   map[int64]*entry
	children map[int64]history.ChildScheduled
}

func (i *instance) open() bool { return !i.ended && !i.blocked }

// inOrder returns the open activities in the order in which they were asked for.
func (i *instance) inOrder() []*attempt {
	return slices.SortedFunc(maps.Values(i.attempts), func(a, b *attempt) int { return cmp.Compare(a.ref, b.ref) })
}

// describe says what i waits for.
func (i *instance) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", i.id.InstanceID, i.name)
	w := i.waiting
	if w == nil {
		b.WriteString(" has not begun")
		return b.String()
	}
	if w.Kind == engine.WaitOther && w.Name == "" {
		b.WriteString(" waits for a condition, a channel or a lock that nobody serves")
	} else {
		fmt.Fprintf(&b, " waits for %s", w.Kind)
		if w.Name != "" {
			fmt.Fprintf(&b, " %q", w.Name)
		}
	}
	if !w.Until.IsZero() {
		fmt.Fprintf(&b, " until %s", w.Until.Format("2006-01-02 15:04:05.999999999"))
	}
	return b.String()
}

// create makes an execution that has not run yet. The caller holds the lock.
func (w *world) create(id engine.Instance, started history.WorkflowStarted) *instance {
	i := &instance{
		id: id, name: started.Workflow, first: started.FirstExecution, queue: started.Queue, parent: started.Parent,
		attempts: map[int64]*attempt{}, timers: map[int64]*entry{}, children: map[int64]history.ChildScheduled{},
	}
	i.x, i.mocked = w.executor(i, false)
	w.instances[id.InstanceID] = i
	w.runs = append(w.runs, i)
	w.deliver(i, 0, started)
	return i
}

// executor returns an executor for i, and whether it runs a mock.
func (w *world) executor(i *instance, strict bool) (x *executor.Executor, mocked bool) {
	reg := w.reg
	if i.parent != nil && w.mocks.workflows.has(i.name) {
		reg, mocked = w.mocks.reg, true
	}
	limits := w.o.settings.Limits.OrDefault()
	return executor.New(executor.Options{
		Instance: i.id, Registry: reg, Command: w.o.settings.Command(w.reg),
		StepDeadline: w.o.settings.StepDeadline, Strict: strict || w.o.settings.Strict(i.name),
		MaxEvents: limits.HistoryEvents, MaxBytes: limits.HistoryBytes,
	}), mocked
}

// deliver puts an event into the inbox of an execution, if it is open. The caller
// holds the lock.
func (w *world) deliver(i *instance, ref int64, b history.Body) {
	if !i.open() {
		return
	}
	if len(i.inbox) == 0 {
		w.ready = append(w.ready, i)
	}
	i.inbox = append(i.inbox, history.Event{At: w.clock.time(), Ref: ref, Body: b})
	w.signalLoop()
}

// step makes a step of what i has in its inbox, and does what it asks for.
func (w *world) step(i *instance) {
	w.mu.Lock()
	in := executor.Input{Now: w.clock.time(), Worker: "tester", Build: "test", HistoryBytes: i.bytes, Events: i.inbox}
	i.inbox = nil
	open := i.open()
	w.mu.Unlock()
	if !open {
		return
	}
	step, err := i.x.Apply(in)
	if err == nil {
		err = i.record(step.Events)
	}
	if err != nil {
		w.block(i, err)
		return
	}
	w.log(i, step)
	w.mu.Lock()
	started := w.perform(i, step)
	listeners := slices.Clone(w.listeners)
	w.mu.Unlock()
	for _, child := range started {
		for _, listen := range listeners {
			listen(&engine.Instance{InstanceID: child.id.InstanceID, ExecutionID: child.id.ExecutionID}, child.name)
		}
	}
}

// record adds events to the history, as they come back from a store.
func (i *instance) record(events []history.Event) error {
	enc, err := history.Encode(events...)
	if err != nil {
		return err
	}
	stored, err := enc.Decode(int64(len(i.history)) + 1)
	if err != nil {
		return err
	}
	i.history = append(i.history, stored...)
	i.bytes += int64(len(enc))
	return nil
}

// block ends the run: an instance that nobody unblocks is not worth waiting for.
func (w *world) block(i *instance, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i.blocked = true
	if w.stuck == nil {
		w.stuck = fmt.Errorf("instance %s of workflow %q is blocked: %w", i.id.InstanceID, i.name, explain(err))
	}
}

func (w *world) log(i *instance, step executor.Step) {
	log := w.o.settings.Log().With("workflow", i.name, "instance_id", i.id.InstanceID)
	for _, warning := range step.Warnings {
		log.Warn(warning.Message)
	}
	for _, what := range step.Abandoned {
		log.Warn("the workflow returned while it was pending", "abandoned", what)
	}
}
