package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// logSync syncs the write-ahead log in SQLite's place. SQLite does it inside of the
// commit, with the one lock for writers taken, and makes everybody else wait for
// the disk.
//
// It is what synchronous=FULL adds to synchronous=NORMAL: with either, SQLite syncs
// the log before it copies it into the database, and the database before it writes
// the log from its start again.
type logSync struct {
	path string
	file *os.File
	// moved tells that the file at path may be another one now: SQLite deletes the
	// log when the last connection to the database is closed, after it has copied all
	// of it and synced that. It is set for each new connection. To look at the file
	// itself would cost more than that: the file system keeps finer times for files
	// whose times are looked at, and has to write them.
	moved atomic.Bool
}

// sync makes durable what was committed before. Calls come one at a time.
func (l *logSync) sync() (err error) {
	if l.moved.CompareAndSwap(true, false) {
		err = errors.Join(l.close(), l.open())
	}
	if err == nil {
		err = datasync(l.file)
	}
	if err != nil {
		return fmt.Errorf("syncing %s: %w", l.path, err)
	}
	return nil
}

func (l *logSync) open() (err error) {
	// Closing it drops no lock of SQLite's, because those are on other files.
	l.file, err = os.OpenFile(l.path, os.O_RDWR, 0)
	return err
}

func (l *logSync) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// logPath returns the path of the write-ahead log, next to the file that SQLite has
// really opened.
func logPath(ctx context.Context, s *sqlstore.Session) (path string, err error) {
	err = s.QueryOnce(ctx, "SELECT file FROM pragma_database_list() WHERE name = 'main'", func(r *sqlstore.Row) { path = r.Text() + "-wal" })
	return path, err
}
