package mysql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
)

// dialect implements sqlstore.Dialect in what MySQL 8 and MariaDB have in common.
type dialect struct {
	options

	durability atomic.Value // string, as the server says
}

var _ sqlstore.Dialect = (*dialect)(nil)

func (d *dialect) Kind() string { return "mysql" }

// Durability is what the server is set up for: a connection can't choose.
func (d *dialect) Durability() string {
	if d.readOnly {
		return "read-only"
	}
	text, _ := d.durability.Load().(string)
	return text
}

func (d *dialect) Version(ctx context.Context, s *sqlstore.Session) (version string, err error) {
	_, err = s.QueryRow(ctx, "SELECT VERSION()", func(r *sqlstore.Row) { version = r.Text() })
	return version, err
}

func (d *dialect) Rebind(query string) string { return query }

// sqlMode has none of the modes that change what a statement means, like
// ANSI_QUOTES, and refuses values that don't fit instead of cutting them.
const sqlMode = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

// Prepare makes the connection independent of how the server and the user's DSN are
// set up. In the isolation level READ COMMITTED each statement sees what was
// committed when it began, also what was committed while the one before waited for
// a lock; and there are no locks on gaps, which deadlock.
func (d *dialect) Prepare(ctx context.Context, s *sqlstore.Session) error {
	wait := max(1, int(d.busyTimeout/time.Second))
	statements := []string{
		"SET NAMES utf8mb4 COLLATE utf8mb4_bin",
		"SET SESSION sql_mode = '" + sqlMode + "', time_zone = '+00:00', autocommit = 1, innodb_lock_wait_timeout = " + fmt.Sprint(wait),
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	}
	if d.readOnly {
		statements = append(statements, "SET SESSION TRANSACTION READ ONLY")
	}
	for _, query := range statements {
		if err := s.Send(ctx, query); err != nil {
			return err
		}
	}
	return d.settings(ctx, s)
}

// settings looks at what the administrator has chosen.
func (d *dialect) settings(ctx context.Context, s *sqlstore.Session) error {
	var flush, logged, sync int64
	var format string
	err := s.QueryOnce(ctx, "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog, @@binlog_format", func(r *sqlstore.Row) {
		flush, logged, sync, format = r.Int(), r.Int(), r.Int(), r.Text()
	})
	if err != nil {
		return err
	}
	text := fmt.Sprintf("innodb_flush_log_at_trx_commit=%d", flush)
	if logged != 0 {
		text += fmt.Sprintf(" sync_binlog=%d", sync)
		if format == "STATEMENT" {
			return fmt.Errorf("%w: the server's binlog_format is STATEMENT; the store needs ROW or MIXED", engine.ErrInvalidArgument)
		}
	}
	d.durability.Store(text)
	return nil
}

// makeReady makes sure that the database can be written: a replica answers everything
// else.
func (d *dialect) makeReady(ctx context.Context, s *sqlstore.Session) error {
	_, err := s.Exec(ctx, "DELETE FROM wakes WHERE pk < 0")
	return err
}

// Begin does not wait for the answer. Whether a commit is synced is a setting of the
// server, and so relaxed transactions are like all others.
func (d *dialect) Begin(ctx context.Context, s *sqlstore.Session, _ bool) error {
	return s.Send(ctx, "START TRANSACTION")
}

// BeginSnapshot sets the isolation level of the next transaction only.
func (d *dialect) BeginSnapshot(ctx context.Context, s *sqlstore.Session) error {
	if err := s.Send(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
		return err
	}
	return s.Send(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
}

// clockColumn is the server's clock in microseconds, at the moment when it is read
// and not when the statement or the transaction began. It holds in every year, in
// sessions whose time zone is UTC.
const clockColumn = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(6))"

func (d *dialect) Now(ctx context.Context, s *sqlstore.Session) (now time.Time, err error) {
	if d.clock != nil {
		return d.clock(), nil
	}
	_, err = s.QueryRow(ctx, "SELECT "+clockColumn, func(r *sqlstore.Row) { now = time.UnixMicro(r.Int()) })
	return now, err
}

func (d *dialect) Remote() bool { return true }

func (d *dialect) Clock() string {
	if d.clock != nil {
		return ""
	}
	return clockColumn + " * 1000"
}

func (d *dialect) Contention() time.Duration { return d.busyTimeout }

func (d *dialect) ForUpdate() string  { return " FOR UPDATE" }
func (d *dialect) SkipLocked() string { return " FOR UPDATE SKIP LOCKED" }

func (d *dialect) ByID() string { return " FORCE INDEX (instances_id)" }

// InQueue uses columns that hold the queue where another column is not NULL: an index
// holds all rows.
func (d *dialect) InQueue(column string) string {
	return strings.TrimSuffix(column, "_at") + "_queue = ?"
}

