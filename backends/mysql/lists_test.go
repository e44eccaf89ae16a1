package mysql

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine/backend"
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

// A bound at the very time that a page ends with leaves one key of an index, and MySQL
// 8.0 reads that key forwards also for a list in descending order, if it sees it.
func TestListsOfOneKey(t *testing.T) {
	t.Cleanup(sqlstore.ListLimits[1].Set())
	clock, dsn := backendtest.NewClock(), newStore(t)
	b := openStore(t, dsn, withClock(clock.Now))
	defer closeStore(t, b)
	var early, late []string
	for i := range 100 {
		early = append(early, fmt.Sprintf("a%03d", i))
	}
	for i := range 20 {
		late = append(late, fmt.Sprintf("b%02d", i))
	}
	create(t, b, early...)
	clock.Advance(time.Hour)
	create(t, b, late...)
	onDatabase(t, dsn, "UPDATE instances SET status = 'completed', attempt = CASE WHEN instance_id >= 'b' THEN 3 ELSE 0 END", "ANALYZE TABLE instances")
	slices.Reverse(late)
	for _, q := range []backend.Query{
		{Limit: 5, CreatedAfter: clock.Now()},
		{Limit: 5, UpdatedAfter: clock.Now(), Order: backend.OrderUpdated},
		{Limit: 5, MinAttempt: 3, Order: backend.OrderAttempt},
	} {
		if got := listed(t, b, q); !slices.Equal(got, late) {
			t.Errorf("%+v\ngot  %v\nwant %v", q, got, late)
		}
	}
}

// listed reads a list to its end, or for long enough to see that it has none.
func listed(t *testing.T, b backend.Backend, q backend.Query) (ids []string) {
	t.Helper()
	for range 10 {
		page, err := b.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Items {
			ids = append(ids, s.Instance.InstanceID)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return ids
}
