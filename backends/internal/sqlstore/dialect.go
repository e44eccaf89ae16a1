package sqlstore

import (
	"context"
	"time"
)

// Dialect is what differs between database engines. Statements are written for
// all of them, with "?" for parameters, and ask the Dialect for the rest.
// Implementations are safe for concurrent use.
type Dialect interface {
	// Kind and Durability are for backend.Info.
	Kind() string
	Durability() string
	// Version asks the server or library for its version.
	Version(ctx context.Context, s *Session) (string, error)

	// Rebind rewrites the "?" of a statement into the engine's parameters. It is
	// called once for each statement and connection.
	Rebind(query string) string

	// Prepare is called once for each new connection, before anything else.
	Prepare(ctx context.Context, s *Session) error

	// Begin starts a transaction that may write. A relaxed one holds nothing but
	// leases and heartbeats: an acknowledged one may get lost with the machine, but
	// not before one that was acknowledged earlier.
	Begin(ctx context.Context, s *Session, relaxed bool) error

	// BeginSnapshot starts a transaction that only reads, and in which all statements
	// see the same state.
	BeginSnapshot(ctx context.Context, s *Session) error

	// Now is the store's clock at this moment, not at the start of the transaction.
	Now(ctx context.Context, s *Session) (time.Time, error)

	// Classify says what kind of error the driver returned.
	Classify(err error) Class
	// Remote reports whether each statement costs a round trip to a server on which
	// others write at the same time. Then a transaction loads what it needs in a few
	// statements, and does not take a locked row's first answer for the last.
	Remote() bool
	// Clock is an expression for what Now returns, in nanoseconds, or "" if there is
	// none.
	Clock() string

	// Contention returns how long a transaction that found the store busy or was
	// chosen as the victim of a deadlock is tried again.
	Contention() time.Duration

	// ForUpdate is appended to a SELECT that reads a row to change it; it locks the
	// row. SkipLocked is its form for claims.
	ForUpdate() string
	SkipLocked() string

	// ByID comes after the name of the table where executions are looked up by their
	// InstanceIDs, of which there may be many. It keeps an engine from reading, and
	// locking, the whole of a table that is still small.
	ByID() string

	// InQueue is the condition that claims begin with, on the queue ("?") of rows in
	// which a column is not NULL. An engine finds these by an index of their own.
	InQueue(column string) string

	// Kinds is a query for the status, queue and workflow of which there are instances,
	// or empty if the table "kinds" counts them.
	Kinds() string

	// Upsert returns an INSERT of one row that replaces the columns which are not
	// part of the key, if a row with that key exists.
	Upsert(table string, key, columns []string) string
	// Glob returns a condition on column that compares with a pattern, and the
	// parameter for it. "*" in pattern matches any run of characters.
	Glob(column, pattern string) (condition, parameter string)
	// Contains returns a condition on column that looks for a substring without
	// regard to the case of ASCII letters, and the parameter for it.
	Contains(column, substring string) (condition, parameter string)
	// NotEmpty is the condition that a text is not empty, in the form that the index of
	// such rows is for.
	NotEmpty(column string) string
	// JSONText is an expression for a string field of a JSON object in column.
	JSONText(column, field string) string

	// Migrations are in order; the number of a migration is its index plus one.
	Migrations() []Migration
	// Schema reads the number of the last migration that was applied, 0 for an empty
	// database. It returns an error that wraps engine.ErrNotAStore if the
	// database belongs to something else.
	Schema(ctx context.Context, s *Session) (int, error)
	// SetSchema stores the number, inside the transaction of the migration.
	SetSchema(ctx context.Context, s *Session, version int) error
	// LockSchema begins a transaction that keeps other processes from migrating
	// until it ends. It may wait, at most as long as Contention says.
	LockSchema(ctx context.Context, s *Session) error
	// UnlockSchema ends what LockSchema has begun beside the transaction.
	UnlockSchema(ctx context.Context, s *Session) error
}

// Class is the kind of an error of a driver.
type Class int

// The closed set of classes.
const (
	// Other is any error that the store does not treat in a way of its own.
	Other Class = iota
	// Busy: the store, or a row, is locked by somebody else. Nothing was changed
	// and the transaction may be tried again.
	Busy
	// Conflict: the transaction was rolled back because of another one: a deadlock,
	// or a key that another transaction has taken in the meantime. It may be tried
	// again at once.
	Conflict
	// Lost: the connection is gone or of no use any more. Unless COMMIT was sent,
	// nothing was changed.
	Lost
	// ReadOnly: the store does not take writes.
	ReadOnly
	// NotAStore: this is no database.
	NotAStore
	// Denied: the user of the connection lacks a permission.
	Denied
	// Repeated: what a statement of a migration makes is there. Only databases that
	// commit each of them by itself find that out.
	Repeated
)

// Migration is one step of the schema.
type Migration struct {
	Name       string
	Statements []string
}
