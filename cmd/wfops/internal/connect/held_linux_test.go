package connect_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/engine/backend"
)

// Who looks for stores, or asks whether one can be written, leaves the locks of an open
// store alone.
func TestLocksAreKept(t *testing.T) {
	t.Chdir(t.TempDir())
	path := filepath.Join(".", "app.db")
	made, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	target, err := connect.Parse(path, connect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := target.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.List(t.Context(), backend.Query{}); err != nil {
		t.Fatal(err)
	}
	before := locks(t, path)
	if len(before) == 0 {
		t.Fatal("an open store has no locks: this test sees nothing")
	}
	if _, err := connect.Parse(path, connect.Options{}); err != nil {
		t.Error(err)
	}
	if got := connect.Places(nil, ".", connect.Options{}, func(string) string { return "" }); len(got) != 1 {
		t.Errorf("found %+v", got)
	}
	if after := locks(t, path); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the locks were %q, and are %q", before, after)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if got := connect.Places(nil, ".", connect.Options{}, func(string) string { return "" }); len(got) != 1 {
		t.Errorf("once closed, found %+v", got)
	}
}

// locks returns what locks this process has on a file.
func locks(t *testing.T, path string) (all []string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
	process := fmt.Sprintf(" %d ", os.Getpid())
	f, err := os.Open("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if _, lock, _ := strings.Cut(lines.Text(), ": "); strings.Contains(lock, file) && strings.Contains(lock, process) {
			all = append(all, lock)
		}
	}
	return all
}
