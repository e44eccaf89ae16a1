package postgres

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/backends/backendtest/private"
	"github.com/wfops/wfops/engine/backend"
)

// openAny opens a store in any process. It waits for longer than by default: the
// machine is busy, and many processes may open the store at once.
func openAny(ctx context.Context, dsn string) (backend.Backend, error) {
	return Open(ctx, dsn, WithLockTimeout(20*time.Second))
}

func TestMigrationsFromManyProcesses(t *testing.T) { outage.OpenedAtOnce(t, openAny, newSchema(t)) }
func TestKilledWriter(t *testing.T)                { outage.WriterKilled(t, openAny, newSchema(t)) }

func TestOutages(t *testing.T) {
	outage.Run(t, outage.Harness{
		New:  func(t *testing.T) string { return newSchema(t) },
		Open: openAny,
		Through: func(ctx context.Context, dsn string, n *outage.Network) (backend.Backend, error) {
			u, err := url.Parse(dsn)
			if err != nil {
				return nil, err
			}
			if u.Host, err = n.Via(u.Host); err != nil {
				return nil, err
			}
			return Open(ctx, u.String())
		},
		Server: func(t *testing.T) outage.Server { return private.Postgres(t) },
		Ahead: func(ctx context.Context, dsn string, by time.Duration) (backend.Backend, error) {
			return Open(ctx, dsn, withClock(func() time.Time { return time.Now().Add(by) }))
		},
	})
}