// Kinds groups by the first columns of an index, and the server hops from one group to
// the next.
func (d *dialect) Kinds() string {
	return "SELECT status, queue, workflow FROM instances GROUP BY status, queue, workflow"
}

// Upsert uses VALUES(), the one form that both products know.
func (d *dialect) Upsert(table string, key, columns []string) string {
	var set []string
	for _, c := range columns[len(key):] {
		set = append(set, c+" = VALUES("+c+")")
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON DUPLICATE KEY UPDATE %s",
		table, strings.Join(columns, ", "), strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", "), strings.Join(set, ", "))
}

// escaped is a pattern for LIKE with '|' as the escape.
var escaped = strings.NewReplacer("|", "||", "%", "|%", "_", "|_")

func (d *dialect) Glob(column, pattern string) (condition, parameter string) {
	return column + " LIKE ? ESCAPE '|'", strings.ReplaceAll(escaped.Replace(pattern), "*", "%")
}

// Contains looks with LOWER first, which folds the letters of all alphabets and so
// finds too much, and among what that finds with ASCII letters folded alone.
func (d *dialect) Contains(column, substring string) (condition, parameter string) {
	folded := column
	for c := 'A'; c <= 'Z'; c++ {
		folded = fmt.Sprintf("REPLACE(%s, '%c', '%c')", folded, c, c+'a'-'A')
	}
	lower := strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, substring)
	return "(SELECT LOCATE(LOWER(w.word), LOWER(" + column + ")) > 0 AND LOCATE(w.word, " + folded +
		") > 0 FROM (SELECT ? AS word) AS w)", lower
}

// NotEmpty uses a column for each text that is asked about.
func (d *dialect) NotEmpty(column string) string { return "has_" + column + " = 1" }

func (d *dialect) JSONText(column, field string) string {
	return "JSON_UNQUOTE(JSON_EXTRACT(" + column + ", '$." + field + "'))"
}

//go:embed migrations/*.sql
var migrationFiles embed.FS

var migrations = sync.OnceValue(func() []sqlstore.Migration { return sqlstore.ReadMigrations(migrationFiles) })

func (d *dialect) Migrations() []sqlstore.Migration { return migrations() }

// schemaTable marks a database as ours and holds the number of the last migration.
const schemaTable = "CREATE TABLE IF NOT EXISTS wfops_schema (one TINYINT NOT NULL PRIMARY KEY, version INT NOT NULL) ENGINE = InnoDB"

func (d *dialect) Schema(ctx context.Context, s *sqlstore.Session) (version int, err error) {
	var tables, ours int64
	err = s.QueryOnce(ctx, `SELECT COUNT(*), COALESCE(SUM(table_name = 'wfops_schema'), 0) FROM information_schema.tables
		WHERE table_schema = DATABASE()`, func(r *sqlstore.Row) { tables, ours = r.Int(), r.Int() })
	switch {
	case err != nil:
		return 0, err
	case ours > 0:
		err = s.QueryOnce(ctx, "SELECT version FROM wfops_schema", func(r *sqlstore.Row) { version = int(r.Int()) })
		return version, err
	case tables > 0:
		return 0, fmt.Errorf("%w: it is the database of another application (%d tables); create one for wfops alone", engine.ErrNotAStore, tables)
	case d.readOnly:
		return 0, fmt.Errorf("%w: it is an empty database", engine.ErrNotAStore)
	}
	return 0, nil
}

func (d *dialect) SetSchema(ctx context.Context, s *sqlstore.Session, version int) error {
	return s.Send(ctx, "INSERT INTO wfops_schema (one, version) VALUES (1, ?) ON DUPLICATE KEY UPDATE version = VALUES(version)", version)
}

// schemaLock is the name of a lock that sessions hold, not transactions: statements
// that change tables end these.
const schemaLock = "CONCAT('wfops:', MD5(DATABASE()))"

// LockSchema also marks the database as ours, so that a program that dies between
// two statements of a migration leaves something that the next one goes on with.
func (d *dialect) LockSchema(ctx context.Context, s *sqlstore.Session) error {
	locked := false
	err := s.QueryOnce(ctx, "SELECT GET_LOCK("+schemaLock+", ?)", func(r *sqlstore.Row) { locked = r.Bool() }, max(1, int(d.busyTimeout/time.Second)))
	if err != nil {
		return err
	}
	if !locked {
		return errMigrating
	}
	if _, err := s.Exec(ctx, schemaTable); err != nil {
		return errors.Join(err, d.UnlockSchema(ctx, s))
	}
	return d.Begin(ctx, s, false)
}

// UnlockSchema lets others migrate.
func (d *dialect) UnlockSchema(ctx context.Context, s *sqlstore.Session) error {
	return s.QueryOnce(ctx, "SELECT RELEASE_LOCK("+schemaLock+")", func(*sqlstore.Row) {})
}
