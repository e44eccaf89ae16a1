package scenarios

import (
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

// op is one instruction of a program that an instance of a random schedule runs. A
// program is the argument of its instance. What it comes to depends on itself and
// on the signals alone, so that it can be told beforehand.
type op struct {
	Kind string `json:"kind"`
	// ID is used once in a schedule. It also names a child, a signal or a change.
	ID string `json:"id,omitempty"`
	// N is how often, Wait how long.
	N     int                        `json:"n,omitempty"`
	Wait  time.Duration              `json:"wait,omitempty"`
	Delay time.Duration              `json:"delay,omitempty"` // between attempts
	Queue engine.Queue               `json:"queue,omitempty"`
	Close workflow.ParentClosePolicy `json:"close,omitempty"`
	// Deaf activities don't look at their contexts.
	Deaf bool `json:"deaf,omitempty"`
	// Parts are branches, or the program of a child.
	Parts [][]op `json:"parts,omitempty"`
}

// The instructions. What each comes to is in instructions.
const (
	opWork     = "work"     // an activity that fails N times and then succeeds
	opBeat     = "beat"     // one that reports how far it is, and goes on from there
	opOnce     = "once"     // one that must not be run again
	opBroken   = "broken"   // one that fails for good
	opLate     = "late"     // one that takes longer than it may
	opShort    = "short"    // one whose attempts take longer than they may
	opUnserved = "unserved" // one on a queue that nobody serves
	opMany     = "many"     // N at a time
	opAll      = "all"      // branches
	opSleep    = "sleep"
	opTake     = "take"   // N signals
	opEither   = "either" // a signal before a timer
	opRace     = "race"   // a timer before a signal
	opChild    = "child"  // a child that is waited for
	opLoose    = "loose"  // one that is not
	opNotify   = "notify" // a child that waits for N signals of its parent
	opTaken    = "taken"  // a child whose id is taken
	opNobody   = "nobody" // a signal to nobody
	opEffect   = "effect"
	opVersion  = "version"
	opCancel   = "cancel"  // everything that can be canceled
	opAgain    = "again"   // continue as new with the rest
	opForever  = "forever" // until canceled
	opQuit     = "quit"    // fail
)

// outcome is what a program has come to.
type outcome struct {
	Lines []string `json:"lines"`
	// Receipts are the numbers of the runs whose results were received, by op.
	Receipts map[string]int64 `json:"receipts"`
}

// machine interprets one program.
type machine struct {
	highest int // version of every change
	out     outcome
	now     time.Time
}

// interpreter is the workflow function of a build that knows versions up to
// highest.
func interpreter(highest int) func(workflow.Context, []op, outcome) (outcome, error) {
	return func(ctx workflow.Context, ops []op, out outcome) (outcome, error) {
		m := &machine{highest: highest, out: out}
		if m.out.Receipts == nil {
			m.out.Receipts = map[string]int64{}
		}
		err := m.program(ctx, ops)
		if ctx.Err() != nil && errors.Is(err, workflow.Canceled) {
			clean := workflow.NewDisconnectedContext(ctx)
			_, failed := m.activity(clean, op{Kind: opWork, ID: cleanup(workflow.WorkflowInstance(ctx).InstanceID)})
			err = errors.Join(err, failed)
		}
		return m.out, err
	}
}

// cleanup is the op that a canceled instance ends with.
func cleanup(instanceID string) string { return instanceID + " cleanup" }

func (m *machine) program(ctx workflow.Context, ops []op) error {
	for k, o := range ops {
		if o.Kind == opAgain {
			return workflow.ContinueAsNew(ctx, ops[k+1:], m.out)
		}
		lines, err := m.do(ctx, o)
		if err != nil {
			return err
		}
		m.out.Lines = append(m.out.Lines, lines...)
	}
	return nil
}

func (m *machine) do(ctx workflow.Context, o op) ([]string, error) {
	if now := workflow.Now(ctx); now.Before(m.now) {
		return nil, fmt.Errorf("%s: the clock went from %s back to %s", o.ID, m.now, now)
	}
	m.now = workflow.Now(ctx)
	lines, err := m.run(ctx, o)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errQuit) {
		err = fmt.Errorf("%s %s: %w", o.Kind, o.ID, err)
	}
	return lines, err
}

func (m *machine) run(ctx workflow.Context, o op) ([]string, error) {
	switch o.Kind {
	case opWork, opBeat, opOnce, opBroken, opLate, opShort, opUnserved:
		return m.activity(ctx, o)
	case opMany:
		return m.many(ctx, o)
	case opAll:
		return m.all(ctx, o)
	case opTake, opEither, opRace, opSleep, opForever:
		return m.wait(ctx, o)
	case opChild, opLoose, opNotify:
		return m.child(ctx, o)
	case opCancel:
		return m.cancel(ctx, o)
	case opTaken, opNobody:
		return m.refused(ctx, o)
	case opEffect:
		return m.effect(ctx, o)
	case opVersion:
		return m.version(ctx, o)
	case opQuit:
		return nil, errQuit
	}
	return nil, fmt.Errorf("no instruction %q", o.Kind)
}

