package tester

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/engine/workflow"
)

type timeMode int

// The time modes, under their documented names.
const (
	// TM_TimeTravel is the default: when there is nothing to do, the clock jumps to
	// what is due next.
	TM_TimeTravel timeMode = iota //nolint:revive,staticcheck // the documented name
	// TM_WallClock lets timers fire only when their time has passed in reality.
	TM_WallClock //nolint:revive,staticcheck // the documented name
)

// Defaults of the options.
const (
	// DefaultTestTimeout is how long of real time a test may take.
	DefaultTestTimeout = 10 * time.Second
	// DefaultPatience is how long of real time a running activity is waited for.
	DefaultPatience = time.Second
)

// initialTime is when time begins unless WithInitialTime says otherwise: always at
// the same time, so that no test depends on the day on which it is run.
var initialTime = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

type options struct {
	settings settings.Settings
	mode     timeMode
	start    time.Time
	timeout  time.Duration
	patience time.Duration
	noReplay bool
	tb       testing.TB
}

func defaults() options {
	return options{
		settings: settings.Settings{Logger: slog.New(slog.DiscardHandler)},
		timeout:  DefaultTestTimeout,
		patience: DefaultPatience,
	}
}

// WorkflowTesterOption is an option of NewWorkflowTester.
type WorkflowTesterOption func(*options)

// WithInitialTime sets the time at which the clock begins. The default is a fixed
// one, and the real time with TM_WallClock.
func WithInitialTime(t time.Time) WorkflowTesterOption {
	return func(o *options) { o.start = t }
}

// WithTimeMode chooses between TM_TimeTravel and TM_WallClock.
func WithTimeMode(mode timeMode) WorkflowTesterOption {
	return func(o *options) { o.mode = mode }
}

// WithTestTimeout bounds how long of real time Execute may take. 0 means
// DefaultTestTimeout, less than 0 no bound.
func WithTestTimeout(timeout time.Duration) WorkflowTesterOption {
	return func(o *options) {
		if timeout == 0 {
			timeout = DefaultTestTimeout
		}
		o.timeout = timeout
	}
}

// WithPatience says for how long of real time an activity that runs holds up other
// activities and, with TM_TimeTravel, the clock. 0 means DefaultPatience, less
// than 0 for as long as it runs.
func WithPatience(patience time.Duration) WorkflowTesterOption {
	return func(o *options) {
		if patience == 0 {
			patience = DefaultPatience
		}
		o.patience = patience
	}
}

// WithTesting names the test that mistakes are reported to. Without it they are
// panics.
func WithTesting(tb testing.TB) WorkflowTesterOption {
	return func(o *options) { o.tb = tb }
}

// WithoutReplay switches off the replay at the end, for workflow functions that
// are made for a test and count how often they are run.
func WithoutReplay() WorkflowTesterOption {
	return func(o *options) { o.noReplay = true }
}

// WithSettings sets what client and worker share, such as codec, registered errors
// and limits. Options after it change what it holds. Without a Logger in it nothing
// is logged.
func WithSettings(s settings.Settings) WorkflowTesterOption {
	return func(o *options) {
		if s.Logger == nil {
			s.Logger = slog.New(slog.DiscardHandler)
		}
		o.settings = s
	}
}

// WithLogger sets the logger of workflows, activities and the tester. By default
// nothing is logged.
func WithLogger(logger *slog.Logger) WorkflowTesterOption {
	return func(o *options) { o.settings.Logger = logger }
}

// WithConverter sets what turns values into payloads. The default is JSON.
func WithConverter(converter engine.Converter) WorkflowTesterOption {
	return func(o *options) { o.settings.Converter = converter }
}

// WithContextPropagator adds a propagator, after those that are there.
func WithContextPropagator(prop workflow.ContextPropagator) WorkflowTesterOption {
	return func(o *options) { o.settings.Propagators = append(slices.Clip(o.settings.Propagators), prop) }
}

// WithMaxHistorySize sets the number of events at which an instance is blocked.
func WithMaxHistorySize(size int64) WorkflowTesterOption {
	return func(o *options) { o.settings.Limits.HistoryEvents = size }
}

// WithSingleWorkerMode has no effect: there are no workers in a tester. It is here
// so that tests that were written for go-workflows compile.
func WithSingleWorkerMode(bool) WorkflowTesterOption { return func(*options) {} }
