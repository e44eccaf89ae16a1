package redis

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine/backend"
)

// place names a store for any process.
func place(addr, prefix string) string { return addr + " " + prefix }

func openPlace(ctx context.Context, place string, opts ...Option) (backend.Backend, error) {
	addr, prefix, _ := strings.Cut(place, " ")
	return Open(ctx, addr, append(opts, WithPrefix(prefix), quiet())...)
}

// openAny opens a store in any process.
func openAny(ctx context.Context, place string) (backend.Backend, error) {
	return openPlace(ctx, place)
}

func outages(t *testing.T, variable string, server func(t *testing.T) outage.Server) {
	t.Helper()
	addr := address(t, variable)
	outage.Run(t, outage.Harness{
		New:  func(t *testing.T) string { return place(addr, newPrefix(t, addr)) },
		Open: openAny,
		Through: func(ctx context.Context, place string, n *outage.Network) (backend.Backend, error) {
			return openPlace(ctx, place, withDialer(n.Dial))
		},
		Server: server,
		Ahead: func(ctx context.Context, place string, by time.Duration) (backend.Backend, error) {
			return openPlace(ctx, place, WithClock(func() time.Time { return time.Now().Add(by) }))
		},
	})
}

func TestOutages(t *testing.T) {
	outages(t, serverVariable, func(t *testing.T) outage.Server { return newServer(t) })
}

func TestOutagesCluster(t *testing.T) {
	outages(t, clusterVariable, func(t *testing.T) outage.Server { return newCluster(t) })
}