var errQuit = errors.New("quit")

// many attempts are more than a schedule can use up. permanent, in place of how
// often an activity fails, is for good.
const (
	many      = 1000
	permanent = -1
)

func (m *machine) activity(ctx workflow.Context, o op) ([]string, error) {
	opts := workflow.ActivityOptions{Queue: o.Queue, RetryOptions: workflow.RetryOptions{MaxAttempts: many, FirstRetryInterval: o.Delay}}
	name := "work"
	switch o.Kind {
	case opOnce:
		opts.RetryOptions.MaxAttempts = 1
	case opBroken:
		opts.RetryOptions.MaxAttempts = 3
	case opBeat:
		name, opts.Heartbeat = "beat", time.Minute
	case opLate:
		name, opts.ScheduleToClose = "hang", o.Wait
	case opShort:
		opts.StartToClose, opts.RetryOptions.MaxAttempts = o.Wait/2, 2
	case opUnserved:
		opts.ScheduleToStart = o.Wait
	}
	run, err := workflow.ExecuteActivity[int64](ctx, opts, name, o.ID, o.N, o.Wait, o.Deaf).Get(ctx)
	switch {
	case err == nil:
		m.out.Receipts[o.ID] = run
		return []string{o.ID}, nil
	case ctx.Err() != nil:
		return nil, err
	case errors.Is(err, engine.ErrWorkerLost) && (o.Kind == opOnce || o.Kind == opShort):
		return []string{o.ID + " lost"}, nil
	case errors.Is(err, engine.ErrTimeout) && (o.Kind == opLate || o.Kind == opShort || o.Kind == opUnserved):
		return []string{o.ID + " timeout"}, nil
	case o.Kind == opBroken:
		return []string{o.ID + " failed"}, nil
	}
	return nil, err
}

// many runs N activities at a time, more than some workers have slots for.
func (m *machine) many(ctx workflow.Context, o op) ([]string, error) {
	opts := workflow.ActivityOptions{Queue: o.Queue, RetryOptions: workflow.RetryOptions{MaxAttempts: many}}
	all := make([]workflow.Future[int64], o.N)
	for k := range all {
		all[k] = workflow.ExecuteActivity[int64](ctx, opts, "work", fmt.Sprint(o.ID, ".", k), 0, o.Wait, o.Deaf)
	}
	for k, f := range all {
		run, err := f.Get(ctx)
		if err != nil {
			return nil, err
		}
		m.out.Receipts[fmt.Sprint(o.ID, ".", k)] = run
	}
	return []string{o.ID}, nil
}

// refused asks for what the store refuses.
func (m *machine) refused(ctx workflow.Context, o op) ([]string, error) {
	want := engine.ErrInstanceNotFound
	var err error
	if o.Kind == opTaken {
		want = engine.ErrInstanceAlreadyExists
		own := workflow.SubWorkflowOptions{InstanceID: workflow.WorkflowInstance(ctx).InstanceID}
		_, err = workflow.CreateSubWorkflowInstance[any](ctx, own, chaosWorkflow, []op{}, outcome{}).Get(ctx)
	} else {
		_, err = workflow.SignalWorkflow(ctx, "nobody", o.ID, 1).Get(ctx)
	}
	if errors.Is(err, want) {
		return []string{o.ID + " refused"}, nil
	}
	return nil, fmt.Errorf("it was not refused: %w", err)
}

// all runs branches side by side. Their lines come in the order of the branches.
func (m *machine) all(ctx workflow.Context, o op) ([]string, error) {
	lines, errs := make([][]string, len(o.Parts)), make([]error, len(o.Parts))
	wg := workflow.NewWaitGroup()
	wg.Add(len(o.Parts))
	for k, part := range o.Parts {
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer wg.Done()
			for _, o := range part {
				more, err := m.do(ctx, o)
				if err != nil {
					errs[k] = err
					return
				}
				lines[k] = append(lines[k], more...)
			}
		})
	}
	wg.Wait(ctx)
	var all []string
	for _, l := range lines {
		all = append(all, l...)
	}
	return all, errors.Join(errs...)
}

// never is longer than any schedule.
const never = 1000 * time.Hour

