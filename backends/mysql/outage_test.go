package mysql

import (
	"context"
	"testing"
	"time"

	my "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/backends/backendtest/private"
	"github.com/wfops/wfops/engine/backend"
)

// openAny opens a store in any process. It waits for longer than by default: the
// machine is busy, and many processes may open the store at once.
func openAny(ctx context.Context, dsn string) (backend.Backend, error) {
	return Open(ctx, dsn, WithBusyTimeout(20*time.Second))
}

func TestOutages(t *testing.T) {
	outage.Run(t, outage.Harness{
		New:  func(t *testing.T) string { return newStore(t) },
		Open: openAny,
		Through: func(ctx context.Context, dsn string, n *outage.Network) (backend.Backend, error) {
			cfg, err := my.ParseDSN(dsn)
			if err != nil {
				return nil, err
			}
			if cfg.Addr, err = n.Via(cfg.Addr); err != nil {
				return nil, err
			}
			return Open(ctx, cfg.FormatDSN())
		},
		Polled: true,
		Server: func(t *testing.T) outage.Server { return private.MySQL(t) },
		Ahead: func(ctx context.Context, dsn string, by time.Duration) (backend.Backend, error) {
			return Open(ctx, dsn, withClock(func() time.Time { return time.Now().Add(by) }))
		},
	})
}
