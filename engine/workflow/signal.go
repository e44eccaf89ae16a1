package workflow

import (
	"fmt"
	"reflect"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// NewSignalChannel returns the channel of the signals called name. Signals wait in
// it without limit, in the order in which they were sent, also those that came
// before it was asked for. All channels of one name share the same signals. It
// can't be sent to or closed by the workflow.
func NewSignalChannel[T any](ctx Context, name string) Channel[T] {
	x := ctx.exec()
	return &signalChannel[T]{x: x, name: name, buffer: x.sink.Signals(name)}
}

type signalChannel[T any] struct {
	x      *execution
	name   string
	buffer *command.Signals
}

// Ready and Waits make the channel a command.Waiter; nobody outside sees its type.
func (c *signalChannel[T]) Ready() bool { return len(c.buffer.Queue) > 0 }

func (c *signalChannel[T]) Waits() []command.Wait {
	return []command.Wait{{Kind: command.WaitSignal, Name: c.name}}
}

func (c *signalChannel[T]) take() T {
	s := c.buffer.Queue[0]
	var v T
	if err := c.x.decode(s.Arg, &v); err != nil {
		c.x.undecodable(err, reflect.TypeFor[T](), engine.BlockReason{
			Seq:     s.Seq,
			Event:   string(history.KindSignalReceived),
			Message: fmt.Sprintf("the value of signal %q (event %d)", c.name, s.Seq),
		})
	}
	c.buffer.Queue[0] = command.Signal{} // the slice would keep it alive
	c.buffer.Queue = c.buffer.Queue[1:]
	return v
}

func (c *signalChannel[T]) Receive(Context) (v T, ok bool) {
	if !c.Ready() {
		c.x.wait(c)
	}
	return c.take(), true
}

func (c *signalChannel[T]) ReceiveNonBlocking() (v T, ok bool) {
	if !c.Ready() {
		return v, false
	}
	return c.take(), true
}

func (c *signalChannel[T]) Len() int { return len(c.buffer.Queue) }

func (c *signalChannel[T]) Send(Context, T) { c.readOnly("sent to") }

func (c *signalChannel[T]) SendNonblocking(T) bool { c.readOnly("sent to"); return false }

func (c *signalChannel[T]) Close() { c.readOnly("closed") }

func (c *signalChannel[T]) readOnly(what string) {
	panic(fmt.Sprintf("workflow: the channel of signal %q can't be %s; signals come from SignalWorkflow", c.name, what))
}

// SignalWorkflow sends a signal to another instance. The future is resolved once
// the signal is in the inbox of the other instance, or with
// engine.ErrInstanceNotFound if there is none that is open. A signal that was
// issued can't be canceled.
func SignalWorkflow[T any](ctx Context, instanceID string, name string, arg T) Future[any] {
	x := ctx.exec()
	if err := x.admit(ctx, "signal a workflow"); err != nil {
		return failed[any](err)
	}
	c, err := x.signalCommand(ctx, instanceID, name, arg)
	if err != nil {
		return failed[any](err)
	}
	return &answer[any]{x: x, o: x.sink.SendSignal(c), what: &signalAnswer, name: name}
}

func (x *execution) signalCommand(ctx Context, instanceID, name string, arg any) (command.SendSignal, error) {
	c := command.SendSignal{InstanceID: instanceID, Name: name}
	if err := engine.CheckName("InstanceID of SignalWorkflow", instanceID); err != nil {
		return c, err
	}
	if err := engine.CheckName("signal name", name); err != nil {
		return c, err
	}
	var err error
	if c.Arg, err = x.settings.Payloads.Encode("the value", arg); err != nil {
		return c, fmt.Errorf("signal %q: %w", name, err)
	}
	if c.Headers, err = x.headers(ctx); err != nil {
		return c, fmt.Errorf("signal %q: %w", name, err)
	}
	return c, nil
}
