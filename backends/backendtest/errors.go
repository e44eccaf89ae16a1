package backendtest

import (
	"context"
	"errors"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

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
