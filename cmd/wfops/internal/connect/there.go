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
	opened, err := os.Stat(t.file)
	if err != nil {
		return nil // there is nothing to compare with
	}
	beside := logOf(t.file)
	return func() (bool, error) {
		now, err := os.Stat(t.file)
		switch {
		case err != nil:
			return false, outOfReach(t.file, err)
		case os.SameFile(opened, now):
			return true, nil
		}
		// The log is looked at only now: a file system keeps finer times for files that are
		// looked at, which costs who writes to them.
		log := logOf(t.file)
		if os.SameFile(beside[0], log[0]) || os.SameFile(beside[1], log[1]) {
			return false, errOldLog
		}
		return false, nil
	}
}

// logOf looks at the log of a database and at the index of that, which are nil if there
// are none.
func logOf(db string) (files [2]os.FileInfo) {
	path, err := filepath.EvalSymlinks(db)
	if err != nil {
		return files
	}
	for i, ending := range []string{"-wal", "-shm"} {
		if info, err := os.Stat(path + ending); err == nil {
			files[i] = info
		}
	}
	return files
}

func outOfReach(file string, err error) error {
	if reason, ok := errors.AsType[*fs.PathError](err); ok { // the path is known, and may be long
		err = reason.Err
	}
	return fmt.Errorf("%s is out of reach: %w", filepath.Base(file), err)
}
