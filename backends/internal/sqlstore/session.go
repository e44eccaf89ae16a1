package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Conn is one connection to the database. Only one goroutine uses it at a time.
type Conn interface {
	// Use calls fn with the driver's connection, which must not be used after fn
	// has returned.
	Use(fn func(driver.Conn) error) error
	Close() error
}

// Opener makes connections. It is called concurrently.
type Opener func(ctx context.Context) (Conn, error)

// Session runs statements on one connection. It talks to the driver without
// database/sql, whose locking, argument checks and context handling cost more
// than an SQLite statement does.
type Session struct {
	conn    Conn
	dc      driver.Conn // nil outside of use
	rebind  func(string) string
	fail    *failpoint
	stmts   map[string]driver.Stmt
	args    []driver.NamedValue
	relaxed bool
	broken  bool
}

func newSession(conn Conn, d Dialect, fail *failpoint) *Session {
	return &Session{conn: conn, rebind: d.Rebind, fail: fail, stmts: map[string]driver.Stmt{}}
}

// failpoint lets tests break off after any statement.
type failpoint struct {
	after func(query string) error // nil except in tests
}

func (f *failpoint) reach(query string) error {
	if f.after == nil {
		return nil
	}
	return f.after(query)
}

// use makes the connection available to fn.
func (s *Session) use(fn func() error) error {
	return s.conn.Use(func(dc driver.Conn) error {
		s.dc = dc
		defer func() { s.dc = nil }()
		return fn()
	})
}

// close gives the connection back. Statements go first: a driver that closes a
// connection with open statements may keep its file open.
func (s *Session) close() error {
	errs := []error{s.use(func() error {
		var errs []error
		for _, stmt := range s.stmts {
			errs = append(errs, stmt.Close())
		}
		return errors.Join(errs...)
	})}
	return errors.Join(append(errs, s.conn.Close())...)
}

// SetRelaxed remembers which kind of transaction the connection is set up for,
// and Relaxed returns it, so that a Dialect need not set it up again.
func (s *Session) SetRelaxed(relaxed bool) { s.relaxed = relaxed }

// Relaxed returns what SetRelaxed was given, false at first.
func (s *Session) Relaxed() bool { return s.relaxed }

// Exec runs a statement that returns no rows and reports how many rows it
// changed.
func (s *Session) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := s.exec(ctx, query, args)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("counting changed rows: %w", err)
	}
	return n, nil
}

// Deferrer is a driver.Stmt that can be sent together with the next one. Its errors
// are those of the statement that it is sent with.
type Deferrer interface {
	DeferContext(ctx context.Context, args []driver.NamedValue) error
}

// Send runs a statement whose outcome only matters if it fails. It may run as late as
// with the next statement.
func (s *Session) Send(ctx context.Context, query string, args ...any) error {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return err
	}
	later, ok := stmt.(Deferrer)
	if !ok {
		_, err := s.run(ctx, stmt, query, args)
		return err
	}
	named, err := s.bind(args)
	if err != nil {
		return err
	}
	if err := later.DeferContext(ctx, named); err != nil {
		return s.failed(query, err)
	}
	return s.fail.reach(query)
}

// Insert runs an INSERT and returns the key that the database gave the row. It is for
// engines whose driver knows it: on a server, nobody waits for the answer.
func (s *Session) Insert(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := s.exec(ctx, query, args)
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return 0, fmt.Errorf("reading the key of a new row: %w", err)
	}
	return id, nil
}

// Query runs a statement and calls each for every row. The Row is valid during
// the call only; each must not run other statements.
func (s *Session) Query(ctx context.Context, query string, each func(*Row), args ...any) error {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return err
	}
	return s.query(ctx, stmt, query, each, args)
}

// QueryOnce is Query for statements that are unlikely to come again: it does not
// keep them.
func (s *Session) QueryOnce(ctx context.Context, query string, each func(*Row), args ...any) (err error) {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	return s.query(ctx, stmt, query, each, args)
}

