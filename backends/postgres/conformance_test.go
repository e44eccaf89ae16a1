package postgres

import (
	"database/sql"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/engine/backend"
)

// withClock replaces the clock of the server.
func withClock(now func() time.Time) Option { return func(o *options) { o.clock = now } }

func TestConformance(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			return storesOf(t, withClock(clock.Now))
		},
	})
}

// storesOf opens a store with connections of its own.
func storesOf(t *testing.T, opts ...Option) backendtest.Store {
	t.Helper()
	dsn := newStore(t)
	return backendtest.Store{
		Backend:  openStore(t, dsn, opts...),
		ReadOnly: func(t *testing.T) backend.Backend { return openStore(t, dsn, append(opts, ReadOnly())...) },
		Connect:  func(t *testing.T) backend.Backend { return openStore(t, dsn, opts...) },
	}
}

func TestConformanceWithTheServersClock(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Schedules: 10,
		Open:      func(t *testing.T, _ *backendtest.Clock) backendtest.Store { return storesOf(t) },
		Without:   backendtest.Missing{Clock: true},
	})
}

func TestConformanceWithDB(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Schedules: 10,
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			dsn := newStore(t)
			connect := func(t *testing.T, opts ...Option) *Backend {
				db, err := sql.Open("pgx", dsn)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				b, err := OpenWithDB(t.Context(), db, append(opts, withClock(clock.Now))...)
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
