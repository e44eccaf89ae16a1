package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// counter is a taker with room for everything.
type counter struct{ reserved, taken int }

func (c *counter) Reserve(string) bool          { c.reserved++; return true }
func (*counter) Lease() (string, time.Duration) { return "w", time.Hour }
func (c *counter) Return()                      { c.reserved-- }
func (c *counter) Take(_ backend.WorkflowTask)  { c.reserved--; c.taken++ }

// A creation is broken off after every one of its statements. Then its taker has
// either got the execution, which is in the table, or its room back.
func TestBrokenOffHandover(t *testing.T) {
	create := func(w *world) error { return w.b.Create(w.Context(), []backend.Creation{creation("new")})[0].Err }
	whole := newWorld(t)
	statements := 0
	sqlstore.SetFailpoint(whole.b.Store, func(string) error { statements++; return nil })
	whole.ok(create(whole))
	for n := 1; n <= statements; n++ {
		w := newWorld(t)
		c := &counter{}
		s := w.b.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
		s.Offer(c)
		count := 0
		sqlstore.SetFailpoint(w.b.Store, func(query string) error {
			if count++; count != n {
				return nil
			}
			return fmt.Errorf("after %q: %w", query, errFailpoint)
		})
		err := create(w)
		sqlstore.SetFailpoint(w.b.Store, nil)
		s.Close()
		_, missing := w.b.Get(w.Context(), engine.Instance{InstanceID: "new"})
		want := 1
		if missing != nil {
			want = 0
		}
		if c.reserved != 0 || c.taken != want {
			t.Errorf("%v: %d taken, %d kept waiting, and reading it: %v", err, c.taken, c.reserved, missing)
		}
	}
}
