package mysql

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	busyTimeout  time.Duration
	writers      int
	readers      int
	readOnly     bool
	noMigrations bool
	clock        func() time.Time // instead of the server's, in tests
}

// DefaultBusyTimeout is how long a call waits for rows that others keep locked, and
// how long it repeats transactions that were victims of deadlocks.
const DefaultBusyTimeout = 5 * time.Second

// How many connections a store has at most, unless told otherwise.
const (
	DefaultWriters = 6
	DefaultReaders = 4
)

// WithBusyTimeout sets how long a call waits while others keep rows locked, before
// it returns engine.ErrBusy. The default is DefaultBusyTimeout.
func WithBusyTimeout(d time.Duration) Option { return func(o *options) { o.busyTimeout = d } }

// WithConnections sets how many connections the store has at most: those that write,
// one for each kind of write that is under way, and those that read.
func WithConnections(writers, readers int) Option {
	return func(o *options) { o.writers, o.readers = writers, readers }
}

// ReadOnly opens an existing store for reading. The server itself refuses writes on
// these connections, and no migration runs.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// WithoutMigrations fails with engine.ErrSchemaVersion if the schema is not
// current, instead of migrating it. See MigrationStatements.
func WithoutMigrations() Option { return func(o *options) { o.noMigrations = true } }

// newOptions comes first wherever a store is opened, so that a process that must not
// reach one gets no further.
func newOptions(opts []Option) (options, error) {
	o := options{busyTimeout: DefaultBusyTimeout, writers: DefaultWriters, readers: DefaultReaders}
	if err := engine.CheckLive("mysql: opening a store"); err != nil {
		return o, err
	}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case o.busyTimeout < 0:
		return o, fmt.Errorf("mysql: %w: the busy timeout is %s", engine.ErrInvalidArgument, o.busyTimeout)
	case o.writers < 1 || o.readers < 1:
		return o, fmt.Errorf("mysql: %w: WithConnections(%d, %d), each must be at least 1", engine.ErrInvalidArgument, o.writers, o.readers)
	}
	return o, nil
}
