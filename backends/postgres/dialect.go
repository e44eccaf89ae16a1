package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
)

// dialect implements sqlstore.Dialect.
type dialect struct {
	options

	// pooled: transactions of one connection may run on different connections of the
	// server.
	pooled atomic.Bool

	mu         sync.Mutex
	durability string // as the server of the last connection is set
}

var _ sqlstore.Dialect = (*dialect)(nil)

// Kind implements sqlstore.Dialect.
func (d *dialect) Kind() string { return "postgres" }

// Durability implements sqlstore.Dialect.
func (d *dialect) Durability() string {
	if d.readOnly {
		return "read-only"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.durability
}

// Version implements sqlstore.Dialect.
func (d *dialect) Version(ctx context.Context, s *sqlstore.Session) (version string, err error) {
	_, err = s.QueryRow(ctx, "SELECT current_setting('server_version')", func(r *sqlstore.Row) { version = r.Text() })
	return version, err
}

// Rebind implements sqlstore.Dialect.
func (d *dialect) Rebind(query string) string { return rebind(query) }

// rebind numbers the parameters. No statement has a "?" in a text.
func rebind(query string) string {
	var b strings.Builder
	b.Grow(len(query) + 16)
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// Prepare asks the server for what the store depends on. Settings are made where the
// connection is opened, see setUp.
func (d *dialect) Prepare(ctx context.Context, s *sqlstore.Session) error {
	return s.QueryOnce(ctx, "SELECT 'synchronous_commit=' || current_setting('synchronous_commit') || ', fsync=' || current_setting('fsync')",
		func(r *sqlstore.Row) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.durability = r.Text()
		})
}

// Begin names the isolation level, because the default may be another. Each
// statement sees what was committed before it; what a transaction is going to change it
// has locked.
//
// A relaxed transaction does not wait for the log to reach the disk. The log has an
// order, so a later transaction that waits takes it along.
func (d *dialect) Begin(ctx context.Context, s *sqlstore.Session, relaxed bool) error {
	if err := s.Send(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
		return err
	}
	if d.pooled.Load() {
		if err := s.Send(ctx, "SELECT "+settingCalls(writeSettings, true)); err != nil {
			return err
		}
	}
	if !relaxed {
		return nil
	}
	return s.Send(ctx, "SET LOCAL synchronous_commit = off")
}

// BeginSnapshot implements sqlstore.Dialect.
func (d *dialect) BeginSnapshot(ctx context.Context, s *sqlstore.Session) error {
	return s.Send(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}

// setting is a parameter of the server, with the reason for its value.
type setting struct{ name, value string }

var (
	// The compiler takes a tenth of a second for what runs in a thousandth.
	readSettings = []setting{{"jit", "off"}}

	// A notification need not survive the server.
	notifySettings = []setting{{"synchronous_commit", "off"}}

	writeSettings = []setting{
		{"jit", "off"},
		// The server looks for a deadlock after a second; who gives up earlier and tries
		// again ends it.
		{"lock_timeout", "500ms"},
		// A process that was stopped inside a transaction loses its locks.
		{"idle_in_transaction_session_timeout", "30s"},
		// What writes reads by an index. The planner, while it has seen a table small only,
		// would read the whole of it.
		{"enable_seqscan", "off"},
	}
)

// settingCalls sets parameters in the list of a SELECT, for a transaction or for the
// connection.
func settingCalls(settings []setting, local bool) string {
	calls := make([]string, len(settings))
	for i, x := range settings {
		calls[i] = fmt.Sprintf("set_config('%s', '%s', %t)", x.name, x.value, local)
	}
	return strings.Join(calls, ", ")
}

// Remote implements sqlstore.Dialect.
func (d *dialect) Remote() bool { return true }

// Clock reads the clock at the moment of the statement; now() is when the transaction
// began.
func (d *dialect) Clock() string {
	if d.clock != nil {
		return ""
	}
	return "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT * 1000"
}

// Now implements sqlstore.Dialect.
func (d *dialect) Now(ctx context.Context, s *sqlstore.Session) (now time.Time, err error) {
	if d.clock != nil {
		return d.clock(), nil
	}
	_, err = s.QueryRow(ctx, "SELECT "+d.Clock(), func(r *sqlstore.Row) { now = time.Unix(0, r.Int()) })
	return now, err
}

// Contention implements sqlstore.Dialect.
func (d *dialect) Contention() time.Duration { return d.lockTimeout }

// ForUpdate implements sqlstore.Dialect.
func (d *dialect) ForUpdate() string { return " FOR UPDATE" }

// SkipLocked implements sqlstore.Dialect.
func (d *dialect) SkipLocked() string { return " FOR UPDATE SKIP LOCKED" }

// ByID implements sqlstore.Dialect. Connections that write don't scan tables, see
// writeSettings.
func (d *dialect) ByID() string { return "" }

// InQueue says which rows an index holds.
func (d *dialect) InQueue(column string) string { return "queue = ? AND " + column + " IS NOT NULL" }

// Kinds hops through an index from one status to the next, then for each from one
// queue to the next, and so on: there are few, in however many rows.
func (d *dialect) Kinds() string { return kinds }

const kinds = `WITH RECURSIVE a AS (
		SELECT MIN(status) AS status FROM instances
		UNION ALL SELECT (SELECT MIN(i.status) FROM instances AS i WHERE i.status > a.status) FROM a WHERE a.status IS NOT NULL
	), b AS (
		SELECT status, (SELECT MIN(i.queue) FROM instances AS i WHERE i.status = a.status) AS queue FROM a WHERE status IS NOT NULL
		UNION ALL SELECT status, (SELECT MIN(i.queue) FROM instances AS i WHERE i.status = b.status AND i.queue > b.queue) FROM b WHERE queue IS NOT NULL
	), c AS (
		SELECT status, queue, (SELECT MIN(i.workflow) FROM instances AS i WHERE i.status = b.status AND i.queue = b.queue) AS workflow
			FROM b WHERE queue IS NOT NULL
		UNION ALL SELECT status, queue, (SELECT MIN(i.workflow) FROM instances AS i
			WHERE i.status = c.status AND i.queue = c.queue AND i.workflow > c.workflow) FROM c WHERE workflow IS NOT NULL
	)
	SELECT status, queue, workflow FROM c WHERE workflow IS NOT NULL`

// Upsert implements sqlstore.Dialect.
func (d *dialect) Upsert(table string, key, columns []string) string {
	var set []string
	for _, c := range columns[len(key):] {
		set = append(set, c+" = excluded."+c)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET %s",
		table, strings.Join(columns, ", "), strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", "),
		strings.Join(key, ", "), strings.Join(set, ", "))
}

// likeReplacer escapes what LIKE treats in a way of its own.
var likeReplacer = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// Glob uses LIKE, which compares with the collation of the column: byte by byte.
func (d *dialect) Glob(column, pattern string) (condition, parameter string) {
	return column + ` LIKE ?`, strings.ReplaceAll(likeReplacer.Replace(pattern), "*", "%")
}

// Contains uses ILIKE, which with the collation "C" folds the case of ASCII letters
// only.
func (d *dialect) Contains(column, substring string) (condition, parameter string) {
	return column + ` ILIKE ?`, "%" + likeReplacer.Replace(substring) + "%"
}

// NotEmpty implements sqlstore.Dialect.
func (d *dialect) NotEmpty(column string) string { return column + " <> ''" }

// JSONText implements sqlstore.Dialect. The type is json and not jsonb, which would
// refuse an object for a text that it can't hold in another field.
func (d *dialect) JSONText(column, field string) string {
	return "(" + column + "::json ->> '" + field + "')"
}

// Migrations implements sqlstore.Dialect.
func (d *dialect) Migrations() []sqlstore.Migration { return migrations() }

// The tables are looked up in the catalog, as of the statement. The functions for that,
// such as to_regclass, may answer out of a cache from before a lock was waited for.
const (
	ofSchema = "FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
	isMarked = "EXISTS (SELECT 1 " + ofSchema + " AND relname = 'wfops_schema')"
)

// Schema looks for the mark in the schema that tables are created in. A schema without
// it may hold other tables, as long as none has the name of one of ours.
func (d *dialect) Schema(ctx context.Context, s *sqlstore.Session) (version int, err error) {
	marked, taken := false, ""
	_, err = s.QueryRow(ctx, "SELECT "+isMarked+", (SELECT MIN(relname::TEXT) "+ofSchema+` AND relname IN
			('instances', 'history', 'inbox', 'timers', 'activities', 'closings', 'tags', 'deliveries', 'workers', 'wakes'))`,
		func(r *sqlstore.Row) { marked, taken = r.Bool(), r.Text() })
	switch {
	case err != nil:
		return 0, err
	case marked:
		_, err = s.QueryRow(ctx, "SELECT version FROM wfops_schema", func(r *sqlstore.Row) { version = int(r.Int()) })
		return version, err
	case taken != "":
		return 0, fmt.Errorf("%w: the schema holds a table %s of another application; give the store a schema of its own, see WithSchema",
			engine.ErrNotAStore, taken)
	case d.readOnly:
		return 0, fmt.Errorf("%w: the schema has no tables of a store", engine.ErrNotAStore)
	}
	return 0, nil
}

// SetSchema implements sqlstore.Dialect.
func (d *dialect) SetSchema(ctx context.Context, s *sqlstore.Session, version int) error {
	_, err := s.Exec(ctx, "UPDATE wfops_schema SET version = ?", version)
	return err
}

// LockSchema also creates what the mark needs. The lock ends with the transaction.
func (d *dialect) LockSchema(ctx context.Context, s *sqlstore.Session) error {
	if _, err := s.Exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
		return err
	}
	err := d.prepareSchema(ctx, s)
	if err != nil {
		_, _ = s.Exec(context.WithoutCancel(ctx), "ROLLBACK") // the error says more
	}
	return err
}

// UnlockSchema does nothing: the lock has ended with the transaction.
func (d *dialect) UnlockSchema(context.Context, *sqlstore.Session) error { return nil }

func (d *dialect) prepareSchema(ctx context.Context, s *sqlstore.Session) error {
	if _, err := s.Exec(ctx, lockSchema); err != nil {
		return err
	}
	if d.schema != "" {
		if _, err := s.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+quoted(d.schema)); err != nil {
			return err
		}
	}
	marked := false
	_, err := s.QueryRow(ctx, "SELECT "+isMarked, func(r *sqlstore.Row) { marked = r.Bool() })
	if err != nil || marked {
		return err
	}
	for _, query := range []string{createMark, insertMark} {
		if _, err := s.Exec(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// quoted is an identifier for SQL.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
