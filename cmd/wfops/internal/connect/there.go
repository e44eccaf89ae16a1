package connect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

var errOldLog = errors.New("the file was replaced, and the log beside it is that of the one before, which would damage it: " +
	"end what has it open, remove the files that end in -wal and -shm, and put the new one there again")

// There returns a function that reports whether the file of the store is still the one
// that is there now, for stores that have just been opened: who has a file open goes on
// with it when it was removed, or replaced by a copy, and nobody else sees what he does.
// If another one can be opened in its place, there is no error. It is nil for stores that
// are not in a file.
//
// The file is not opened for that: closing it would drop SQLite's locks on it.
func (t Target) There() func() (bool, error) {
	if t.file == "" {
		return nil
	}
	opened, beside, err := files(t.file)
	if err != nil {
		return nil // there is nothing to compare with
	}
	return func() (bool, error) {
		now, besideNow, err := files(t.file)
		switch {
		case err != nil:
			return false, err
		case os.SameFile(opened, now):
			return true, nil
		case os.SameFile(beside[0], besideNow[0]), os.SameFile(beside[1], besideNow[1]):
			return false, errOldLog
		}
		return false, nil
	}
}

// files looks at a database and at its log and the index of that, which are nil if there
// are none.
func files(named string) (db os.FileInfo, beside [2]os.FileInfo, err error) {
	path := named
	if db, err = os.Stat(named); err == nil {
		path, err = filepath.EvalSymlinks(named)
	}
	if err != nil {
		if reason, ok := errors.AsType[*fs.PathError](err); ok { // the path is known, and may be long
			err = reason.Err
		}
		return nil, beside, fmt.Errorf("%s is out of reach: %w", filepath.Base(named), err)
	}
	for i, ending := range []string{"-wal", "-shm"} {
		if info, err := os.Stat(path + ending); err == nil {
			beside[i] = info
		}
	}
	return db, beside, nil
}
