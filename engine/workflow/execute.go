package workflow

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/internal/coro"
)

// Function is a registered workflow function. The registry implements it.
type Function interface {
	// Bind decodes args and returns a call of the function with them, which encodes
	// the result. Its error is an *ArgumentError, or says that there are too few or
	// too many arguments.
	Bind(p engine.Payloads, args []engine.Payload) (call func(Context) (engine.Payload, error), err error)
}

// Execute runs fn and returns how it ended. It is for the executor, which calls it
// in the main coroutine of an execution.
func Execute(sink command.Sink, fn Function, args []engine.Payload) command.Completion {
	x := newExecution(sink)
	call, err := fn.Bind(x.settings.Payloads, args)
	if err != nil {
		x.refuse(argumentMessage(err))
	}
	root := newCancelCtx(&rootCtx{x: x})
	sink.OnCancel(root.s.cancel)
	ctx, err := x.extract(root)
	if err != nil {
		x.refuse("the headers that the caller sent can't be read: " + withoutValues(err))
	}
	return finish(run(ctx, call))
}

// refuse blocks the execution at its first event.
func (x *execution) refuse(message string) {
	x.sink.Block(engine.BlockReason{
		Class: engine.BlockDecode, Seq: 1, Event: string(history.KindWorkflowStarted), Message: message,
	})
}

func argumentMessage(err error) string {
	if a, ok := errors.AsType[*ArgumentError](err); ok {
		return fmt.Sprintf("%s: argument %d can't be decoded as %s: %s", a.Function, a.Index, a.Type, withoutValues(a.Err))
	}
	return err.Error()
}

// extract puts the caller's headers into the root context.
func (x *execution) extract(root Context) (Context, error) {
	if x.settings.Extract == nil {
		return root, nil
	}
	ctx, err := x.settings.Extract(root, x.sink.Headers())
	if err != nil {
		return nil, err
	}
	if c, ok := ctx.(Context); ok {
		return c, nil
	}
	return nil, fmt.Errorf("%w: a %T is no workflow.Context", ErrInvalidArgument, ctx)
}

// run turns a panic into an error. A Goexit passes through: it is how the sink
// ends a coroutine.
func run(ctx Context, call func(Context) (engine.Payload, error)) (result engine.Payload, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = engine.NewPanicError(v, coro.CleanStack(string(debug.Stack())))
		}
	}()
	return call(ctx)
}

func finish(result engine.Payload, err error) command.Completion {
	if again, ok := errors.AsType[*continueAsNew](err); ok {
		return command.Completion{ContinueAsNew: &again.request}
	}
	if err != nil {
		return command.Completion{Err: err}
	}
	return command.Completion{Result: result}
}
