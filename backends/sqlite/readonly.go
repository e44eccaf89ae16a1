package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// configureReadOnly chooses how a file is read without leaving anything behind.
//
// A connection with mode=ro reads a file in WAL mode through its -wal and -shm
// files. Where a program has the store open both exist, and that is how it is
// read, live. Where they don't exist SQLite would have to create them: it fails in a
// folder that can't be written, and leaves them behind in one that can. Then
// nobody has the store open, and a private copy is as good as the file.
func configureReadOnly(ctx context.Context, path string, d *dialect, cfg sqlstore.Config) (sqlstore.Config, error) {
	live, err := inUse(path)
	if err != nil {
		return cfg, err
	}
	if live {
		cfg.Write = opener(fileURI(path, "mode=ro"), true)
		cfg.Read = cfg.Write
		return cfg, nil
	}
	if err := refuseForeign(ctx, path); err != nil {
		return cfg, err
	}
	folder, err := privateCopy(path)
	if err != nil {
		return cfg, fmt.Errorf("sqlite: copying %s to read it: %w", path, err)
	}
	copied := filepath.Join(folder, copyName)
	d.copied = d.clock()
	cfg.Write, cfg.Read = opener(fileURI(copied, "mode=ro"), true), opener(fileURI(copied, "mode=ro"), true)
	cfg.Changed = nil
	cfg.OnClose = func() error { return os.RemoveAll(folder) }
	return cfg, nil
}

// inUse reports whether the files that come with an open store exist.
func inUse(path string) (bool, error) {
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return false, fmt.Errorf("sqlite: looking at %s: %w", name, err)
		}
	}
	return true, nil
}

const copyName = "copy.db"

// copyTries is how often a copy is begun again because the file has changed.
const copyTries = 5

// privateCopy copies the database, and its -wal file if a program that died has
// left one, into a new folder.
func privateCopy(path string) (folder string, err error) {
	folder, err = os.MkdirTemp("", "wfops-sqlite-*")
	if err != nil {
		return "", err
	}
	target := filepath.Join(folder, copyName)
	for range copyTries {
		var before, after [2]fileState
		if before, err = stateOf(path); err != nil {
			break
		}
		if err = errors.Join(copyFile(path, target), copyIfExists(path+"-wal", target+"-wal")); err != nil {
			break
		}
		if after, err = stateOf(path); err != nil || before == after {
			break
		}
		err = errors.New("another program keeps changing it")
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return folder, nil
}

// fileState changes when a file is written.
type fileState struct {
	size, modified int64
}

// stateOf returns the state of a database file and its -wal file.
func stateOf(path string) (states [2]fileState, err error) {
	for i, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) && i > 0 {
			continue
		}
		if err != nil {
			return states, err
		}
		states[i] = fileState{info.Size(), info.ModTime().UnixNano()}
	}
	return states, nil
}

func copyIfExists(from, to string) error {
	err := copyFile(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(to)
	}
	return err
}

// copyFile copies bytes. No connection of this process can have locks on the file
// that closing it would drop: such a connection has a -shm file.
func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = io.Copy(dst, src)
	return err
}
