package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Backend is a store in a PostgreSQL database. It is safe for concurrent use.
type Backend struct{ *sqlstore.Store }

var _ backend.Backend = (*Backend)(nil)

// Open opens the store in the database of a connection string, and creates or migrates
// its tables where needed. The string is one of libpq: a URL such as
// "postgres://user:password@host:5432/database?sslmode=require", or pairs such as
// "host=/run/postgresql dbname=orders"; what it leaves out comes from the PG…
// environment variables and the user's password file.
//
// Errors: engine.ErrNotAStore if the schema holds tables of something else with our
// names, and then nothing was written to it; engine.ErrSchemaVersion if the store is
// newer than this program; engine.ErrReadOnly if the server takes no writes, such as
// a standby.
func Open(ctx context.Context, dsn string, opts ...Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	d := &dialect{options: o}
	name := fmt.Sprintf("%s at %s", cfg.Database, net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))))
	b := newBell(d)
	b.send, b.listen = d.opener(cfg, notifySettings), ownListener(dsn)
	return open(ctx, d.config(name, d.opener(cfg, writeSettings), d.opener(cfg, readSettings), b))
}

func open(ctx context.Context, cfg sqlstore.Config) (*Backend, error) {
	st, err := sqlstore.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Backend{st}, nil
}

// NewPostgresBackend is Open for programs that start with it. TLS is used if the
// server offers it. A failed open is reported by Err, by every method, and so when
// a worker is started.
func NewPostgresBackend(host string, port int, user, password, database string, opts ...Option) *Backend {
	dsn := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password),
		Host: net.JoinHostPort(host, strconv.Itoa(port)), Path: "/" + database,
	}
	b, err := Open(context.Background(), dsn.String(), opts...)
	return orFailed(b, err)
}

func orFailed(b *Backend, err error) *Backend {
	if err != nil {
		return &Backend{sqlstore.Failed(err)}
	}
	return b
}

// OpenWithDB opens the store in the database that db is connected to, with the driver
// github.com/jackc/pgx/v5/stdlib.
//
// The store takes connections out of the pool and keeps them until it is closed; if db
// allows fewer than WithLanes asks for, it uses all but one of them. Close does
// not close db.
func OpenWithDB(ctx context.Context, db *sql.DB, opts ...Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if db == nil {
		return nil, fmt.Errorf("postgres: %w: the *sql.DB is nil", engine.ErrInvalidArgument)
	}
	d := &dialect{options: o}
	if limit := db.Stats().MaxOpenConnections; limit > 0 {
		// One connection sends notifications and one waits for them.
		if limit < 4 {
			return nil, fmt.Errorf("postgres: %w: the *sql.DB allows %d connections, the store needs 4", engine.ErrInvalidArgument, limit)
		}
		d.writers, d.readers = min(d.writers, (limit-2)/2), min(d.readers, (limit-2)/2)
	}
	b := newBell(d)
	b.send, b.listen = d.lender(db, notifySettings), lentListener(db)
	return open(ctx, d.config("the database of the *sql.DB", d.lender(db, writeSettings), d.lender(db, readSettings), b))
}

// NewPostgresBackendWithDB is OpenWithDB with the one result of NewPostgresBackend.
func NewPostgresBackendWithDB(db *sql.DB, opts ...Option) *Backend {
	b, err := OpenWithDB(context.Background(), db, opts...)
	return orFailed(b, err)
}

// parse reads a connection string. Its errors repeat nothing that may be a password.
func parse(dsn string) (*pgconn.Config, error) {
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		var why *pgconn.ParseConfigError
		detail := ""
		if _, broken := url.Parse(dsn); broken == nil && errors.As(err, &why) && errors.Unwrap(why) != nil {
			detail = ": " + errors.Unwrap(why).Error()
		}
		return nil, fmt.Errorf("postgres: %w: the connection string can't be understood%s; want postgres://user:password@host:5432/database, "+
			"where special characters in the password are written as %%XX", engine.ErrInvalidArgument, detail)
	}
	complete(cfg)
	return cfg, nil
}

// complete sets what a connection string has left out.
func complete(cfg *pgconn.Config) {
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "wfops"
	}
}

// config is what all stores have in common.
func (d *dialect) config(name string, write, read sqlstore.Opener, b *bell) sqlstore.Config {
	cfg := sqlstore.Config{
		Dialect: d, Name: "postgres: " + name,
		Write: write, Writers: d.writers,
		Read: read, Readers: d.readers,
		ReadOnly: d.readOnly, NoMigrations: d.noMigrations,
		Poll: true,
	}
	if !d.readOnly {
		cfg.Ready = tryWriting
	}
	if !d.silent {
		cfg.Listen = b.listenFor
	}
	if !d.silent && !d.readOnly {
		cfg.Notify, cfg.OnClose = b.notify, b.close
	}
	return cfg
}

// tryWriting finds out at once that the server is a standby, or that the user may not
// write.
func tryWriting(ctx context.Context, s *sqlstore.Session) error {
	_, err := s.Exec(ctx, "DELETE FROM wakes WHERE pk < 0")
	return err
}
