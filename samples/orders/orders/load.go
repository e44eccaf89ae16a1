package orders

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
)

// Load is how customers behave.
type Load struct {
	// Orders are placed one after another, numbered from First, Every apart.
	First, Orders int
	Every         time.Duration
	// PayAfter is how long a customer takes to confirm the payment.
	PayAfter time.Duration
}

// Deadbeat customers never pay.
func Deadbeat(number int) bool { return number%41 == 0 }

// ChangesMind tells which customers order one more of the first article.
func ChangesMind(number int) bool { return number%5 == 0 }

// ID returns the instance id of an order.
func ID(number int) string { return fmt.Sprintf("order-%05d", number) }

// NewRequest returns what the customer of that number orders.
func NewRequest(number int) Request {
	r := Request{Number: number, PayWithin: 10 * time.Minute}
	if Deadbeat(number) {
		r.PayWithin = 2 * time.Second
	}
	for i := range 1 + number%4 {
		r.Lines = append(r.Lines, Line{SKU: fmt.Sprintf("article-%d", (number+i)%97), Quantity: 1 + i%2, Cents: 100 * (number%50 + 1)})
	}
	return r
}

// OpenFeed starts the feed, unless it is open.
func OpenFeed(ctx context.Context, c *client.Client) (*client.Handle[Totals], error) {
	return client.Start[Totals](ctx, c, client.WorkflowInstanceOptions{InstanceID: FeedID, IDReuse: client.IDReuseReturn}, Feed, Totals{})
}

// CloseFeed ends the feed and returns what it counted.
func CloseFeed(ctx context.Context, feed *client.Handle[Totals]) (Totals, error) {
	if err := feed.Signal(ctx, SignalClose, 0); err != nil {
		return Totals{}, err
	}
	return feed.Get(ctx)
}

// Run places the orders, confirms their payments, and waits for all receipts. No
// worker needs to be there for the former two.
func (l Load) Run(ctx context.Context, c *client.Client) ([]Receipt, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	receipts := make([]Receipt, l.Orders)
	tick := time.NewTicker(max(l.Every, time.Microsecond))
	defer tick.Stop()
	var customers sync.WaitGroup
	for i := range l.Orders {
		customers.Go(func() {
			var err error
			if receipts[i], err = l.customer(ctx, c, l.First+i); err != nil {
				cancel(fmt.Errorf("%s: %w", ID(l.First+i), err))
			}
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	customers.Wait()
	return receipts, context.Cause(ctx)
}

// customer places one order and sees it through.
func (l Load) customer(ctx context.Context, c *client.Client, number int) (Receipt, error) {
	r := NewRequest(number)
	h, err := client.Start[Receipt](ctx, c, client.WorkflowInstanceOptions{
		InstanceID: ID(number), Tags: map[string]string{"lines": fmt.Sprint(len(r.Lines))},
	}, Order, r)
	if err != nil {
		return Receipt{}, err
	}
	if ChangesMind(number) {
		if err := signal(ctx, h, SignalChange, Change{SKU: r.Lines[0].SKU, Quantity: r.Lines[0].Quantity + 1}); err != nil {
			return Receipt{}, err
		}
	}
	select {
	case <-time.After(l.PayAfter):
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
	if !Deadbeat(number) {
		if err := signal(ctx, h, SignalPayment, Payment{Reference: fmt.Sprintf("pay-%d", number)}); err != nil {
			return Receipt{}, err
		}
	}
	return h.Get(ctx)
}

// signal signals an order that may have been rejected meanwhile.
func signal(ctx context.Context, h *client.Handle[Receipt], name string, arg any) error {
	err := h.Signal(ctx, name, arg)
	if errors.Is(err, engine.ErrInstanceNotFound) {
		return nil
	}
	return err
}
