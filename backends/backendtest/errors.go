package backendtest

import (
	"context"
	"errors"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// call is one use of a method of the port, on an execution that is there.
type call struct {
	name string
	do   func(ctx context.Context, b backend.Backend, h *hold) error
}

func first[R any](rs []R, err func(R) error) error {
	if len(rs) == 0 {
		return errors.New("no result")
	}
	return err(rs[0])
}

func itself(err error) error { return err }

// writes are all methods that change something.
var writes = []call{
	{"Create", func(ctx context.Context, b backend.Backend, _ *hold) error {
		return first(b.Create(ctx, []backend.Creation{creation("new")}), createError)
	}},
	{"Deliver", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Deliver(ctx, []backend.Delivery{{ID: engine.NewID(), To: byID(h.instance()), Event: signal("a")}}), itself)
	}},
	{"Terminate", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Terminate(ctx, []backend.Termination{{To: byID(h.instance()), Event: terminated("x")}}), itself)
	}},
	{"Pause", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Pause(ctx, []backend.PauseChange{{To: byID(h.instance()), Paused: true}}), itself)
	}},
	{"Retry", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Retry(ctx, []backend.RetryRequest{{To: byID(h.instance())}}), itself)
	}},
	{"Remove", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Remove(ctx, []engine.Instance{h.instance()}), itself)
	}},
	{"ClaimWorkflows", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.ClaimWorkflows(ctx, backend.WorkflowClaim{Worker: worker, Queues: []engine.Queue{queue}, Workflows: []string{workflow}, Max: 1, Lease: long})
		return err
	}},
	{"CommitWorkflows", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.CommitWorkflows(ctx, []backend.WorkflowCommit{h.step()}), commitError)
	}},
	{"ExtendWorkflows", func(ctx context.Context, b backend.Backend, h *hold) error {
		x := backend.WorkflowExtension{Instance: h.instance(), Token: h.task.Token, Lease: long}
		return first(b.ExtendWorkflows(ctx, []backend.WorkflowExtension{x}), commitError)
	}},
	{"ClaimActivities", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.ClaimActivities(ctx, backend.ActivityClaim{Worker: worker, Queues: []engine.Queue{queue}, Activities: []string{"act"}, Max: 1, Lease: long})
		return err
	}},
	{"CommitActivities", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.CommitActivities(ctx, []backend.ActivityCommit{{Instance: h.instance(), Ref: 1, Token: "t"}}), itself)
	}},
	{"ExtendActivities", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.ExtendActivities(ctx, []backend.ActivityExtension{{Instance: h.instance(), Ref: 1, Token: "t"}}), itself)
	}},
	{"Heartbeat", func(ctx context.Context, b backend.Backend, _ *hold) error {
		return b.Heartbeat(ctx, backend.Worker{ID: "new"})
	}},
}

// reads are all methods that only look.
var reads = []call{
	{"Get", func(ctx context.Context, b backend.Backend, h *hold) error {
		_, err := b.Get(ctx, h.instance())
		return err
	}},
	{"History", func(ctx context.Context, b backend.Backend, h *hold) error {
		_, err := b.History(ctx, h.instance(), 0, 0)
		return err
	}},
	{"Pending", func(ctx context.Context, b backend.Backend, h *hold) error {
		_, err := b.Pending(ctx, h.instance(), 0)
		return err
	}},
	{"List", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.List(ctx, backend.Query{})
		return err
	}},
	{"Count", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Count(ctx, backend.Query{})
		return err
	}},
	{"Queues", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Queues(ctx)
		return err
	}},
	{"Workers", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Workers(ctx)
		return err
	}},
	{"Info", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Info(ctx)
		return err
	}},
}

func allCalls() []call { return append(append([]call{}, writes...), reads...) }

// sentinels are what an error of another cause must not be taken for.
var sentinels = []error{
	engine.ErrInstanceNotFound, engine.ErrInstanceAlreadyExists, engine.ErrInstanceNotFinished,
	engine.ErrLeaseLost, engine.ErrReadOnly, engine.ErrInvalidArgument,
}

