package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/engine/backend"
)

func TestConformance(t *testing.T) { inFile(t, 0, WithSynchronous(Normal)) }

func TestConformanceFull(t *testing.T) { inFile(t, 20) }

// newFile returns the path of an empty store. It is a copy, because making one for
// each of a thousand cases takes more time than the cases.
func newFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, emptyStore(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var emptyStore = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "wfops-test-*")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "store.db")
	b, err := Open(context.Background(), path)
	if err != nil {
		panic(err)
	}
	if err := b.Close(); err != nil {
		panic(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return data
})

func inFile(t *testing.T, schedules uint64, opts ...Option) {
	t.Helper()
	backendtest.Run(t, backendtest.Harness{
		Schedules: schedules,
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			path := newFile(t)
			opts := append([]Option{WithClock(clock.Now)}, opts...)
			return backendtest.Store{
				Backend:  open(t, path, opts...),
				ReadOnly: func(t *testing.T) backend.Backend { return open(t, path, append(opts, ReadOnly())...) },
				Connect:  func(t *testing.T) backend.Backend { return open(t, path, opts...) },
			}
		},
	})
}

func TestConformanceInMemory(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Schedules: 20,
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			return backendtest.Store{Backend: open(t, inMemory, WithClock(clock.Now))}
		},
		Without: backendtest.Missing{ReadOnly: true, Connect: true},
	})
}

func TestConformanceWithDB(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Schedules: 20,
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			path := newFile(t)
			connect := func(t *testing.T, opts ...Option) *Backend {
				db, err := sql.Open(driverName, path)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				b, err := OpenWithDB(t.Context(), db, append(opts, WithClock(clock.Now))...)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			return backendtest.Store{
				Backend:  connect(t),
				ReadOnly: func(t *testing.T) backend.Backend { return connect(t, ReadOnly()) },
				Connect:  func(t *testing.T) backend.Backend { return connect(t) },
			}
		},
	})
}

func open(t *testing.T, path string, opts ...Option) *Backend {
	t.Helper()
	b, err := Open(t.Context(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
