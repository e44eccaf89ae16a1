// Package activity is what authors of activities import.
//
// An activity is a function that takes a context.Context and any number of
// arguments, and returns an error, or a result and an error. It may do anything.
// It is run at least once and perhaps again, so what it does should be safe to
// repeat; [Info] has what an idempotency key can be made of.
//
// # The context
//
// The context is canceled when the workflow cancels the activity, when its timeout
// passes, when its lease is lost, or when the worker shuts down; context.Cause says
// which: [ErrCanceled], [ErrTimedOut], [ErrLeaseLost] or [ErrShutdown]. An activity
// should return soon then. What it returns is of use only after ErrShutdown and
// only until the worker's deadline for stopping.
//
// With a context that isn't an activity's, for example in a unit test, the
// functions here return zero values, a logger that discards, or an error.
package activity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wfops/wfops/engine"
)

// The causes for which the context of an activity is canceled.
var (
	// ErrCanceled: the workflow canceled the activity, or ended. It wraps
	// engine.ErrCanceled.
	ErrCanceled = fmt.Errorf("activity canceled: %w", engine.ErrCanceled)
	// ErrTimedOut: one of the activity's timeouts has passed. It wraps
	// engine.ErrTimeout.
	ErrTimedOut = fmt.Errorf("activity timed out: %w", engine.ErrTimeout)
	// ErrLeaseLost: another worker may be running the activity by now. It wraps
	// engine.ErrLeaseLost.
	ErrLeaseLost = fmt.Errorf("activity gave way: %w", engine.ErrLeaseLost)
	// ErrShutdown: the worker shuts down. The activity is run again elsewhere.
	ErrShutdown = errors.New("worker shuts down")
)

// ErrNoActivity is returned for a context that isn't an activity's.
var ErrNoActivity = errors.New("the context is not that of an activity")

// Task is one attempt of an activity.
type Task struct {
	// Instance and Workflow that asked for the activity.
	Instance engine.Instance
	Workflow string
	// Activity is the registered name, ID what ActivityOptions.ID said.
	Activity string
	ID       string
	// Ref is the ordinal of the command. Together with Instance it is the same for
	// all attempts and differs from that of any other activity.
	Ref int64
	// Attempt counts from 1.
	Attempt int
	Queue   engine.Queue
	// Scheduled and Started by the store's clock; Started is that of this attempt.
	Scheduled time.Time
	Started   time.Time
	// Deadline of this attempt by the worker's clock, zero if there is none.
	Deadline time.Time
	// HeartbeatTimeout is the longest time between two heartbeats, 0 if unlimited.
	HeartbeatTimeout time.Duration
	// Worker and Build that run the attempt.
	Worker string
	Build  string
}

// State is what the context of an activity carries. It is for workers and
// testers; authors use the functions of this package.
type State struct {
	Info Task
	// Logger is the base of what Logger returns; nil means slog.Default.
	Logger *slog.Logger
	// Payloads encode and decode heartbeat details.
	Payloads engine.Payloads
	// Details are what an earlier attempt reported last.
	Details engine.Payload
	// Heartbeat takes details to the store, nil for none; it may be called
	// concurrently. If it is nil itself, heartbeats go nowhere.
	Heartbeat func(ctx context.Context, details engine.Payload) error
	// LogAttrs, unless nil, returns what the records of Logger carry besides.
	LogAttrs func(ctx context.Context) []slog.Attr
}

type key struct{}

// NewContext returns a context for an activity. It is for workers and testers. s
// must not be changed afterwards.
func NewContext(ctx context.Context, s *State) context.Context {
	return context.WithValue(ctx, key{}, s)
}

func from(ctx context.Context) (*State, bool) {
	if ctx == nil {
		return nil, false
	}
	s, ok := ctx.Value(key{}).(*State)
	return s, ok
}

// Info returns what is known of the attempt that ctx belongs to.
func Info(ctx context.Context) Task {
	s, ok := from(ctx)
	if !ok {
		return Task{}
	}
	return s.Info
}

// Attempt returns how many attempts were made before this one: 0 for the first.
func Attempt(ctx context.Context) int {
	s, ok := from(ctx)
	if !ok {
		return 0
	}
	return max(s.Info.Attempt-1, 0)
}

// Logger returns a logger that carries the instance, the activity and the attempt.
func Logger(ctx context.Context) *slog.Logger {
	s, ok := from(ctx)
	if !ok {
		return slog.New(slog.DiscardHandler)
	}
	base := s.Logger
	if base == nil {
		base = slog.Default()
	}
	if s.LogAttrs != nil {
		base = slog.New(base.Handler().WithAttrs(s.LogAttrs(ctx)))
	}
	return base.With(
		slog.String("workflow", s.Info.Workflow),
		slog.String("instance_id", s.Info.Instance.InstanceID),
		slog.String("execution_id", s.Info.Instance.ExecutionID),
		slog.String("activity", s.Info.Activity),
		slog.String("activity_id", s.Info.ID),
		slog.Int("attempt", s.Info.Attempt),
	)
}

// Heartbeat tells the store that the activity is alive, which it must do more often
// than its Heartbeat timeout, and stores details, at most one value, for the
// attempt after this one. It returns the cause if ctx is canceled, and an error
// that wraps engine.ErrInvalidArgument if details can't be stored. It may be called
// often and concurrently; the worker passes on only as much as is needed.
//
// Details of an activity without a Heartbeat timeout stay in the memory of the
// worker: they reach the next attempt if that follows at once at the same worker.
func Heartbeat(ctx context.Context, details ...any) error {
	s, ok := from(ctx)
	if !ok {
		return fmt.Errorf("heartbeat: %w", ErrNoActivity)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(details) > 1 {
		return fmt.Errorf("%w: heartbeat of activity %q takes one value, got %d; use a struct", engine.ErrInvalidArgument, s.Info.Activity, len(details))
	}
	var p engine.Payload
	if len(details) == 1 {
		var err error
		if p, err = s.Payloads.Encode("heartbeat details", details[0]); err != nil {
			return fmt.Errorf("activity %q: %w", s.Info.Activity, err)
		}
	}
	if s.Heartbeat == nil {
		return nil
	}
	if err := s.Heartbeat(ctx, p); err != nil {
		return fmt.Errorf("heartbeat of activity %q: %w", s.Info.Activity, err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// LastHeartbeat returns the details that an earlier attempt stored last. ok is
// false if there are none.
func LastHeartbeat[T any](ctx context.Context) (details T, ok bool, err error) {
	s, found := from(ctx)
	if !found {
		return details, false, fmt.Errorf("last heartbeat: %w", ErrNoActivity)
	}
	if s.Details == nil {
		return details, false, nil
	}
	if err := s.Payloads.Decode(s.Details, &details); err != nil {
		return details, false, fmt.Errorf("heartbeat details of activity %q: %w", s.Info.Activity, err)
	}
	return details, true, nil
}
