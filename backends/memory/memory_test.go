package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine/backend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	backendtest.Run(t, backendtest.Harness{
		Open: func(_ *testing.T, clock *backendtest.Clock) backendtest.Store {
			b := memory.New(memory.WithClock(clock.Now))
			return backendtest.Store{
				Backend:  b,
				ReadOnly: func(*testing.T) backend.Backend { return b.ReadOnly() },
			}
		},
		Without: backendtest.Missing{Connect: true},
	})
}
