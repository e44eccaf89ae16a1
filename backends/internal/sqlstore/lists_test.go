package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/backends/sqlite"
)

// The limits of planning are set so that every way to read a list is taken.
func TestListsAgree(t *testing.T) {
	for _, limits := range sqlstore.ListLimits {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			t.Cleanup(limits.Set())
			backendtest.ListsAgree(t, backendtest.Harness{Open: func(t *testing.T, clock *backendtest.Clock) backendtest.Store {
				b, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), sqlite.WithClock(clock.Now), sqlite.WithSynchronous(sqlite.Normal))
				if err != nil {
					t.Fatal(err)
				}
				return backendtest.Store{Backend: b}
			}})
		})
	}
}
