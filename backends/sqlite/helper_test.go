package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wfops/wfops/backends/backendtest/outage"
)

// helpers run in processes of their own.
var helpers = outage.Helpers{
	"lock":     helperLock,
	"create":   helperCreate,
	"open":     helperOpen,
	"readonly": helperReadOnly,
}

// asNobody lets a process run as a user for whom the permissions of files count,
// which they don't for root. The binary is copied to where that user finds it.
func asNobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	dir := openFolder(t)
	binary := filepath.Join(dir, "helper")
	data, err := os.ReadFile(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Dir = binary, dir
	runAs(cmd, 65534)
}

// openFolder makes a folder that all users can enter, other than t.TempDir's.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wfops-test-*") //nolint:usetesting // that one is for this user only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	chmod(t, dir, 0o755)
	return dir
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
