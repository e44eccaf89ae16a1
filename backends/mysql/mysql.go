package mysql

import (
	"context"
	"database/sql"
	"fmt"

	driver "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Backend is a store in a MySQL or MariaDB database. It is safe for concurrent use.
type Backend struct{ *sqlstore.Store }

var _ backend.Backend = (*Backend)(nil)

// Open opens the store in a database, and creates or migrates its tables where
// needed. The DSN is a URL or that of the driver:
//
//	mysql://user:password@host:3306/database?tls=true
//	user:password@tcp(host:3306)/database?tls=true
//
// In a URL, user, password and database are percent-encoded. The settings are those
// of github.com/go-sql-driver/mysql; what the store relies on it sets itself,
// whatever they say. The database must exist and hold nothing else.
//
// Errors: engine.ErrNotAStore if the database holds something else, and then
// nothing was written to it; engine.ErrSchemaVersion if the store is newer than this
// program; engine.ErrBusy if another program kept the store locked for longer than
// the busy timeout.
func Open(ctx context.Context, dsn string, opts ...Option) (*Backend, error) {
	cfg, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return open(ctx, cfg, opts)
}

// NewMysqlBackend is Open for programs that start with it. A failed open is
// reported by Err, by every method, and so when a worker is started.
func NewMysqlBackend(host string, port int, user, password, database string, opts ...Option) *Backend {
	b, err := open(context.Background(), address(host, port, user, password, database), opts)
	return orFailed(b, err)
}

func open(ctx context.Context, cfg *driver.Config, opts []Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if err := complete(cfg); err != nil {
		return nil, err
	}
	read, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("mysql: %s: %w: %w", place(cfg), engine.ErrInvalidArgument, err)
	}
	if cfg.ReadTimeout == 0 { // a reader's call ends with its context
		cfg.ReadTimeout = ioTimeout + o.busyTimeout
	}
	write, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("mysql: %s: %w: %w", place(cfg), engine.ErrInvalidArgument, err)
	}
	return begin(ctx, sqlstore.Config{Name: "mysql: " + place(cfg), Write: connect(write), Read: connect(read)}, o)
}

// OpenWithDB opens the store in the database that db is connected to, by
// github.com/go-sql-driver/mysql or a wrapper around it that implements the
// interfaces of database/sql/driver for contexts.
//
// The store takes connections out of the pool and keeps them until it is closed, up
// to as many as WithConnections says. It sets their time zone, SQL mode and
// isolation level. It is several times as fast if the DSN of db has
// interpolateParams=true and multiStatements=true. Close does not close db.
func OpenWithDB(ctx context.Context, db *sql.DB, opts ...Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if db == nil {
		return nil, fmt.Errorf("mysql: %w: the *sql.DB is nil", engine.ErrInvalidArgument)
	}
	cfg := sqlstore.Config{Name: "mysql: the database of the *sql.DB", Write: lend(db), Read: lend(db)}
	switch limit := db.Stats().MaxOpenConnections; {
	case limit == 0:
	case limit < 2:
		o.writers, cfg.Read = 1, nil
	default:
		o.readers = min(o.readers, max(limit/3, 1))
		o.writers = min(o.writers, limit-o.readers)
	}
	return begin(ctx, cfg, o)
}

// NewMysqlBackendWithDB is OpenWithDB with the one result of NewMysqlBackend.
func NewMysqlBackendWithDB(db *sql.DB, opts ...Option) *Backend {
	b, err := OpenWithDB(context.Background(), db, opts...)
	return orFailed(b, err)
}

func begin(ctx context.Context, cfg sqlstore.Config, o options) (*Backend, error) {
	d := &dialect{options: o}
	cfg.Dialect, cfg.Writers, cfg.Readers = d, o.writers, o.readers
	cfg.ReadOnly, cfg.NoMigrations = o.readOnly, o.noMigrations
	cfg.Poll = true
	if !o.readOnly {
		cfg.Ready = d.makeReady
	}
	st, err := sqlstore.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Backend{st}, nil
}

func orFailed(b *Backend, err error) *Backend {
	if err != nil {
		return &Backend{sqlstore.Failed(err)}
	}
	return b
}