// QueryRow runs a statement that returns at most one row and reports whether it
// did.
func (s *Session) QueryRow(ctx context.Context, query string, scan func(*Row), args ...any) (found bool, err error) {
	err = s.Query(ctx, query, func(r *Row) {
		found = true
		scan(r)
	}, args...)
	return found, err
}

func (s *Session) exec(ctx context.Context, query string, args []any) (driver.Result, error) {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.run(ctx, stmt, query, args)
}

func (s *Session) run(ctx context.Context, stmt driver.Stmt, query string, args []any) (driver.Result, error) {
	named, err := s.bind(args)
	if err != nil {
		return nil, err
	}
	ex, ok := stmt.(driver.StmtExecContext)
	if !ok {
		return nil, fmt.Errorf("driver %T lacks ExecContext", stmt)
	}
	res, err := ex.ExecContext(ctx, named)
	if err != nil {
		return nil, s.failed(query, err)
	}
	return res, s.fail.reach(query)
}

func (s *Session) query(ctx context.Context, stmt driver.Stmt, query string, each func(*Row), args []any) (err error) {
	rows, err := s.begin(ctx, stmt, query, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if err := s.scan(rows, query, each); err != nil {
		return err
	}
	return s.fail.reach(query)
}

// begin runs a statement that returns rows.
func (s *Session) begin(ctx context.Context, stmt driver.Stmt, query string, args []any) (driver.Rows, error) {
	named, err := s.bind(args)
	if err != nil {
		return nil, err
	}
	q, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		return nil, fmt.Errorf("driver %T lacks QueryContext", stmt)
	}
	rows, err := q.QueryContext(ctx, named)
	if err != nil {
		return nil, s.failed(query, err)
	}
	return rows, nil
}

// scan reads the rows that a statement has returned.
func (s *Session) scan(rows driver.Rows, query string, each func(*Row)) error {
	row := Row{vals: make([]driver.Value, len(rows.Columns()))}
	for {
		if err := rows.Next(row.vals); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return s.failed(query, err)
		}
		row.at = 0
		each(&row)
		if row.err != nil {
			return fmt.Errorf("reading a row of %.60q: %w", query, row.err)
		}
	}
}

func (s *Session) prepared(ctx context.Context, query string) (driver.Stmt, error) {
	if stmt, ok := s.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = stmt
	return stmt, nil
}

func (s *Session) prepare(ctx context.Context, query string) (driver.Stmt, error) {
	p, ok := s.dc.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("driver %T lacks PrepareContext", s.dc)
	}
	stmt, err := p.PrepareContext(ctx, s.rebind(query))
	if err != nil {
		return nil, s.failed(query, err)
	}
	return stmt, nil
}

func (s *Session) failed(query string, err error) error {
	if v, ok := s.dc.(driver.Validator); errors.Is(err, driver.ErrBadConn) || ok && !v.IsValid() {
		s.broken = true
	}
	return fmt.Errorf("%.60q: %w", query, err)
}

// bind turns arguments into what drivers take. The slice is reused by the next
// statement.
func (s *Session) bind(args []any) ([]driver.NamedValue, error) {
	s.args = s.args[:0]
	for i, arg := range args {
		var v driver.Value
		switch a := arg.(type) {
		case nil, int64, string, []byte:
			v = a
		case int:
			v = int64(a)
		case bool:
			v = int64(0)
			if a {
				v = int64(1)
			}
		case history.Encoded:
			v = []byte(a)
		case engine.Payload:
			v = []byte(a)
		case engine.Queue:
			v = string(a)
		case engine.Status:
			v = string(a)
		default:
			return nil, fmt.Errorf("argument %d has type %T, which is not bound", i+1, arg)
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return s.args, nil
}

// Once runs fn on a connection of its own.
func Once(ctx context.Context, d Dialect, open Opener, fn func(*Session) error) (err error) {
	conn, err := open(ctx)
	if err != nil {
		return err
	}
	s := newSession(conn, d, &failpoint{})
	defer func() { err = errors.Join(err, s.close()) }()
	return s.use(func() error { return fn(s) })
}
