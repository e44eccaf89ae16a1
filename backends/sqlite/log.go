package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

const (
	// logPages is how long the write-ahead log gets before it is copied into the
	// database and written from its start again. What is copied each time is nearly
	// the same for logs of 1000 to 8000 pages, and a short one stalls nobody for long.
	logPages = 2000
	pageSize = 4096

	// busyCommits is how many commits show that a store is in use. Growing the log
	// takes as long as a hundred of them.
	busyCommits = 100

	cacheSize = "cache_size = -32768" // KiB
)

// writeLog makes the write-ahead log longer. It belongs to the one session that
// writes.
type writeLog struct {
	short   bool // the log may be shorter than logPages
	commits int
}

// grow gives the log its full length at once, when the store turns out to be busy. A
// commit that makes the file longer has to sync the file system's own records with
// it and takes twice as long as one that writes over what is there, and the log is
// new whenever the last process has closed the database.
//
// SQLite offers no call for it, but it writes the pages of a transaction that does
// not fit into its cache to the log early, and a rollback leaves the file as long as
// it has become. The database itself sees nothing of this.
func (l *writeLog) grow(ctx context.Context, s *sqlstore.Session) error {
	if l.commits++; !l.short || l.commits < busyCommits {
		return nil
	}
	l.short = false
	if err := runPragma(ctx, s, "cache_size = 16"); err != nil {
		return err
	}
	err := fillLog(ctx, s)
	return errors.Join(err, runPragma(ctx, s, cacheSize))
}

func fillLog(ctx context.Context, s *sqlstore.Session) error {
	if _, err := s.Exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	_, err := s.Exec(ctx, fmt.Sprintf("INSERT INTO history (instance, first, count, events) VALUES (-1, 1, 1, zeroblob(%d))", logPages*pageSize))
	_, rollback := s.Exec(ctx, "ROLLBACK")
	if code, ok := errorCode(err); ok && code&0xff == codeFull {
		return nil // a store can do with a shorter log; SQLite has rolled back itself
	}
	return errors.Join(err, rollback)
}
