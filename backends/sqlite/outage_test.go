package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine/backend"
)

// openFile opens a store in any process. A write waits for longer here than by
// default: the machine is busy, and processes are killed while they write.
func openFile(ctx context.Context, path string) (backend.Backend, error) {
	return Open(ctx, path, WithSynchronous(Normal), WithBusyTimeout(20*time.Second))
}

func TestOutages(t *testing.T) {
	outage.Run(t, outage.Harness{
		New:    func(t *testing.T) string { return filepath.Join(t.TempDir(), "store.db") },
		Open:   openFile,
		Polled: true, // five times a second at most
	})
}
