package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	my "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/backends/backendtest"
)

// sent is a statement as the driver got it.
type sent struct {
	query string
	args  []any
}

// recorder makes connections that note what they are asked.
type recorder struct {
	driver.Connector

	mu    sync.Mutex
	sent  []sent
	trips int
}

func (r *recorder) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := r.Connector.Connect(ctx)
	return &recording{c, r}, err
}

// take returns what was asked since the last call.
func (r *recorder) take() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.sent
	r.sent = nil
	return all
}

// tripsOf returns how many round trips a call takes.
func (r *recorder) tripsOf(call func()) int {
	r.mu.Lock()
	before := r.trips
	r.mu.Unlock()
	call()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trips - before
}

type recording struct {
	driver.Conn

	r *recorder
}

func (c *recording) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.r.mu.Lock()
	c.r.trips++
	c.r.mu.Unlock()
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args) //nolint:forcetypeassert // as the driver's are
}

// QueryContext notes the statements of a packet that return rows.
func (c *recording) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args) //nolint:forcetypeassert // as the driver's are
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.trips++
	for statement := range strings.SplitSeq(query, ";") {
		var values []any
		for range strings.Count(statement, "?") {
			values = append(values, args[0].Value)
			args = args[1:]
		}
		if strings.HasPrefix(statement, "SELECT") {
			c.r.sent = append(c.r.sent, sent{statement, values})
		}
	}
	return rows, err
}

// fill makes a store that holds much.
var fill = slices.Concat([]string{
	"CREATE TEMPORARY TABLE numbers AS WITH RECURSIVE hundred (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hundred WHERE n < 99) " +
		"SELECT a.n + 100 * b.n + 10000 * c.n AS n FROM hundred AS a CROSS JOIN hundred AS b CROSS JOIN hundred AS c WHERE c.n < 6",
}, backendtest.HotRows("numbers"), []string{"ANALYZE TABLE instances, activities"})

// What a claim or the first page of a list reads does not grow with what has ended,
// waits, or can't be taken.
func TestHotQueriesReadWhatTheyReturn(t *testing.T) {
	r, db, own := recorded(t)
	for _, statement := range fill {
		if _, err := own.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%.60s: %v", statement, err)
		}
	}
	b, err := OpenWithDB(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, b)
	for _, tc := range backendtest.HotCalls() {
		t.Run(tc.Name, func(t *testing.T) {
			r.take()
			if n, err := tc.Call(t.Context(), b); err != nil || n == 0 {
				t.Fatalf("%d results, %v", n, err)
			}
			asked := r.take()
			if len(asked) == 0 {
				t.Fatal("nothing was asked")
			}
			for _, s := range asked {
				if n := rowsRead(t, own, s); n > tc.Most {
					t.Errorf("%d rows are read by\n%s\n%v\n%s", n, s.query, s.args, planOf(t, own, s))
				}
			}
		})
	}
}

// recorded returns two ways into a new store: one that notes what is asked, and one
// whose counters are the session's.
func recorded(t *testing.T) (r *recorder, db, own *sql.DB) {
	t.Helper()
	cfg, err := my.ParseDSN(newStore(t))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := my.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg = cfg.Clone()
	cfg.InterpolateParams, cfg.MultiStatements = true, true
	connector, err := my.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r = &recorder{Connector: connector}
	db, own = sql.OpenDB(r), sql.OpenDB(plain)
	t.Cleanup(func() { _, _ = db.Close(), own.Close() })
	own.SetMaxOpenConns(1)
	return r, db, own
}

// rowsRead runs a query again and returns how many rows or index entries it looked at.
func rowsRead(t *testing.T, db *sql.DB, s sent) (n int) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), "FLUSH STATUS"); err != nil {
		t.Fatal(err)
	}
	table(t, db, s.query, s.args...)
	for _, row := range table(t, db, "SHOW SESSION STATUS LIKE 'Handler_read%'") {
		value, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		n += value
	}
	return n
}

// planOf is what the server says of a query.
func planOf(t *testing.T, db *sql.DB, s sent) string {
	t.Helper()
	var text strings.Builder
	for _, row := range table(t, db, "EXPLAIN "+s.query, s.args...) {
		fmt.Fprintln(&text, row)
	}
	return text.String()
}

// table runs a query and returns all it says.
func table(t *testing.T, db *sql.DB, query string, args ...any) (all [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		fields, to, texts := make([]sql.NullString, len(names)), make([]any, len(names)), make([]string, len(names))
		for i := range fields {
			to[i] = &fields[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		for i := range fields {
			texts[i] = fields[i].String
		}
		all = append(all, texts)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