func (m *machine) wait(ctx workflow.Context, o op) (lines []string, err error) {
	signals := workflow.NewSignalChannel[int](ctx, o.ID)
	got := func(_ workflow.Context, v int, _ bool) { lines = append(lines, fmt.Sprintf("%s=%d", o.ID, v)) }
	switch o.Kind {
	case opSleep:
		return nil, workflow.Sleep(ctx, o.Wait)
	case opTake:
		for range o.N {
			v, ok := signals.Receive(ctx)
			got(ctx, v, ok)
		}
		return lines, nil
	case opForever:
		return nil, workflow.Sleep(ctx, never)
	}
	timers, stop := workflow.WithCancel(ctx)
	defer stop()
	limit := never
	if o.Kind == opRace {
		limit = o.Wait
	}
	workflow.Select(ctx,
		workflow.Receive(signals, got),
		workflow.Await(workflow.ScheduleTimer(timers, limit), func(ctx workflow.Context, f workflow.Future[any]) {
			_, err = f.Get(ctx)
			lines = append(lines, o.ID+" timer")
		}))
	return lines, err
}

func (m *machine) child(ctx workflow.Context, o op) ([]string, error) {
	opts := workflow.SubWorkflowOptions{InstanceID: o.ID, ParentClosePolicy: o.Close, Queue: o.Queue}
	f := workflow.CreateSubWorkflowInstance[outcome](ctx, opts, chaosWorkflow, o.Parts[0], outcome{})
	if o.Kind == opLoose {
		return []string{o.ID}, nil
	}
	if o.Kind == opNotify {
		for k := range o.N {
			// Not waited for one by one: they have to keep their order all the same.
			workflow.SignalWorkflow(ctx, o.ID, o.ID, k+1)
		}
	}
	out, err := f.Get(ctx)
	if err != nil && errorMessage(err) == errQuit.Error() { // also of one that was to be canceled
		return []string{o.ID + " failed"}, nil
	}
	return out.Lines, err
}

// errorMessage is the message of an error that crossed the durable boundary.
func errorMessage(err error) string {
	if f, ok := errors.AsType[*workflow.Error](err); ok {
		return f.Message
	}
	return ""
}

// cancel starts what would never end, and cancels it.
func (m *machine) cancel(ctx workflow.Context, o op) ([]string, error) {
	inner, stop := workflow.WithCancel(ctx)
	opts := workflow.ActivityOptions{Queue: o.Queue, RetryOptions: workflow.RetryOptions{MaxAttempts: many}}
	act := workflow.ExecuteActivity[int64](inner, opts, "hang", o.ID, 0, time.Duration(0), false)
	timer := workflow.ScheduleTimer(inner, never)
	child := workflow.CreateSubWorkflowInstance[outcome](inner, workflow.SubWorkflowOptions{InstanceID: o.ID}, chaosWorkflow, o.Parts[0], outcome{})
	err := workflow.Sleep(ctx, o.Wait)
	stop()
	if err != nil {
		return nil, err
	}
	_, errAct := act.Get(ctx)
	_, errTimer := timer.Get(ctx)
	_, errChild := child.Get(ctx)
	for what, err := range map[string]error{"activity": errAct, "timer": errTimer, "child": errChild} {
		if !errors.Is(err, workflow.Canceled) {
			return nil, fmt.Errorf("the canceled %s ended with %w", what, err)
		}
	}
	return []string{o.ID + " canceled"}, nil
}

// effect takes values that are not the same twice and has an activity say whether
// they are later what they were.
func (m *machine) effect(ctx workflow.Context, o op) ([]string, error) {
	side, err := workflow.SideEffect(ctx, func(workflow.Context) string { return engine.NewID() }).Get(ctx)
	if err != nil {
		return nil, err
	}
	mutable, err := workflow.MutableSideEffect(ctx, o.ID, func(workflow.Context) string { return engine.NewID() }, nil).Get(ctx)
	if err != nil {
		return nil, err
	}
	before := fmt.Sprint(side, mutable, workflow.NewUUID(ctx), workflow.Rand(ctx).Int())
	after, err := workflow.ExecuteActivity[string](ctx, workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: many}}, "echo", o.ID, before).Get(ctx)
	if err != nil || before == after {
		return []string{o.ID + " same"}, err
	}
	return []string{fmt.Sprintf("%s went out as %s and came back as %s", o.ID, before, after)}, nil
}

// version is code that was changed: version 2 does something more.
func (m *machine) version(ctx workflow.Context, o op) ([]string, error) {
	v := workflow.Version(ctx, o.ID, 1, m.highest)
	if v > 1 {
		if _, err := m.activity(ctx, op{Kind: opWork, ID: o.ID}); err != nil {
			return nil, err
		}
	}
	return []string{fmt.Sprintf("%s v%d", o.ID, v)}, nil
}
