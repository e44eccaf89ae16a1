package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
)

// applicationID marks a file as ours, in the field that SQLite's file header has
// for that. It spells "wfop".
const applicationID = 0x77666f70

// dialect implements sqlstore.Dialect.
type dialect struct {
	options

	// copied is when the private copy was made that the store reads, or zero.
	copied time.Time

	log  writeLog
	sync logSync
	// apart tells that commits are synced by sync, not by SQLite.
	apart bool
}

var _ sqlstore.Dialect = (*dialect)(nil)

func (d *dialect) Kind() string { return "sqlite" }

func (d *dialect) Durability() string {
	switch {
	case !d.copied.IsZero():
		return "read-only, a private copy of " + d.copied.UTC().Format(time.RFC3339)
	case d.readOnly:
		return "read-only"
	}
	return "synchronous=" + string(d.synchronous)
}

func (d *dialect) Version(ctx context.Context, s *sqlstore.Session) (version string, err error) {
	_, err = s.QueryRow(ctx, "SELECT sqlite_version()", func(r *sqlstore.Row) { version = r.Text() })
	return version, err
}

// Rebind hides the parameters of a SELECT from the planner. Where it sees one in a
// comparison or a LIMIT of a statement that sorts or joins, it takes note that
// another value might want another plan, and prepares the statement again each
// time it runs, which takes five times as long as running it. A unary plus changes
// nothing else.
func (d *dialect) Rebind(query string) string {
	if !strings.HasPrefix(query, "SELECT ") {
		return query
	}
	return strings.ReplaceAll(query, "?", "+?")
}

// Prepare sets what SQLite keeps for each connection. Waiting for locks is left to
// the store, whose waits end with the caller's context.
func (d *dialect) Prepare(ctx context.Context, s *sqlstore.Session) error {
	level := d.synchronous
	if d.apart {
		level = Normal
		d.sync.moved.Store(true)
	}
	for _, pragma := range []string{
		"busy_timeout = 0",
		"synchronous = " + string(level),
		cacheSize,
		"temp_store = MEMORY",
		fmt.Sprintf("wal_autocheckpoint = %d", logPages),
	} {
		if err := runPragma(ctx, s, pragma); err != nil {
			return err
		}
	}
	return nil
}

func runPragma(ctx context.Context, s *sqlstore.Session, pragma string) error {
	return s.QueryOnce(ctx, "PRAGMA "+pragma, func(*sqlstore.Row) {})
}

// Begin takes the write lock at once. A transaction that began as a reader could
// find, at its first write, that what it has read is out of date.
//
// A relaxed transaction is not synced. A later one that is syncs the same log, with
// all that was written to it before.
func (d *dialect) Begin(ctx context.Context, s *sqlstore.Session, relaxed bool) error {
	if d.synchronous == Full && !d.apart && s.Relaxed() != relaxed {
		level := Full
		if relaxed {
			level = Normal
		}
		if err := runPragma(ctx, s, "synchronous = "+string(level)); err != nil {
			return err
		}
		s.SetRelaxed(relaxed)
	}
	if !relaxed {
		if err := d.log.grow(ctx, s); err != nil {
			return err
		}
	}
	_, err := s.Exec(ctx, "BEGIN IMMEDIATE")
	return err
}

func (d *dialect) BeginSnapshot(ctx context.Context, s *sqlstore.Session) error {
	_, err := s.Exec(ctx, "BEGIN")
	return err
}

// Now is the clock of this machine, which is where all processes that share the
// file run.
func (d *dialect) Now(context.Context, *sqlstore.Session) (time.Time, error) { return d.clock(), nil }

func (d *dialect) Remote() bool  { return false }
func (d *dialect) Clock() string { return "" }

func (d *dialect) Contention() time.Duration { return d.busyTimeout }

// The one writer has locked the whole database.
func (d *dialect) ForUpdate() string  { return "" }
func (d *dialect) SkipLocked() string { return "" }
func (d *dialect) ByID() string       { return "" }

// InQueue leaves it to the other conditions to say which rows they are.
func (d *dialect) InQueue(string) string { return "queue = ?" }

func (d *dialect) Kinds() string { return "" }

func (d *dialect) Upsert(table string, key, columns []string) string {
	var set []string
	for _, c := range columns[len(key):] {
		set = append(set, c+" = excluded."+c)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET %s",
		table, strings.Join(columns, ", "), strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", "),
		strings.Join(key, ", "), strings.Join(set, ", "))
}

func (d *dialect) Glob(column, pattern string) (condition, parameter string) {
	return column + " GLOB ?", strings.NewReplacer("?", "[?]", "[", "[[]").Replace(pattern)
}

// Contains uses LIKE, which in SQLite folds the case of ASCII letters only.
func (d *dialect) Contains(column, substring string) (condition, parameter string) {
	return column + ` LIKE ? ESCAPE '\'`, "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(substring) + "%"
}

func (d *dialect) NotEmpty(column string) string { return column + " <> ''" }

func (d *dialect) JSONText(column, field string) string {
	return "json_extract(" + column + ", '$." + field + "')"
}

func (d *dialect) Migrations() []sqlstore.Migration { return migrations() }

// Schema reads everything in one statement, and so in one state of the database.
func (d *dialect) Schema(ctx context.Context, s *sqlstore.Session) (int, error) {
	var application, version, objects int64
	err := s.QueryOnce(ctx, `SELECT (SELECT application_id FROM pragma_application_id()),
		(SELECT user_version FROM pragma_user_version()), (SELECT COUNT(*) FROM sqlite_schema)`,
		func(r *sqlstore.Row) { application, version, objects = r.Int(), r.Int(), r.Int() })
	switch {
	case err != nil:
		return 0, err
	case application == applicationID:
		return int(version), nil
	case application != 0 || version != 0 || objects != 0:
		return 0, fmt.Errorf("%w: it is the SQLite database of another application (application_id %d, user_version %d, %d tables and indexes)",
			engine.ErrNotAStore, application, version, objects)
	case d.readOnly:
		return 0, fmt.Errorf("%w: it is an empty database", engine.ErrNotAStore)
	}
	return 0, nil
}

// SetSchema also marks the file as ours, in the transaction that makes it so.
func (d *dialect) SetSchema(ctx context.Context, s *sqlstore.Session, version int) error {
	if err := runPragma(ctx, s, fmt.Sprintf("application_id = %d", applicationID)); err != nil {
		return err
	}
	return runPragma(ctx, s, fmt.Sprintf("user_version = %d", version))
}

func (d *dialect) LockSchema(ctx context.Context, s *sqlstore.Session) error {
	_, err := s.Exec(ctx, "BEGIN IMMEDIATE")
	return err
}

func (d *dialect) UnlockSchema(context.Context, *sqlstore.Session) error { return nil }

// The primary result codes that the store treats in a way of its own.
const (
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeFull     = 13
	codeNotADB   = 26
)

func (d *dialect) Classify(err error) sqlstore.Class {
	code, ok := errorCode(err)
	if !ok {
		return sqlstore.Other
	}
	switch code & 0xff {
	case codeBusy, codeLocked:
		return sqlstore.Busy
	case codeReadOnly:
		return sqlstore.ReadOnly
	case codeNotADB:
		return sqlstore.NotAStore
	}
	return sqlstore.Other
}

// foreignCode reads the code from the error of any driver that offers it in the
// way of modernc.org/sqlite, for stores opened with a *sql.DB.
func foreignCode(err error) (code int, ok bool) {
	type coded interface {
		error
		Code() int
	}
	if e, ok := errors.AsType[coded](err); ok {
		return e.Code(), true
	}
	return 0, false
}
