// Package orders is a small order service: what a shop does between the click on
// "buy" and the parcel at the door, written as workflows.
//
// Order reserves the stock of all lines at once while the customer is checked for
// fraud, takes the payment, ships the parcels as sub-workflows, and undoes what it
// did when something fails. Feed counts what became of the orders and continues as
// new so that its history stays short.
//
// Each activity writes two lines to a Journal, outside of the engine. Check holds
// them against the store, and so finds out whether anything was lost or done twice.
package orders

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Line is one article of an order.
type Line struct {
	SKU      string
	Quantity int
	Cents    int
}

// Request is what a customer orders.
type Request struct {
	// Number decides what goes wrong with the order, so that runs are alike.
	Number int
	Lines  []Line
	// PayWithin is how long the customer has to confirm the payment.
	PayWithin time.Duration
}

// Change replaces the quantity of one line before the payment is confirmed.
type Change struct {
	SKU      string
	Quantity int
}

// Payment is what the payment provider says once the customer has confirmed.
type Payment struct{ Reference string }

// Outcome is what became of an order.
type Outcome string

// The closed set of outcomes.
const (
	Shipped  Outcome = "shipped"
	Rejected Outcome = "rejected" // the check for fraud said no
	Expired  Outcome = "expired"  // not paid in time
	Returned Outcome = "returned" // a parcel could not be sent: paid back
)

// Receipt is the result of an order.
type Receipt struct {
	Number  int
	Outcome Outcome
	Payment string
	Cents   int
	// Tokens are what every activity of the order returned, its parcels included.
	// A token names the one attempt that made it.
	Tokens []string
}

// Parcel is what one sub-workflow ships.
type Parcel struct {
	Order int
	Lines []Line
}

// Tracking is the result of a parcel.
type Tracking struct {
	Code   string
	Tokens []string
}

// Names of signals and of the feed's instance.
const (
	SignalPayment = "payment"
	SignalChange  = "change"
	SignalDone    = "done"
	SignalClose   = "close"
	FeedID        = "feed"
)

// Report is what an order tells the feed.
type Report struct {
	Number  int
	Outcome Outcome
}

// Totals is the state of the feed and its result.
type Totals struct {
	Orders   int
	Outcomes map[Outcome]int
	// Generations is how often the feed has continued as new.
	Generations int
}

// String returns for example "3 orders: 1 rejected, 2 shipped".
func (t Totals) String() string {
	var parts []string
	for _, o := range slices.Sorted(maps.Keys(t.Outcomes)) {
		parts = append(parts, fmt.Sprintf("%d %s", t.Outcomes[o], o))
	}
	return fmt.Sprintf("%d orders: %s", t.Orders, strings.Join(parts, ", "))
}
