package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/wfops/wfops/backends/backendtest/deploy"
)

func TestRollingDeploy(t *testing.T) {
	deploy.Run(t, deploy.Harness{
		New:  func(t *testing.T) string { return filepath.Join(t.TempDir(), "store.db") },
		Open: openFile,
	})
}
