package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Action is something done to instances.
type Action string

// The closed set of actions.
const (
	ActionSignal    Action = "signal"
	ActionCancel    Action = "cancel"
	ActionTerminate Action = "terminate"
	ActionRetry     Action = "retry"
	ActionPause     Action = "pause"
	ActionResume    Action = "resume"
	ActionRemove    Action = "remove"
)

// Actions returns every action.
func Actions() []Action {
	return []Action{ActionSignal, ActionCancel, ActionTerminate, ActionRetry, ActionPause, ActionResume, ActionRemove}
}

// KeepsReason reports whether the store keeps the reason: in the history of the
// instance or, where no event is written, as its note. Remove leaves nothing to keep
// it with.
func (a Action) KeepsReason() bool { return a != ActionRemove }

// ErrWrongState tells that an action makes no sense for an instance in its state.
// Nothing was done.
var ErrWrongState = errors.New("not in a state for this")

// ReasonHeader is the header of a signal that holds the reason it was sent for.
const ReasonHeader = "wfops-reason"

// Change is what to do, and why.
type Change struct {
	Action Action
	// Reason becomes part of the history of an instance that is canceled, terminated or
	// signaled, and the note of one that is paused, resumed or retried, with who asked
	// for it. It must not be empty, and with that no more than engine.MaxReasonBytes.
	Reason string
	// Signal is the name of the signal, and Payload its argument as stored: JSON, or
	// Sealed by the codec that the programs of the store use.
	Signal  string
	Payload engine.Payload
	Sealed  bool
}

// Outcome says what became of a change to one instance.
type Outcome struct {
	Instance engine.Instance
	// Before is the status that it had.
	Before engine.Status
	// Err is nil if the change is durable, engine.ErrReadOnly, ErrWrongState,
	// engine.ErrInstanceNotFound if it has ended meanwhile, or an error of the store.
	Err error
}

// Apply makes a change to each of the instances, which were read before, and returns
// one outcome for each, in order. A change reaches the run that an instance belongs
// to, wherever that has continued as new; Remove deletes the one execution.
//
// The error is that of a change that can't be meant, or engine.ErrReadOnly: then
// nothing was tried. A write whose outcome is unknown is made again a few times, which
// stores recognize.
func (s *Store) Apply(ctx context.Context, c Change, to []backend.Summary) ([]Outcome, error) {
	if s.o.ReadOnly {
		return nil, fmt.Errorf("%s: %w", c.Action, engine.ErrReadOnly)
	}
	if err := s.check(c); err != nil {
		return nil, err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: asking the store for the time: %w", c.Action, err)
	}
	outcomes := make([]Outcome, len(to))
	for i := range to {
		outcomes[i] = Outcome{Instance: to[i].Instance, Before: to[i].Status, Err: s.one(ctx, c, &to[i], now)}
	}
	return outcomes, nil
}

// Preview returns what Apply would refuse because of the states that the instances
// were in when they were read. It writes nothing, on whatever connection.
func (s *Store) Preview(c Change, to []backend.Summary) ([]Outcome, error) {
	if err := s.check(c); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(to))
	for i := range to {
		outcomes[i] = Outcome{Instance: to[i].Instance, Before: to[i].Status, Err: fits(c.Action, &to[i])}
	}
	return outcomes, nil
}

func (s *Store) check(c Change) error {
	if c.Reason == "" {
		return fmt.Errorf("%w: %s needs a reason", engine.ErrInvalidArgument, c.Action)
	}
	if err := engine.CheckReason(s.signed(c.Reason)); err != nil {
		return fmt.Errorf("%s: %w", c.Action, err)
	}
	if c.Action != ActionSignal {
		return nil
	}
	if len(c.Payload) > engine.MaxPayloadBytes {
		return fmt.Errorf("%w: the argument of the signal has %d bytes, the limit is %d", engine.ErrInvalidArgument, len(c.Payload), engine.MaxPayloadBytes)
	}
	if c.Payload != nil && !c.Sealed && !json.Valid(c.Payload) {
		return fmt.Errorf("%w: the argument of the signal is not JSON", engine.ErrInvalidArgument)
	}
	return engine.CheckName("signal name", c.Signal)
}

