package workflow

import (
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// execution is what all Contexts of one execution share.
type execution struct {
	sink     command.Sink
	settings command.Settings

	// epoch grows whenever a coroutine goes on, so that whatever it may change is
	// looked at again by those who wait for a condition.
	epoch int64
	// inside names the user's function that is running and must not use the engine,
	// or is "". violation is set if it did.
	inside    string
	violation error

	// watcher is nil unless somebody looks into channels.
	watcher command.ChannelWatcher

	neverDone *channel[struct{}]
	logger    *slog.Logger
	random    *rand.Rand
	locals    map[any]any
}

func newExecution(sink command.Sink) *execution {
	x := &execution{sink: sink, settings: sink.Settings()}
	if w, ok := sink.(command.ChannelWatcher); ok && w.WatchChannels() {
		x.watcher = w
	}
	return x
}

// never returns a channel that is never closed.
func (x *execution) never() *channel[struct{}] {
	if x.neverDone == nil {
		x.neverDone = &channel[struct{}]{}
	}
	return x.neverDone
}

// wait blocks the calling coroutine until on is ready.
func (x *execution) wait(on command.Waiter) {
	x.mustIssue("wait")
	x.sink.Wait(on)
	x.epoch++
}

// until is a wait for something inside the workflow.
type until struct {
	name  string
	ready func() bool
}

func (u *until) Ready() bool { return u.ready() }

func (u *until) Waits() []command.Wait {
	return []command.Wait{{Kind: command.WaitChannel, Name: u.name}}
}

// start starts a coroutine.
func (x *execution) start(name string, f func()) {
	x.mustIssue("start a coroutine")
	x.sink.Go(name, func() {
		x.epoch++
		f()
	})
}

// mayIssue returns an error if a function is running that must not issue commands.
func (x *execution) mayIssue(what string) error {
	if x.inside == "" {
		return nil
	}
	x.violation = fmt.Errorf("%w: %s must not %s: how often it is called is not recorded", ErrInvalidArgument, x.inside, what)
	return x.violation
}

// mustIssue is mayIssue for what can't return an error; within turns the panic
// into one.
func (x *execution) mustIssue(what string) {
	if err := x.mayIssue(what); err != nil {
		panic(err)
	}
}

// within runs f as a function that must not use the engine, and returns an error
// if it did.
func (x *execution) within(name string, f func()) (err error) {
	outer := x.inside
	x.inside, x.violation = name, nil
	defer func() {
		x.inside = outer
		if x.violation != nil {
			_ = recover() // the panic of mustIssue
			err, x.violation = x.violation, nil
		}
	}()
	f()
	return nil
}

// track has a cancellation of ctx withdraw a command.
func track(ctx Context, o *command.Outcome) *command.Outcome {
	if s := ctx.scope(); s != nil {
		s.track(o)
	}
	return o
}

// admit returns the error with which a request in ctx is answered at once, if it
// is not to be issued.
func (x *execution) admit(ctx Context, what string) error {
	if err := x.mayIssue(what); err != nil {
		return err
	}
	return ctx.Err()
}

// encode returns the payloads of args.
func (x *execution) encode(args []any) ([]engine.Payload, error) {
	if len(args) == 0 {
		return nil, nil
	}
	ps := make([]engine.Payload, len(args))
	for i, a := range args {
		p, err := x.settings.Payloads.Encode("the value", a)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		ps[i] = p
	}
	return ps, nil
}

// headers returns what the propagators inject from ctx.
func (x *execution) headers(ctx Context) (history.Headers, error) {
	if x.settings.Inject == nil {
		return nil, nil
	}
	h, err := x.settings.Inject(ctx)
	if err != nil {
		return nil, fmt.Errorf("injecting headers: %w", err)
	}
	return h, nil
}
