package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// stmt is a statement as the store knows it.
type stmt struct {
	w     *wire
	query string
}

var (
	_ driver.StmtExecContext  = (*stmt)(nil)
	_ driver.StmtQueryContext = (*stmt)(nil)
	_ sqlstore.Deferrer       = (*stmt)(nil)
	_ sqlstore.Asker          = (*stmt)(nil)
)

// Close is part of driver.Stmt, as are NumInput, Exec and Query.
func (s *stmt) Close() error { return nil }

// NumInput leaves the counting to the driver.
func (s *stmt) NumInput() int { return -1 }

var errContext = errors.New("the store calls the forms with a context")

// Exec is not used.
func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, errContext }

// Query is not used.
func (s *stmt) Query([]driver.Value) (driver.Rows, error) { return nil, errContext }

// ExecContext runs the statement after what was deferred.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.w.exec(ctx, statement{query: s.query, args: clean(args)})
}

// QueryContext is ExecContext for rows.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.w.query(ctx, statement{query: s.query, args: clean(args)})
}

// DeferContext runs the statement together with the next one that is not deferred.
func (s *stmt) DeferContext(ctx context.Context, args []driver.NamedValue) error {
	return s.w.later(ctx, statement{query: s.query, args: clean(slices.Clone(args))})
}

// AskContext is QueryContext for rows that come with those of the next statement. It
// sends nothing by itself.
func (s *stmt) AskContext(_ context.Context, args []driver.NamedValue) error {
	asked := statement{query: s.query, args: clean(slices.Clone(args)), asks: true}
	s.w.queue = append(s.w.queue, asked)
	s.w.size += asked.size()
	return nil
}

// clean replaces in texts what is no UTF-8, which the server would refuse: an error
// message, say, may hold anything.
func clean(args []driver.NamedValue) []driver.NamedValue {
	for i := range args {
		if text, ok := args[i].Value.(string); ok {
			args[i].Value = strings.ToValidUTF8(text, "\uFFFD")
		}
	}
	return args
}

// ownRows gives its values to the caller. Those of the driver lie in its buffer,
// which the next row overwrites.
type ownRows struct{ driver.Rows }

// Next is part of driver.Rows.
func (r *ownRows) Next(dest []driver.Value) error {
	if err := r.Rows.Next(dest); err != nil {
		return err
	}
	size := 0
	for i, v := range dest {
		switch v := v.(type) {
		case []byte:
			size += len(v)
		case uint64: // a variable of the server
			dest[i] = int64(v) //nolint:gosec // which is small
		}
	}
	all := make([]byte, 0, size)
	for i, v := range dest {
		if b, ok := v.([]byte); ok {
			all = append(all, b...)
			dest[i] = all[len(all)-len(b) : len(all) : len(all)]
		}
	}
	return nil
}

// HasNextResultSet is part of driver.RowsNextResultSet, as is NextResultSet. What the
// driver returns for text implements it.
func (r *ownRows) HasNextResultSet() bool {
	sets, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && sets.HasNextResultSet()
}

// NextResultSet goes on to the rows of the next statement that has some.
func (r *ownRows) NextResultSet() error {
	sets, ok := r.Rows.(driver.RowsNextResultSet)
	if !ok {
		return lacks(r.Rows, "NextResultSet")
	}
	return sets.NextResultSet()
}

// readRows are rows of one or more statements that were read to their end.
type readRows struct {
	columns [][]string
	rows    [][][]driver.Value
}

// Columns is part of driver.Rows, as are Close and Next.
func (r *readRows) Columns() []string { return r.columns[0] }

// Close has nothing to do.
func (r *readRows) Close() error { return nil }

// Next hands out a row.
func (r *readRows) Next(dest []driver.Value) error {
	if len(r.rows[0]) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0][0])
	r.rows[0] = r.rows[0][1:]
	return nil
}

// HasNextResultSet is part of driver.RowsNextResultSet, as is NextResultSet.
func (r *readRows) HasNextResultSet() bool { return len(r.rows) > 1 }

// NextResultSet goes on to the rows of the next statement.
func (r *readRows) NextResultSet() error {
	if !r.HasNextResultSet() {
		return io.EOF
	}
	r.columns, r.rows = r.columns[1:], r.rows[1:]
	return nil
}

// add runs a prepared statement, which can be closed afterwards.
func (r *readRows) add(ctx context.Context, st driver.Stmt, args []driver.NamedValue) (err error) {
	q, ok := st.(driver.StmtQueryContext)
	if !ok {
		return lacks(st, "QueryContext")
	}
	found, err := q.QueryContext(ctx, args)
	if err != nil {
		return err
	}
	rows := &ownRows{found}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all [][]driver.Value
	for {
		row := make([]driver.Value, len(rows.Columns()))
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		all = append(all, row)
	}
	r.columns, r.rows = append(r.columns, rows.Columns()), append(r.rows, all)
	return nil
}
