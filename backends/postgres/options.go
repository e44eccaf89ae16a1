package postgres

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	readOnly     bool
	noMigrations bool
	schema       string
	writers      int
	readers      int
	lockTimeout  time.Duration
	silent       bool
	// clock replaces the server's, in tests.
	clock func() time.Time
}

// DefaultLanes is how many transactions write at a time, unless WithLanes says
// otherwise.
const DefaultLanes = 4

// DefaultLockTimeout is how long a call waits for rows that others have locked.
const DefaultLockTimeout = 10 * time.Second

// ReadOnly opens an existing store for reading. No migration runs, and the server
// itself refuses writes, on every connection.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// WithoutMigrations fails with engine.ErrSchemaVersion if the schema is not
// current, instead of migrating it. See MigrationStatements.
func WithoutMigrations() Option { return func(o *options) { o.noMigrations = true } }

// WithSchema keeps the tables in a schema of that name, which is created if it is
// missing. Behind a pooler in transaction mode, set the search_path of the role
// instead.
func WithSchema(name string) Option { return func(o *options) { o.schema = name } }

// WithLanes sets how many transactions write at a time, each on a connection of its
// own. As many connections again, at most, read.
func WithLanes(n int) Option { return func(o *options) { o.writers, o.readers = n, n } }

// WithLockTimeout sets how long a call waits for rows that others have locked, before
// it answers engine.ErrBusy.
func WithLockTimeout(d time.Duration) Option { return func(o *options) { o.lockTimeout = d } }

// WithoutNotifications looks for what other processes have changed, up to once a
// second, instead of telling and hearing it by NOTIFY and LISTEN.
func WithoutNotifications() Option { return func(o *options) { o.silent = true } }

// newOptions comes first wherever a store is opened, so that a process that must not
// reach one gets no further.
func newOptions(opts []Option) (options, error) {
	o := options{writers: DefaultLanes, readers: DefaultLanes, lockTimeout: DefaultLockTimeout}
	if err := engine.CheckLive("postgres: opening a store"); err != nil {
		return o, err
	}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case o.writers < 1:
		return o, fmt.Errorf("postgres: %w: there are %d lanes, at least one is needed", engine.ErrInvalidArgument, o.writers)
	case o.lockTimeout <= 0:
		return o, fmt.Errorf("postgres: %w: the lock timeout is %s", engine.ErrInvalidArgument, o.lockTimeout)
	case len(o.schema) > maxIdentifier:
		return o, fmt.Errorf("postgres: %w: the name of the schema has %d bytes, PostgreSQL allows %d",
			engine.ErrInvalidArgument, len(o.schema), maxIdentifier)
	}
	return o, nil
}

// maxIdentifier is how long names of schemas, tables and channels can be. The server
// cuts longer ones without an error.
const maxIdentifier = 63
