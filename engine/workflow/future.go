package workflow

import (
	"fmt"
	"reflect"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// Future is a value that will be there later.
type Future[T any] interface {
	// Get blocks the calling coroutine until the value or error is there, and
	// returns it. It may be called repeatedly, and from several coroutines. If the
	// value can't be decoded as a T, the instance is blocked.
	Get(ctx Context) (T, error)
}

// answer is the Future of a command. Like all that can be waited for it is a
// command.Waiter.
type answer[T any] struct {
	x    *execution
	o    *command.Outcome
	what *answerKind
	name string

	read bool // v and err are set
	v    T
	err  error
}

// answerKind is what a command's answer is the answer of.
type answerKind struct {
	what  string
	event history.Kind
}

var (
	activityAnswer = answerKind{"activity", history.KindActivityCompleted}
	childAnswer    = answerKind{"sub-workflow", history.KindChildCompleted}
	timerAnswer    = answerKind{"timer", history.KindTimerFired}
	signalAnswer   = answerKind{"signal", history.KindSignalDelivered}
)

// reason begins the reason for an answer that can't be decoded.
func (k *answerKind) reason(name string, ref int64) engine.BlockReason {
	return engine.BlockReason{
		Event:    string(k.event),
		Message:  fmt.Sprintf("the result of %s %q (command %d)", k.what, name, ref),
		Expected: &engine.BlockCommand{Kind: string(k.event), Ref: ref, Name: name},
	}
}

func (f *answer[T]) Ready() bool { return f.o.Ready }

func (f *answer[T]) Waits() []command.Wait {
	return []command.Wait{{Kind: command.WaitOutcome, Name: f.name, Outcome: f.o}}
}

func (f *answer[T]) Get(Context) (T, error) {
	if !f.o.Ready {
		f.x.wait(f)
	}
	if !f.read {
		f.resolve()
		f.read = true
	}
	return f.v, f.err
}

func (f *answer[T]) resolve() {
	switch {
	case f.o.Canceled:
		f.err = Canceled
	case f.o.Failure != nil:
		f.err = f.x.bind(f.o.Failure)
	default:
		if err := f.x.decode(f.o.Value, &f.v); err != nil {
			f.x.undecodable(err, reflect.TypeFor[T](), f.what.reason(f.name, f.o.Ref))
		}
	}
}

// bind attaches the registered sentinels to a stored failure.
func (x *execution) bind(f *engine.Failure) error {
	if len(x.settings.Sentinels) == 0 {
		return f // the engine's own need no binding
	}
	return x.settings.Sentinels.Bind(f)
}

// promise is a Future that workflow code of this package resolves.
type promise[T any] struct {
	x    *execution // nil if resolved from the start
	done bool
	v    T
	err  error
}

func failed[T any](err error) Future[T] { return &promise[T]{done: true, err: err} }

func (f *promise[T]) set(v T, err error) { f.v, f.err, f.done = v, err, true }

func (f *promise[T]) Ready() bool { return f.done }

func (f *promise[T]) Waits() []command.Wait {
	return []command.Wait{{Kind: command.WaitChannel, Name: "future"}}
}

func (f *promise[T]) Get(Context) (T, error) {
	if !f.done {
		f.x.wait(f)
	}
	return f.v, f.err
}
