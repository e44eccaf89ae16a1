package client

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// IDReuse says what happens when the InstanceID is known already.
type IDReuse = backend.IDReuse

// The closed set of id-reuse policies.
const (
	// IDReuseFinished allows a new execution once the last one has ended. It is
	// the default.
	IDReuseFinished = backend.IDReuseFinished
	// IDReuseReject refuses an id that was ever used and not removed.
	IDReuseReject = backend.IDReuseReject
	// IDReuseTerminate terminates an open execution first.
	IDReuseTerminate = backend.IDReuseTerminate
	// IDReuseReturn answers with the open execution, or else starts a new one.
	IDReuseReturn = backend.IDReuseReturn
)

// WorkflowInstanceOptions say how an instance is started.
type WorkflowInstanceOptions struct {
	// InstanceID names the instance. Empty means a random one.
	InstanceID string
	// Queue of the workers that shall run it. Empty means engine.QueueDefault.
	Queue engine.Queue
	// IDReuse is IDReuseFinished if empty.
	IDReuse IDReuse
	// StartDelay postpones the start. A signal or a cancel starts it at once.
	StartDelay time.Duration
	// ExecutionTimeout bounds the run, with all it continues as; it counts from
	// the end of StartDelay. 0 means no bound. A run out of time fails with an
	// error that is engine.ErrTimeout.
	ExecutionTimeout time.Duration
	// Tags are stored beside the instance, for filters.
	Tags map[string]string
}

// CreateWorkflowInstance starts an instance of the workflow wf, a function or a
// name, and returns once that is durable. Number and types of args are checked
// against the function where it is known.
//
// A function stands for its name, so a program that only starts workflows needs no
// registry. Whether there is a worker for the name does not matter then: the
// instance waits for one, and Describe says so. A client that has a registry, be it
// of an orchestrator, takes a name that is missing there for a mistake, unless a
// worker that was alive half a minute ago registers it; only then it asks the store.
// Such a client should not start workflows of programs that may be down: use one
// without a registry for these.
//
// The error is engine.ErrInstanceAlreadyExists if the id is taken under
// options.IDReuse, engine.ErrNotRegistered for a workflow that is unknown as above,
// and engine.ErrInvalidArgument for that and anything else that can't be meant or
// encoded; then nothing was written.
func (c *Client) CreateWorkflowInstance(ctx context.Context, options WorkflowInstanceOptions, wf any, args ...any) (*engine.Instance, error) {
	return c.start(ctx, options, wf, args, nil)
}

// SignalWithStart signals the open execution of options.InstanceID, or starts one
// that has received the signal before it first runs, in one step that nothing can
// come between. options.IDReuse is IDReuseReturn if empty; with another policy
// the signal goes to the new execution or, if that is refused, nowhere. wf and
// errors are those of CreateWorkflowInstance.
func (c *Client) SignalWithStart(ctx context.Context, options WorkflowInstanceOptions, name string, arg, wf any, args ...any) (*engine.Instance, error) {
	if options.IDReuse == "" {
		options.IDReuse = IDReuseReturn
	}
	return c.start(ctx, options, wf, args, &firstSignal{name: name, arg: arg})
}

// firstSignal is a signal that an execution has received before it first runs.
type firstSignal struct {
	name string
	arg  any
}

// start creates an execution, with s in its inbox unless that is nil. Telemetry
// hears of a call from when it is known what it is about.
func (c *Client) start(ctx context.Context, o WorkflowInstanceOptions, wf any, args []any, s *firstSignal) (*engine.Instance, error) {
	name, err := c.check(&o, wf, args)
	if err != nil {
		return nil, err
	}
	i := engine.Instance{InstanceID: o.InstanceID, ExecutionID: engine.NewID()}
	ctx, call := c.settings.Creating(ctx, i, name)
	creation, err := c.creation(ctx, i, o, name, args, call.Trace())
	var result *engine.Instance
	switch {
	case err != nil:
	case s == nil:
		result, err = c.create(ctx, creation)
	default:
		result, err = c.createSignaled(ctx, creation, s)
	}
	if result != nil { // perhaps one that was there before
		i = *result
	}
	call.End(i, err)
	return result, err
}

func (c *Client) createSignaled(ctx context.Context, creation backend.Creation, s *firstSignal) (result *engine.Instance, err error) {
	ctx, call := c.settings.Signaling(ctx, creation.Instance.InstanceID, s.name)
	defer func() { call.End(creation.Instance, err) }()
	signal, err := c.signal(ctx, s.name, s.arg, call.Trace())
	if err != nil {
		return nil, err
	}
	creation.Inbox = []history.Encoded{signal}
	return c.create(ctx, creation)
}

