package mysql

import (
	"database/sql"
	"testing"
	"time"

	my "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/backendtest/scenarios"
	"github.com/wfops/wfops/engine/backend"
)

// withClock replaces the server's clock by one that tests move.
func withClock(now func() time.Time) Option { return func(o *options) { o.clock = now } }

func TestConformance(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Schedules: 60,
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			dsn := newStore(t)
			return backendtest.Store{
				Backend:  openStore(t, dsn, withClock(clock.Now)),
				ReadOnly: func(t *testing.T) backend.Backend { return openStore(t, dsn, withClock(clock.Now), ReadOnly()) },
				Connect:  func(t *testing.T) backend.Backend { return openStore(t, dsn, withClock(clock.Now)) },
			}
		},
	})
}

// The store goes by the server's clock, in microseconds.
func TestConformanceServerClock(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Schedules: 5,
		Open: func(t *testing.T, _ *backendtest.Clock) backendtest.Store {
			dsn := newStore(t)
			return backendtest.Store{
				Backend:  openStore(t, dsn),
				ReadOnly: func(t *testing.T) backend.Backend { return openStore(t, dsn, ReadOnly()) },
				Connect:  func(t *testing.T) backend.Backend { return openStore(t, dsn) },
			}
		},
		Without: backendtest.Missing{Clock: true},
	})
}

// Connections of a *sql.DB whose driver was told nothing, and where the user's
// settings are as far from ours as they can be.
func TestConformanceWithDB(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Schedules: 10,
		Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
			cfg, err := my.ParseDSN(newStore(t))
			if err != nil {
				t.Fatal(err)
			}
			cfg.ParseTime, cfg.Collation = true, "utf8mb4_general_ci"
			cfg.Params = map[string]string{
				"sql_mode": "'ANSI,NO_BACKSLASH_ESCAPES'", "time_zone": "'+05:30'",
			}
			connect := func(t *testing.T, opts ...Option) *Backend {
				db, err := sql.Open("mysql", cfg.FormatDSN())
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

func TestBehaviors(t *testing.T) {
	scenarios.Run(t, scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend { return openStore(t, newStore(t)) }})
}

// ownTime is for tests that run in a time of their own, which the store has to go
// by.
func ownTime() scenarios.Harness {
	return scenarios.Harness{Server: true, Open: func(t *testing.T) backend.Backend { return openStore(t, newStore(t), withClock(time.Now)) }}
}

func TestChaos(t *testing.T) { scenarios.Chaos(t, ownTime()) }

func TestRules(t *testing.T) { scenarios.Rules(t, ownTime()) }

func TestGroups(t *testing.T) { scenarios.Groups(t, ownTime()) }
