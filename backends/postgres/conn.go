package postgres

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
)

// connectTimeout bounds how long it takes to connect, where the connection string does
// not.
const connectTimeout = 10 * time.Second

// ownConn is a connection that nobody else knows.
type ownConn struct{ *wire }

// Use implements sqlstore.Conn.
func (c ownConn) Use(fn func(driver.Conn) error) error { return fn(c.wire) }

// opener makes connections as a configuration says.
func (d *dialect) opener(cfg *pgconn.Config, settings []setting) sqlstore.Opener {
	return func(ctx context.Context) (sqlstore.Conn, error) {
		w, err := d.connect(ctx, cfg, settings)
		if err != nil {
			return nil, err
		}
		return ownConn{w}, nil
	}
}

func (d *dialect) connect(ctx context.Context, cfg *pgconn.Config, settings []setting) (*wire, error) {
	pc, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting%s: %w", advice(err), err)
	}
	w := &wire{pc: pc, named: true}
	if err := d.setUp(ctx, w, settings); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// setUp finds out what is at the other end, and makes the settings of a connection. A
// pooler hands each transaction to any of its connections, so what is set for one
// would be set for others; it is given away by the process id, which it makes up.
func (d *dialect) setUp(ctx context.Context, w *wire, settings []setting) error {
	var s state
	if err := w.one(ctx, `SELECT pg_backend_pid(), current_setting('default_transaction_read_only') = 'on',
		COALESCE(current_schema(), '')`, &s); err != nil {
		return err
	}
	if s.pid != int64(w.pc.PID()) {
		w.named = false
		d.pooled.Store(true)
		return d.checkPooled(s)
	}
	calls := settingCalls(settings, false)
	if d.readOnly {
		calls += ", set_config('default_transaction_read_only', 'on', false)"
	}
	var args []driver.NamedValue
	if d.schema != "" {
		calls += ", set_config('search_path', $1, false)"
		args = []driver.NamedValue{{Ordinal: 1, Value: quoted(d.schema)}}
	}
	return w.one(ctx, "SELECT "+calls, nil, args...)
}

// state is what a server says about a new connection.
type state struct {
	pid      int64
	readOnly bool
	schema   string
}

// checkPooled refuses what can't be set behind a pooler.
func (d *dialect) checkPooled(s state) error {
	switch {
	case d.readOnly && !s.readOnly:
		return fmt.Errorf("%w: behind a pooler in transaction mode ReadOnly needs a role with ALTER ROLE … SET default_transaction_read_only = on, "+
			"or a direct connection", engine.ErrInvalidArgument)
	case d.schema != "" && d.schema != s.schema:
		return fmt.Errorf("%w: behind a pooler in transaction mode WithSchema(%q) needs the schema to exist and a role with ALTER ROLE … SET search_path, "+
			"or a direct connection; the connection is in schema %q", engine.ErrInvalidArgument, d.schema, s.schema)
	}
	return nil
}

// one runs a query outside of a session and reads its row into s, unless it is nil.
func (w *wire) one(ctx context.Context, query string, s *state, args ...driver.NamedValue) error {
	once := &stmt{w: w, query: query}
	if s == nil {
		_, err := once.ExecContext(ctx, args)
		return err
	}
	r, err := once.QueryContext(ctx, args)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(r.Columns()))
	if err = r.Next(row); err == nil {
		s.pid, s.readOnly, s.schema = row[0].(int64), row[1].(int64) != 0, row[2].(string) //nolint:errcheck,forcetypeassert // as the query says
	}
	return errors.Join(err, r.Close())
}

// lentConn is a connection of the user's *sql.DB, taken out of its pool for as long
// as the store needs it.
type lentConn struct {
	conn *sql.Conn
	w    *wire
}

// lender takes connections out of a pool.
func (d *dialect) lender(db *sql.DB, settings []setting) sqlstore.Opener {
	return func(ctx context.Context) (sqlstore.Conn, error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, fmt.Errorf("taking a connection from the *sql.DB%s: %w", advice(err), err)
		}
		c := &lentConn{conn: conn}
		err = conn.Raw(func(dc any) error {
			own, err := pgxConn(dc)
			if err != nil {
				return err
			}
			c.w = &wire{pc: own.PgConn(), named: true}
			return d.setUp(ctx, c.w, settings)
		})
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return c, nil
	}
}

// Use implements sqlstore.Conn.
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

// ownListener makes connections that wait for notifications.
func ownListener(dsn string) func(context.Context) (*pgx.Conn, func() error, error) {
	return func(ctx context.Context) (*pgx.Conn, func() error, error) {
		cfg, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the connection string: %w", err)
		}
		complete(&cfg.Config)
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			return nil, nil, fmt.Errorf("connecting%s: %w", advice(err), err)
		}
		return conn, func() error {
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			return conn.Close(ctx)
		}, nil
	}
}

// lentListener takes a connection out of a pool to wait for notifications.
func lentListener(db *sql.DB) func(context.Context) (*pgx.Conn, func() error, error) {
	return func(ctx context.Context) (*pgx.Conn, func() error, error) {
		lent, err := db.Conn(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("taking a connection from the *sql.DB%s: %w", advice(err), err)
		}
		c := &lentConn{conn: lent}
		var conn *pgx.Conn
		err = lent.Raw(func(dc any) (err error) {
			conn, err = pgxConn(dc)
			return err
		})
		if err != nil {
			return nil, nil, errors.Join(err, c.Close())
		}
		return conn, c.Close, nil
	}
}

// pgxConn returns what a connection of database/sql is made of.
func pgxConn(dc any) (*pgx.Conn, error) {
	own, ok := dc.(interface{ Conn() *pgx.Conn })
	if !ok {
		return nil, fmt.Errorf("%w: the *sql.DB has connections of type %T, want those of the driver github.com/jackc/pgx/v5/stdlib",
			engine.ErrInvalidArgument, dc)
	}
	return own.Conn(), nil
}

// advice says what to do about an error of connecting.
func advice(err error) string {
	switch code := sqlState(err); {
	case code == "28P01":
		return " (the user or the password is wrong)"
	case strings.HasPrefix(code, "28"):
		return " (the server does not let this user in from here: look at pg_hba.conf and at sslmode)"
	case code == "3D000":
		return " (the database does not exist; create it, the store creates its tables in it)"
	case code == "53300":
		return " (the server allows no more connections: raise max_connections, or lower WithLanes)"
	case code == "08P01" && strings.Contains(err.Error(), "startup parameter"):
		return " (a pooler refuses a setting of the connection string: leave it out, or name it in ignore_startup_parameters of PgBouncer)"
	case code != "":
		return ""
	}
	var dns *net.DNSError
	var op *net.OpError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return " (the certificate of the server is not trusted: name its CA by sslrootcert, or look at sslmode)"
	case errors.As(err, &dns):
		return " (there is no host of that name)"
	case strings.Contains(err.Error(), "tls"):
		return " (the server and this program don't agree about TLS: look at sslmode)"
	case errors.As(err, &op) || errors.Is(err, context.DeadlineExceeded):
		return " (no server answers there: look at host and port, and whether it is running)"
	}
	return ""
}
