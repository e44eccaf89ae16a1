package sqlite

import (
	"database/sql"
	"flag"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/engine/backend"
)

// schedules sets how many random schedules the model test runs. Only one variant of
// the store gets them all: they differ in how they reach SQLite, not in what they
// do there.
func schedules(t *testing.T, n int) {
	t.Helper()
	f := flag.Lookup("backendtest.schedules")
	before := f.Value.String()
	if before != f.DefValue { // somebody wants a number
		return
	}
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

func TestConformance(t *testing.T) { inFile(t) }

func TestConformanceNormal(t *testing.T) {
	schedules(t, 20)
	inFile(t, WithSynchronous(Normal))
}

func inFile(t *testing.T, opts ...Option) {
	t.Helper()
	backendtest.Run(t, backendtest.Harness{
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			path := filepath.Join(t.TempDir(), "store.db")
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
	schedules(t, 20)
	backendtest.Run(t, backendtest.Harness{
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			return backendtest.Store{Backend: open(t, inMemory, WithClock(clock.Now))}
		},
		Without: backendtest.Missing{ReadOnly: true, Connect: true},
	})
}

func TestConformanceWithDB(t *testing.T) {
	schedules(t, 20)
	backendtest.Run(t, backendtest.Harness{
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			path := filepath.Join(t.TempDir(), "store.db")
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
