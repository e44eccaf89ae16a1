package mysql

import (
	"fmt"
	"testing"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// The limits of planning are set so that every way to read a list is taken.
func TestListsAgree(t *testing.T) {
	for _, limits := range sqlstore.ListLimits {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			t.Cleanup(limits.Set())
			backendtest.ListsAgree(t, backendtest.Harness{Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
				return backendtest.Store{Backend: openStore(t, newStore(t), withClock(clock.Now))}
			}})
		})
	}
}
