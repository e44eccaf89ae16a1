package sqlite

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	synchronous  Synchronous
	busyTimeout  time.Duration
	readOnly     bool
	noMigrations bool
	clock        func() time.Time
}

// Synchronous is what an acknowledged write survives.
type Synchronous string

// The closed set of durability settings.
const (
	// Full survives a power failure. It is the default.
	Full Synchronous = "FULL"
	// Normal survives the end of the process, but not always that of the machine.
	Normal Synchronous = "NORMAL"
)

// DefaultBusyTimeout is how long a call waits for other programs that keep the
// file locked.
const DefaultBusyTimeout = 5 * time.Second

// WithSynchronous chooses the durability of writes.
func WithSynchronous(s Synchronous) Option { return func(o *options) { o.synchronous = s } }

// WithBusyTimeout sets how long a call waits while another program keeps the file
// locked, before it returns engine.ErrBusy. The default is DefaultBusyTimeout.
func WithBusyTimeout(d time.Duration) Option { return func(o *options) { o.busyTimeout = d } }

// ReadOnly opens an existing store for reading. SQLite itself refuses writes, no
// migration runs, and nothing is left behind in the folder of the file.
//
// If no other program has the store open, the connection works on a private
// copy of the file in os.TempDir, made when it is opened: SQLite can't read a
// closed file in WAL mode without writing beside it. Info says so. Later writes of
// others don't show in it.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// WithoutMigrations fails with engine.ErrSchemaVersion if the schema is not
// current, instead of migrating it. See MigrationStatements.
func WithoutMigrations() Option { return func(o *options) { o.noMigrations = true } }

// WithClock replaces the clock that leases, timers and ready times go by. It is
// for tests; all processes that share a file need the same clock.
func WithClock(now func() time.Time) Option { return func(o *options) { o.clock = now } }

// newOptions comes first wherever a store is opened, so that a process that must not
// reach one gets no further.
func newOptions(opts []Option) (options, error) {
	o := options{synchronous: Full, busyTimeout: DefaultBusyTimeout, clock: time.Now}
	if err := engine.CheckLive("sqlite: opening a store"); err != nil {
		return o, err
	}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case o.synchronous != Full && o.synchronous != Normal:
		return o, fmt.Errorf("sqlite: %w: synchronous is %q, want %q or %q", engine.ErrInvalidArgument, o.synchronous, Full, Normal)
	case o.busyTimeout < 0:
		return o, fmt.Errorf("sqlite: %w: the busy timeout is %s", engine.ErrInvalidArgument, o.busyTimeout)
	case o.clock == nil:
		return o, fmt.Errorf("sqlite: %w: the clock is nil", engine.ErrInvalidArgument)
	}
	return o, nil
}
