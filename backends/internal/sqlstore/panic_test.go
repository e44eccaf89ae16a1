package sqlstore_test

import (
	"strings"
	"testing"

	"github.com/wfops/wfops/backends/internal/sqlstore"
	"github.com/wfops/wfops/engine/backend"
)

// A panic in a transaction, say of a driver, takes the connection with it: an open
// transaction would keep the store locked for everybody.
func TestPanicInATransaction(t *testing.T) {
	w := newWorld(t)
	d := []backend.Delivery{{ID: "once", To: to("bystander"), Event: []byte("[signal]")}}
	before, err := w.b.Get(t.Context(), id("bystander"))
	w.ok(err)
	sqlstore.SetFailpoint(w.b.Store, func(query string) error {
		if strings.HasPrefix(query, "INSERT INTO inbox") {
			panic("in a driver")
		}
		return nil
	})
	func() {
		defer func() {
			if r := recover(); r != "in a driver" {
				t.Errorf("recovered %v", r)
			}
		}()
		w.b.Deliver(t.Context(), d)
	}()
	sqlstore.SetFailpoint(w.b.Store, nil)
	w.ok(w.b.Deliver(t.Context(), d)[0])
	after, err := w.b.Get(t.Context(), id("bystander"))
	w.ok(err)
	if after.Inbox != before.Inbox+1 {
		t.Errorf("%d inbox rows, and %d before: want one delivery", after.Inbox, before.Inbox)
	}
}
