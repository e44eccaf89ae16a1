package connect_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
)

func TestThere(t *testing.T) {
	dir := t.TempDir()
	path, linked := filepath.Join(dir, "app.db"), filepath.Join(dir, "linked.db")
	write := func(names ...string) {
		t.Helper()
		for _, name := range names {
			err := os.WriteFile(name+".new", nil, 0o600)
			if err = errors.Join(err, os.Rename(name+".new", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(path, path+"-wal", path+"-shm")
	if err := os.Symlink(path, linked); err != nil {
		t.Fatal(err)
	}
	var all []func() (bool, error)
	for _, dsn := range []string{path, "sqlite:" + path + "?mode=ro", linked} {
		target, err := connect.Parse(dsn, connect.Options{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, target.There())
	}
	expect := func(what string, same bool, says string, is error) {
		t.Helper()
		for _, there := range all {
			got, err := there()
			if got != same || (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) || is != nil && !errors.Is(err, is) {
				t.Errorf("%s: %v, %v", what, got, err)
			}
		}
	}
	expect("as it was opened", true, "", nil)
	write(path + "-wal")
	expect("a new log", true, "", nil)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	expect("gone", false, ".db is out of reach: no such file", fs.ErrNotExist)
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	expect("back", true, "", nil)
	write(path)
	expect("replaced, with the index of the log of before", false, "would damage it", nil)
	write(path + "-shm")
	expect("replaced", false, "", nil)
}

func TestOnlyFilesCanBeReplaced(t *testing.T) {
	for _, dsn := range []string{"memory:", "redis://localhost:6379/0", "order.wfh"} {
		target, err := connect.Parse(dsn, connect.Options{})
		if err != nil || target.There() != nil {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