// isOnly checks that an error is the given one, and not renamed to another.
func (e *env) isOnly(err, want error, method string) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Errorf("%s: got error %v, want %v", method, err, want)
	}
	for _, s := range sentinels {
		if !errors.Is(want, s) && errors.Is(err, s) {
			e.Errorf("%s: error %v was renamed to %v", method, err, s)
		}
	}
}

var errorCases = []testCase{
	{"CanceledContext", "A canceled context is told as such, by every method, and never as a sentinel.", func(e *env) {
		h := e.held("i")
		before := e.summary(h.instance())
		ctx, cancel := context.WithCancel(e.ctx())
		cancel()
		for _, c := range allCalls() {
			e.isOnly(c.do(ctx, e.b, h), context.Canceled, c.name)
		}
		equal(e, "summary, which calls that were canceled before they began left alone", e.summary(h.instance()), before)
	}},
	{"Closed", "After Close every method answers ErrClosed.", func(e *env) {
		h := e.held("i")
		e.ok(e.b.Close(), "closing")
		e.ok(e.b.Close(), "closing again")
		for _, c := range allCalls() {
			e.isOnly(c.do(e.ctx(), e.b, h), engine.ErrClosed, c.name)
		}
	}},
	{"EveryItem", "When a call fails as a whole, every item's result carries that error.", func(e *env) {
		ctx, cancel := context.WithCancel(e.ctx())
		cancel()
		rs := e.b.Create(ctx, []backend.Creation{creation("a"), creation("b")})
		e.batch("Create", errorsOf(rs, createError), context.Canceled, context.Canceled)
		to := backend.Address{InstanceID: "a"}
		e.batch("Deliver", e.b.Deliver(ctx, []backend.Delivery{{To: to, Event: signal("a")}, {To: to, Event: signal("b")}}), context.Canceled, context.Canceled)
		e.batch("CommitWorkflows", errorsOf(e.b.CommitWorkflows(ctx, make([]backend.WorkflowCommit, 2)), commitError), context.Canceled, context.Canceled)
	}},
	{"Unknown", "Reading an execution that is not there answers ErrInstanceNotFound; History needs the ExecutionID.", func(e *env) {
		i := e.create("i")
		for _, unknown := range []engine.Instance{newInstance("i"), newInstance("none"), {InstanceID: "none"}, {InstanceID: "I", ExecutionID: i.ExecutionID}} {
			_, err := e.b.Get(e.ctx(), unknown)
			e.isOnly(err, engine.ErrInstanceNotFound, "Get of "+unknown.String())
			_, err = e.b.Pending(e.ctx(), unknown, 0)
			e.isOnly(err, engine.ErrInstanceNotFound, "Pending of "+unknown.String())
			_, err = e.b.History(e.ctx(), unknown, 0, 0)
			e.isOnly(err, engine.ErrInstanceNotFound, "History of "+unknown.String())
		}
		_, err := e.b.History(e.ctx(), engine.Instance{InstanceID: "i"}, 0, 0)
		e.isOnly(err, engine.ErrInstanceNotFound, "History without an ExecutionID")
	}},
	{"ReadOnly", "On a read-only connection every method of Control and Work answers ErrReadOnly, and what was written shows.", func(e *env) {
		if e.lacks.ReadOnly {
			e.Skip("the store has no read-only connections")
		}
		h := e.held("i")
		done := e.finished("done")
		before := e.summary(h.instance())
		ro := e.store.ReadOnly(e.T)
		defer func() { e.ok(ro.Close(), "closing the read-only connection") }()
		for _, c := range writes {
			e.isOnly(c.do(e.ctx(), ro, h), engine.ErrReadOnly, c.name)
		}
		e.isOnly(first(ro.Remove(e.ctx(), []engine.Instance{done}), itself), engine.ErrReadOnly, "Remove of a finished execution")
		for _, c := range reads {
			e.ok(c.do(e.ctx(), ro, h), "%s on a read-only connection", c.name)
		}
		info, err := ro.Info(e.ctx())
		e.ok(err, "info")
		equal(e, "Info.ReadOnly", info.ReadOnly, true)
		equal(e, "summary", e.summary(h.instance()), before)
		equal(e, "rows", e.list(backend.Query{Ascending: true}), "i done")
		h.commit()
	}},
}
