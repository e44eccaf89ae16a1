package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// ownConn is a connection that nobody else knows.
type ownConn struct{ w *wire }

func (c ownConn) Use(fn func(driver.Conn) error) error { return fn(c.w) }
func (c ownConn) Close() error                         { return c.w.Close() }

// connect makes connections of the store's own.
func connect(to driver.Connector) sqlstore.Opener {
	return func(ctx context.Context) (sqlstore.Conn, error) {
		dc, err := to.Connect(ctx)
		if err != nil {
			return nil, explain(err)
		}
		return ownConn{newWire(ctx, dc)}, nil
	}
}

// lentConn is a connection of the user's *sql.DB, taken out of its pool for as long
// as the store needs it.
type lentConn struct {
	conn *sql.Conn
	w    *wire
}

func (c *lentConn) Use(fn func(driver.Conn) error) error {
	return c.conn.Raw(func(any) error { return fn(c.w) })
}

// Close gives the connection back, to be thrown away: the store has changed its
// settings.
func (c *lentConn) Close() error {
	err := c.conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

func lend(db *sql.DB) sqlstore.Opener {
	return func(ctx context.Context) (sqlstore.Conn, error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, fmt.Errorf("taking a connection out of the pool: %w", explain(err))
		}
		c := &lentConn{conn: conn}
		err = conn.Raw(func(dc any) error {
			raw, ok := dc.(driver.Conn)
			if !ok {
				return fmt.Errorf("%T is not a driver.Conn", dc)
			}
			c.w = newWire(ctx, raw)
			return nil
		})
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return c, nil
	}
}