func (s *Store) one(ctx context.Context, c Change, to *backend.Summary, now time.Time) error {
	if err := fits(c.Action, to); err != nil {
		return err
	}
	write, err := s.write(c, to, now)
	if err == nil {
		err = resend(ctx, c.Action, write)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", c.Action, to.Instance, err)
	}
	return nil
}

// fits refuses what the store would either refuse or silently ignore.
func fits(a Action, to *backend.Summary) error {
	var want string
	switch a {
	case ActionSignal, ActionCancel, ActionTerminate, ActionPause:
		if to.Status.Final() && to.Status != engine.StatusContinuedAsNew {
			want = "open"
		}
	case ActionResume:
		if !to.Paused {
			want = "paused"
		}
	case ActionRetry:
		if to.Status != engine.StatusBlocked {
			want = "blocked"
		}
	case ActionRemove:
		if to.Status.Open() {
			want = "finished; cancel or terminate it first"
		}
	}
	if want == "" {
		return nil
	}
	return fmt.Errorf("%s %s: %w: it is %s, and has to be %s", a, to.Instance, ErrWrongState, to.Status, want)
}

// signed is a reason with who gives it.
func (s *Store) signed(reason string) string {
	if s.o.By == "" {
		return reason
	}
	return reason + " (" + s.o.By + ")"
}

// write returns the call of the store that makes a change.
func (s *Store) write(c Change, to *backend.Summary, now time.Time) (func(context.Context) error, error) {
	address := backend.Address{InstanceID: to.Instance.InstanceID, FirstExecution: to.FirstExecution}
	reason := s.signed(c.Reason)
	switch c.Action {
	case ActionSignal:
		return s.deliver(address, now, history.SignalReceived{Name: c.Signal, Arg: c.Payload, Headers: history.Headers{ReasonHeader: reason}})
	case ActionCancel:
		return s.deliver(address, now, history.CancelRequested{Reason: reason})
	case ActionTerminate:
		event, err := history.Encode(history.Event{At: now, Body: history.WorkflowTerminated{Reason: reason}})
		t := backend.Termination{To: address, Event: event, Error: engine.FirstLine(reason)}
		return func(ctx context.Context) error { return s.b.Terminate(ctx, []backend.Termination{t})[0] }, err
	case ActionRetry:
		r := backend.RetryRequest{To: address, Reason: reason}
		return func(ctx context.Context) error { return s.b.Retry(ctx, []backend.RetryRequest{r})[0] }, nil
	case ActionPause, ActionResume:
		p := backend.PauseChange{To: address, Paused: c.Action == ActionPause, Reason: reason}
		return func(ctx context.Context) error { return s.b.Pause(ctx, []backend.PauseChange{p})[0] }, nil
	case ActionRemove:
		return func(ctx context.Context) error { return s.b.Remove(ctx, []engine.Instance{to.Instance})[0] }, nil
	}
	return nil, fmt.Errorf("%w: there is no action %q", engine.ErrInvalidArgument, c.Action)
}

func (s *Store) deliver(to backend.Address, now time.Time, body history.Body) (func(context.Context) error, error) {
	event, err := history.Encode(history.Event{At: now, Body: body})
	d := backend.Delivery{ID: engine.NewID(), To: to, Event: event}
	return func(ctx context.Context) error { return s.b.Deliver(ctx, []backend.Delivery{d})[0] }, err
}

// How often a write whose outcome is unknown is made, and how long is waited before
// it is made again.
const (
	tries = 3
	pause = 200 * time.Millisecond
)

// resend makes a write. One whose outcome is unknown may have been applied: that the
// instance is gone when it is made again means that it was, where the action ends or
// removes it.
func resend(ctx context.Context, a Action, write func(context.Context) error) error {
	err := write(ctx)
	for try := 1; try < tries && engine.OutcomeUnknown(err); try++ {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the outcome is unknown: %w", err)
		}
		err = write(ctx)
		if errors.Is(err, engine.ErrInstanceNotFound) && (a == ActionTerminate || a == ActionRemove) {
			return nil
		}
	}
	if engine.OutcomeUnknown(err) {
		return fmt.Errorf("the outcome is unknown: %w", err)
	}
	return err
}