func (c *Client) create(ctx context.Context, creation backend.Creation) (*engine.Instance, error) {
	var r backend.CreateResult
	err := send(ctx, func(bool) error {
		r = c.b.Create(ctx, []backend.Creation{creation})[0]
		return r.Err
	})
	if err != nil {
		return nil, fmt.Errorf("starting workflow instance %s: %w", creation.Instance.InstanceID, err)
	}
	return &r.Instance, nil
}

// check returns the name of the workflow that is to be started. It fills in an id.
func (c *Client) check(o *WorkflowInstanceOptions, wf any, args []any) (string, error) {
	if err := c.settings.Check(); err != nil {
		return "", err
	}
	if o.InstanceID == "" {
		o.InstanceID = engine.NewID()
	}
	if err := o.check(); err != nil {
		return "", err
	}
	return c.workflowName(wf, args)
}

// creation encodes everything. It writes nothing.
func (c *Client) creation(ctx context.Context, i engine.Instance, o WorkflowInstanceOptions, name string, args []any, t history.Trace) (backend.Creation, error) {
	payloads, err := c.encodeArgs(name, args)
	if err != nil {
		return backend.Creation{}, err
	}
	headers, err := c.settings.Inject(ctx)
	if err != nil {
		return backend.Creation{}, err
	}
	started := history.WorkflowStarted{
		Workflow: name, Args: payloads, Queue: o.Queue.OrDefault(), FirstExecution: i.ExecutionID,
		Tags: maps.Clone(o.Tags), Timeout: o.ExecutionTimeout, Headers: headers, Trace: t,
	}
	creation := backend.Creation{
		Instance: i, FirstExecution: i.ExecutionID, Workflow: name, Queue: o.Queue.OrDefault(),
		Tags: maps.Clone(o.Tags), Delay: o.StartDelay, Reuse: o.IDReuse, TraceID: t.ID(),
	}
	if err := c.addEvents(ctx, &creation, o, started); err != nil {
		return backend.Creation{}, err
	}
	return creation, c.known(ctx, name)
}

// addEvents puts the events of a new execution into creation.
func (c *Client) addEvents(ctx context.Context, creation *backend.Creation, o WorkflowInstanceOptions, started history.WorkflowStarted) error {
	now := c.clock.now(ctx, c.b)
	var err error
	if o.ExecutionTimeout > 0 {
		after := o.StartDelay + o.ExecutionTimeout
		if after < 0 { // more than a duration holds: never
			after = math.MaxInt64
		}
		started.Deadline = now.Add(after)
		timer := backend.Timer{Slot: backend.SlotTimer, After: after}
		if timer.Event, err = encode(started.Deadline, history.WorkflowTimedOut{}); err != nil {
			return err
		}
		creation.Timers = []backend.Timer{timer}
	}
	if o.IDReuse == IDReuseTerminate {
		reason := "replaced by execution " + creation.Instance.ExecutionID
		if creation.Terminate, err = encode(now, history.WorkflowTerminated{Reason: reason}); err != nil {
			return err
		}
	}
	creation.Started, err = encode(now, started)
	return err
}

func (o WorkflowInstanceOptions) check() error {
	if err := engine.CheckName("WorkflowInstanceOptions.InstanceID", o.InstanceID); err != nil {
		return err
	}
	if err := engine.CheckName("WorkflowInstanceOptions.Queue", string(o.Queue.OrDefault())); err != nil {
		return err
	}
	switch o.IDReuse {
	case "", IDReuseFinished, IDReuseReject, IDReuseTerminate, IDReuseReturn:
	default:
		return fmt.Errorf("%w: WorkflowInstanceOptions.IDReuse is %q", engine.ErrInvalidArgument, o.IDReuse)
	}
	if o.StartDelay < 0 || o.ExecutionTimeout < 0 {
		return fmt.Errorf("%w: WorkflowInstanceOptions holds a negative duration (StartDelay %v, ExecutionTimeout %v)",
			engine.ErrInvalidArgument, o.StartDelay, o.ExecutionTimeout)
	}
	for _, key := range slices.Sorted(maps.Keys(o.Tags)) {
		if err := engine.CheckName("tag key", key); err != nil {
			return err
		}
		if value := o.Tags[key]; value != "" {
			if err := engine.CheckName(fmt.Sprintf("value of tag %q", key), value); err != nil {
				return err
			}
		}
	}
	return nil
}
