package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Backend is a store in an SQLite file. It is safe for concurrent use.
type Backend struct{ *sqlstore.Store }

var _ backend.Backend = (*Backend)(nil)

// inMemory is the path of a store that is gone when it is closed.
const inMemory = ":memory:"

// Open opens the store in the file at path, and creates or migrates it where
// needed. The path is taken literally, whatever characters it holds, except that
// ":memory:" means NewInMemoryBackend.
//
// Errors: engine.ErrNotAStore if the file is something else, and then nothing was
// written to it; engine.ErrSchemaVersion if the store is newer than this program;
// engine.ErrBusy if another program kept it locked for longer than the busy timeout.
func Open(ctx context.Context, path string, opts ...Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	cfg, err := configure(ctx, path, o)
	if err != nil {
		return nil, err
	}
	st, err := sqlstore.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Backend{st}, nil
}

// NewSqliteBackend is Open for programs that start with it. A failed open is
// reported by Err, by every method, and so when a worker is started.
func NewSqliteBackend(path string, opts ...Option) *Backend {
	b, err := Open(context.Background(), path, opts...)
	return orFailed(b, err)
}

// NewInMemoryBackend returns a store in memory, which is gone when it is closed. It
// behaves like one in a file, except that it has one connection for everything.
func NewInMemoryBackend(opts ...Option) *Backend {
	return NewSqliteBackend(inMemory, opts...)
}

func orFailed(b *Backend, err error) *Backend {
	if err != nil {
		return &Backend{sqlstore.Failed(err)}
	}
	return b
}

// OpenWithDB opens the store in the database that db is connected to. Both SQLite
// drivers will do, and wrappers around them that implement the interfaces of
// database/sql/driver for contexts.
//
// The store takes connections out of the pool and keeps them until it is closed:
// one to write and a few to read; one alone for both, if db allows only one or is
// in memory. It sets the database to WAL mode. Close does not close db.
func OpenWithDB(ctx context.Context, db *sql.DB, opts ...Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	file, err := databaseFile(ctx, db)
	if err != nil {
		return nil, err
	}
	cfg := config(&dialect{options: o}, "the database of "+file)
	cfg.Write = lender(db, file == "", o.readOnly)
	if limit := db.Stats().MaxOpenConnections; file == "" {
		cfg.Name, cfg.Changed = "sqlite: the database in memory", nil
	} else if limit == 0 || limit > 1 {
		cfg.Read = lender(db, false, true)
		if limit > 0 {
			cfg.Readers = min(cfg.Readers, limit-1)
		}
	}
	st, err := sqlstore.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Backend{st}, nil
}

// NewSqliteBackendWithDB is OpenWithDB with the one result of NewSqliteBackend.
func NewSqliteBackendWithDB(db *sql.DB, opts ...Option) *Backend {
	b, err := OpenWithDB(context.Background(), db, opts...)
	return orFailed(b, err)
}

// databaseFile returns the file of the database, or "" for one in memory.
func databaseFile(ctx context.Context, db *sql.DB) (file string, err error) {
	if db == nil {
		return "", fmt.Errorf("sqlite: %w: the *sql.DB is nil", engine.ErrInvalidArgument)
	}
	err = db.QueryRowContext(ctx, "SELECT file FROM pragma_database_list() WHERE name = 'main'").Scan(&file)
	if err != nil {
		return "", fmt.Errorf("sqlite: asking the *sql.DB for its SQLite database: %w", err)
	}
	return file, nil
}

// configure says how to reach the store at path.
func configure(ctx context.Context, path string, o options) (sqlstore.Config, error) {
	d := &dialect{options: o}
	if path == inMemory {
		if o.readOnly {
			return sqlstore.Config{}, fmt.Errorf("sqlite: %w: a store in memory is new and empty, it can't be opened read-only", engine.ErrInvalidArgument)
		}
		cfg := config(d, "a database in memory")
		cfg.Write, cfg.Changed = opener("file::memory:?cache=private", false), nil
		return cfg, nil
	}
	path, err := checkPath(path, o.readOnly)
	if err != nil {
		return sqlstore.Config{}, err
	}
	cfg := config(d, path)
	if o.readOnly {
		return configureReadOnly(ctx, path, d, cfg)
	}
	if err := refuseForeign(ctx, path); err != nil {
		return sqlstore.Config{}, err
	}
	cfg.Write, cfg.Read = opener(fileURI(path, "mode=rwc"), false), opener(fileURI(path, "mode=rw"), true)
	return cfg, nil
}

// config is what all stores have in common.
func config(d *dialect, name string) sqlstore.Config {
	seen := &dataVersion{}
	cfg := sqlstore.Config{
		Dialect: d, Name: "sqlite: " + name,
		Readers:  max(2, min(runtime.GOMAXPROCS(0), 8)),
		ReadOnly: d.readOnly, NoMigrations: d.noMigrations,
		Changed: seen.changed,
	}
	if !d.readOnly {
		cfg.Ready = d.makeReady
	}
	if !d.readOnly && d.synchronous == Full && canSync {
		cfg.Sync, cfg.OnClose = d.syncLog, d.sync.close
	}
	return cfg
}

// makeReady also makes sure that the database can be written. SQLite opens a file
// without write permission for reading, and says so at the first write only.
func (d *dialect) makeReady(ctx context.Context, s *sqlstore.Session) error {
	logged, err := setWAL(ctx, s)
	if err != nil {
		return err
	}
	d.log.short = logged && d.synchronous == Full
	if _, err = s.Exec(ctx, "DELETE FROM wakes WHERE pk < 0"); err != nil || !d.log.short || !canSync {
		return err
	}
	if d.sync.path, err = logPath(ctx, s); err != nil {
		return err
	}
	// A log that can't be opened is one of another VFS, which has its own ways.
	if err := d.sync.open(); err != nil {
		return nil //nolint:nilerr // see above
	}
	d.apart = true
	return d.Prepare(ctx, s)
}

// syncLog makes durable what was committed before.
func (d *dialect) syncLog() error {
	if !d.apart {
		return nil // SQLite has
	}
	return d.sync.sync()
}

// setWAL puts the database into WAL mode, which is stored in the file. It is done
// after the file was marked as ours, so that a file in WAL mode without the mark
// certainly is not ours. A database in memory has no log.
func setWAL(ctx context.Context, s *sqlstore.Session) (logged bool, err error) {
	mode := ""
	err = s.QueryOnce(ctx, "PRAGMA journal_mode = WAL", func(r *sqlstore.Row) { mode = r.Text() })
	if err == nil && mode != "wal" && mode != "memory" {
		err = errors.New("SQLite refused WAL mode and stays in mode " + mode + "; a store can't be on this file system")
	}
	return mode == "wal", err
}

// dataVersion is the version of the data that a writer session has seen.
type dataVersion struct {
	session *sqlstore.Session
	version int64
}

// changed asks SQLite whether another connection has written. The store's own
// writer is the one that asks, so that its own writes don't count.
func (v *dataVersion) changed(ctx context.Context, s *sqlstore.Session) (bool, error) {
	var version int64
	if err := s.Query(ctx, "PRAGMA data_version", func(r *sqlstore.Row) { version = r.Int() }); err != nil {
		return false, err
	}
	if s == v.session && version == v.version {
		return false, nil
	}
	v.session, v.version = s, version
	return true, nil
}
