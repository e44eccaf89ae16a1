// Package settings holds what client and worker must agree on: how values become
// payloads, which values of contexts travel along, which errors keep their
// identity, and the limits. It is given once, to both.
package settings

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/internal/command"
	"github.com/wfops/wfops/engine/workflow"
)

// Settings are shared by clients, workers, replays and tests of the same
// workflows. The zero value works. A Settings is not changed after it was given
// to one of them, and may be given to many.
type Settings struct {
	// Converter turns values into payloads; nil means engine.JSON. All processes that
	// share a store must read what the others write.
	Converter engine.Converter
	// Codec seals payloads at rest; nil means none.
	Codec engine.Codec
	// MaxPayload is the limit of one encoded payload in bytes, before the codec; 0
	// means engine.MaxPayloadBytes.
	MaxPayload int

	// Logger of the engine, and the base of workflow.Logger and activity.Logger; nil
	// means slog.Default.
	Logger *slog.Logger
	// Telemetry makes traces; nil means none. See package telemetry.
	Telemetry Telemetry
	// Propagators are called in this order.
	Propagators []workflow.ContextPropagator
	// Errors keep their identity when they are stored, by their codes: errors.Is
	// finds them on the other side.
	Errors engine.Sentinels

	Limits Limits
	// Strictness says by workflow name what becomes of an execution whose code now
	// passes other arguments, options or durations than history records. The entry
	// of "" is for all names without one; without it they are let pass with a
	// warning.
	Strictness map[string]Strictness
	// StepDeadline bounds how long workflow code may run before it waits or ends; 0
	// means 2 s, less than 0 no bound. An instance whose code takes longer is
	// blocked.
	StepDeadline time.Duration
}

// Limits of one execution. Reaching one blocks it; at a fifth of one there is a
// warning and workflow.InstanceExecutionDetails suggests to continue as new.
type Limits struct {
	// HistoryEvents is the number of events; 0 means 250,000.
	HistoryEvents int64
	// HistoryBytes is the size of the encoded history; 0 means 250 MiB.
	HistoryBytes int64
}

// OrDefault returns l with its zeros replaced by the defaults.
func (l Limits) OrDefault() Limits {
	if l.HistoryEvents == 0 {
		l.HistoryEvents = engine.DefaultHistoryEvents
	}
	if l.HistoryBytes == 0 {
		l.HistoryBytes = engine.DefaultHistoryBytes
	}
	return l
}

// Strictness is what becomes of an execution whose code differs from history in
// arguments, options or durations alone.
type Strictness string

// The closed set of strictnesses. Other differences always block.
const (
	// Warn lets the difference pass with a warning.
	Warn Strictness = "warn"
	// Block blocks the instance.
	Block Strictness = "block"
)

// Strict reports whether differences in arguments, options and durations block
// executions of the workflow.
func (s Settings) Strict(workflow string) bool {
	v, ok := s.Strictness[workflow]
	if !ok {
		v = s.Strictness[""]
	}
	return v == Block
}

// Payloads returns how values become payloads and back.
func (s Settings) Payloads() engine.Payloads {
	return engine.Payloads{Converter: s.Converter, Codec: s.Codec, Max: s.MaxPayload}
}

// Log returns Logger, or slog.Default if it is nil.
func (s Settings) Log() *slog.Logger {
	if s.Logger == nil {
		return slog.Default()
	}
	return s.Logger
}

// Resolver maps functions and names to registered names. A registry is one.
type Resolver interface {
	ResolveWorkflow(wf any, args []any) (string, error)
	ResolveActivity(act any, args []any) (string, error)
}

// Command returns what workflow code needs of s and of the registry. It is for
// whoever runs an executor.
func (s Settings) Command(r Resolver) command.Settings {
	c := command.Settings{
		Payloads:     s.Payloads(),
		Sentinels:    s.Errors,
		WorkflowName: r.ResolveWorkflow,
		ActivityName: r.ResolveActivity,
		Logger:       s.Log(),
	}
	if len(s.Propagators) > 0 {
		c.Inject, c.Extract = s.injectFromWorkflow, s.extractToWorkflow
	}
	if s.Telemetry != nil {
		c.Trace = s.Telemetry.Trace
	}
	return c
}

// Check returns an error that wraps engine.ErrInvalidArgument and names the
// setting, if s can't be meant.
func (s Settings) Check() error {
	switch {
	case s.MaxPayload < 0:
		return fmt.Errorf("%w: settings: MaxPayload is %d", engine.ErrInvalidArgument, s.MaxPayload)
	case s.Limits.HistoryEvents < 0:
		return fmt.Errorf("%w: settings: Limits.HistoryEvents is %d", engine.ErrInvalidArgument, s.Limits.HistoryEvents)
	case s.Limits.HistoryBytes < 0:
		return fmt.Errorf("%w: settings: Limits.HistoryBytes is %d", engine.ErrInvalidArgument, s.Limits.HistoryBytes)
	}
	for name, v := range s.Strictness {
		if v != Warn && v != Block {
			return fmt.Errorf("%w: settings: Strictness of workflow %q is %q, want %q or %q", engine.ErrInvalidArgument, name, v, Warn, Block)
		}
	}
	for i, p := range s.Propagators {
		if p == nil {
			return fmt.Errorf("%w: settings: Propagators[%d] is nil", engine.ErrInvalidArgument, i)
		}
	}
	for code, err := range s.Errors {
		if code == "" {
			return fmt.Errorf("%w: settings: Errors holds an error without a code: %w", engine.ErrInvalidArgument, err)
		}
		if err == nil {
			return fmt.Errorf("%w: settings: Errors holds no error for code %q", engine.ErrInvalidArgument, code)
		}
	}
	return nil
}
