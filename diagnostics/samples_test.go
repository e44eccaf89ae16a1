package diagnostics_test

import (
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/samples/orders/orders"
)

// The orders of the sample, in each of the ways in which they can end.
func TestSamplesReplay(t *testing.T) {
	lines := []orders.Line{{SKU: "a", Quantity: 1, Cents: 5}, {SKU: "b", Quantity: 2, Cents: 7}, {SKU: "c", Quantity: 3, Cents: 9}}
	req := orders.Request{Number: 7, Lines: lines, PayWithin: time.Minute}
	paid := signal(20*time.Second, orders.SignalPayment, orders.Payment{Reference: "r"})
	changed := signal(10*time.Second, orders.SignalChange, orders.Change{SKU: "a", Quantity: 4})
	token := func(verdict string) map[string]string {
		results := map[string]string{"Activities.CheckFraud": verdict, "Ship": `{"Code":"c","Tokens":["x","y"]}`}
		for _, name := range []string{"ReserveStock", "ReleaseStock", "ChargeCard", "Refund"} {
			results["Activities."+name] = `"token"`
		}
		return results
	}
	good, bad := token(`{"Token":"v"}`), token(`{"Token":"v","Suspicious":true}`)
	for name, w := range map[string]world{
		"shipped":  {results: good, events: []delivery{changed, paid}, retries: map[string]int{"Activities.ChargeCard": 2}},
		"expired":  {results: good},
		"rejected": {results: bad},
		"half way": {results: good, events: []delivery{changed}, steps: 7},
	} {
		t.Run(name, func(t *testing.T) {
			w.name, w.args = "Order", []any{req}
			b := record(t, orders.Order, w)
			r := diagnostics.Replay(b, registryOf(t, "Order", orders.Order), diagnostics.Options{Strict: true, AllRows: true})
			if r.Verdict != ok || len(r.Warnings) > 0 {
				t.Errorf("%s %+v", r.Summary, r.Warnings)
			}
			if len(r.Rows) < 4 {
				t.Errorf("rows: %+v", r.Rows)
			}
			checkTimeline(t, diagnostics.NewTimeline(b.Events, epoch.Add(time.Hour)))
		})
	}
}
