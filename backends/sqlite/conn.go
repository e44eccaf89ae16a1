package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// ownConn is a connection that nobody else knows.
type ownConn struct{ dc driver.Conn }

func (c ownConn) Use(fn func(driver.Conn) error) error { return fn(c.dc) }
func (c ownConn) Close() error                         { return c.dc.Close() }

// opener returns connections to a URI. Those that only read are told to SQLite.
func opener(uri string, queryOnly bool) sqlstore.Opener {
	return func(ctx context.Context) (sqlstore.Conn, error) {
		dc, err := openDriver(uri)
		if err != nil {
			return nil, fmt.Errorf("opening a connection: %w", err)
		}
		if queryOnly {
			if err := execOn(ctx, dc, "PRAGMA query_only = 1"); err != nil {
				return nil, errors.Join(err, dc.Close())
			}
		}
		return ownConn{dc}, nil
	}
}

// lentConn is a connection of the user's *sql.DB, taken out of its pool for as long
// as the store needs it.
type lentConn struct {
	conn *sql.Conn
	// memory: the connection is the database.
	memory bool
}

func (c lentConn) Use(fn func(driver.Conn) error) error {
	return c.conn.Raw(func(dc any) error {
		conn, ok := dc.(driver.Conn)
		if !ok {
			return fmt.Errorf("%T is not a driver.Conn", dc)
		}
		return fn(conn)
	})
}

// Close gives the connection back, to be thrown away: the store has changed its
// PRAGMAs.
func (c lentConn) Close() error {
	if c.memory {
		return c.conn.Close()
	}
	err := c.conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

func lender(db *sql.DB, memory, queryOnly bool) sqlstore.Opener {
	return func(ctx context.Context) (sqlstore.Conn, error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, fmt.Errorf("taking a connection out of the pool: %w", err)
		}
		c := lentConn{conn: conn, memory: memory}
		if queryOnly {
			err = c.Use(func(dc driver.Conn) error { return execOn(ctx, dc, "PRAGMA query_only = 1") })
			if err != nil {
				return nil, errors.Join(err, c.Close())
			}
		}
		return c, nil
	}
}

// execOn runs one statement without parameters.
func execOn(ctx context.Context, dc driver.Conn, query string) (err error) {
	p, ok := dc.(driver.ConnPrepareContext)
	if !ok {
		return fmt.Errorf("driver %T lacks PrepareContext", dc)
	}
	stmt, err := p.PrepareContext(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	ex, ok := stmt.(driver.StmtExecContext)
	if !ok {
		return fmt.Errorf("driver %T lacks ExecContext", stmt)
	}
	if _, err := ex.ExecContext(ctx, nil); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}
