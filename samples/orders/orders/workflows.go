package orders

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// steady retries often enough to outlive a worker that is killed again and again:
// an attempt that was lost with its worker counts.
var steady = workflow.ActivityOptions{
	RetryOptions: workflow.RetryOptions{
		MaxAttempts: 30, FirstRetryInterval: 20 * time.Millisecond, BackoffCoefficient: 1.5, MaxRetryInterval: time.Second,
	},
	StartToClose: 30 * time.Second,
}

// act only names the methods: its activities run at a worker, with what Register
// was given.
var act *Activities

// Register makes workflows and activities known to r.
func Register(r *registry.Registry, a *Activities) error {
	return errors.Join(r.RegisterWorkflow(Order), r.RegisterWorkflow(Ship), r.RegisterWorkflow(Feed), r.RegisterActivity(a))
}

// errRejected is why an order ends without being an error of anybody.
var errRejected = errors.New("rejected")

// Order is one order from click to parcel. An order that can't be fulfilled is no
// failure of the workflow: the receipt says so.
func Order(ctx workflow.Context, req Request) (Receipt, error) {
	o := &order{req: req, receipt: Receipt{Number: req.Number}}
	outcome, err := o.fulfill(ctx)
	if err != nil || outcome != Shipped {
		workflow.Logger(ctx).Info("order is undone", "number", req.Number, "outcome", outcome, "error", err)
		if err := o.undo(workflow.NewDisconnectedContext(ctx)); err != nil {
			return Receipt{}, fmt.Errorf("undoing order %d: %w", req.Number, err)
		}
	}
	if err != nil {
		return Receipt{}, err
	}
	o.receipt.Outcome = outcome
	_, err = workflow.SignalWorkflow(ctx, FeedID, SignalDone, Report{req.Number, outcome}).Get(ctx)
	return o.receipt, err
}

// order is the state of one run of Order.
type order struct {
	req      Request
	receipt  Receipt
	reserved []Line
	charged  string // the token of the charge, while it is to be paid back
}

// run executes one activity and keeps its token.
func (o *order) run(ctx workflow.Context, activity workflow.Activity, args ...any) (string, error) {
	token, err := workflow.ExecuteActivity[string](ctx, steady, activity, args...).Get(ctx)
	if err == nil {
		o.receipt.Tokens = append(o.receipt.Tokens, token)
	}
	return token, err
}

func (o *order) fulfill(ctx workflow.Context) (Outcome, error) {
	if err := o.prepare(ctx); errors.Is(err, errRejected) {
		return Rejected, nil
	} else if err != nil {
		return "", err
	}
	token, err := o.run(ctx, act.ChargeCard, o.req.Number, o.receipt.Cents)
	if err != nil {
		return "", err
	}
	o.charged = token
	if paid := o.awaitPayment(ctx); !paid {
		return Expired, ctx.Err()
	}
	if err := o.ship(ctx); errors.Is(err, ErrNoCarrier) {
		return Returned, nil
	} else if err != nil {
		return "", err
	}
	return Shipped, nil
}

// prepare reserves all lines and checks the customer, all at once.
func (o *order) prepare(ctx workflow.Context) error {
	fraud := workflow.ExecuteActivity[Verdict](ctx, steady, act.CheckFraud, o.req.Number)
	var reservations []workflow.Future[string]
	for _, line := range o.req.Lines {
		reservations = append(reservations, workflow.ExecuteActivity[string](ctx, steady, act.ReserveStock, o.req.Number, line))
		o.receipt.Cents += line.Cents * line.Quantity
	}
	for i, f := range reservations {
		token, err := f.Get(ctx)
		if err != nil {
			return err
		}
		o.receipt.Tokens = append(o.receipt.Tokens, token)
		o.reserved = append(o.reserved, o.req.Lines[i])
	}
	verdict, err := fraud.Get(ctx)
	if err != nil {
		return err
	}
	o.receipt.Tokens = append(o.receipt.Tokens, verdict.Token)
	if verdict.Suspicious {
		return errRejected
	}
	return nil
}

// awaitPayment takes changes of the order until the payment is confirmed, or the
// time for it is over, and reports which.
func (o *order) awaitPayment(ctx workflow.Context) (paid bool) {
	payments := workflow.NewSignalChannel[Payment](ctx, SignalPayment)
	changes := workflow.NewSignalChannel[Change](ctx, SignalChange)
	clock, stop := workflow.WithCancel(ctx)
	defer stop()
	deadline := workflow.ScheduleTimer(clock, o.req.PayWithin, workflow.WithTimerName("payment deadline"))
	workflow.SetStatus(ctx, "waiting for the payment")
	for over := false; !over && !paid; {
		workflow.Select(ctx,
			workflow.Receive(payments, func(_ workflow.Context, p Payment, _ bool) {
				o.receipt.Payment, paid = p.Reference, true
			}),
			workflow.Receive(changes, func(_ workflow.Context, c Change, _ bool) { o.change(c) }),
			workflow.Await(deadline, func(workflow.Context, workflow.Future[any]) { over = true }),
		)
	}
	workflow.SetStatus(ctx, "")
	return paid
}

func (o *order) change(c Change) {
	for i := range o.req.Lines {
		if l := &o.req.Lines[i]; l.SKU == c.SKU {
			o.receipt.Cents += l.Cents * (c.Quantity - l.Quantity)
			l.Quantity = c.Quantity
		}
	}
}

// linesPerParcel is how much fits into one parcel.
const linesPerParcel = 2

// ship sends all parcels at once.
func (o *order) ship(ctx workflow.Context) error {
	var parcels []workflow.Future[Tracking]
	for lines := range slices.Chunk(o.req.Lines, linesPerParcel) {
		parcels = append(parcels, workflow.CreateSubWorkflowInstance[Tracking](ctx, workflow.SubWorkflowOptions{
			InstanceID: fmt.Sprintf("%s-parcel-%d", workflow.WorkflowInstance(ctx).InstanceID, len(parcels)+1),
		}, Ship, Parcel{Order: o.req.Number, Lines: lines}))
	}
	var errs []error
	for _, f := range parcels {
		tracking, err := f.Get(ctx)
		errs = append(errs, err)
		o.receipt.Tokens = append(o.receipt.Tokens, tracking.Tokens...)
	}
	return errors.Join(errs...)
}

// undo gives back what was taken, in the opposite order.
func (o *order) undo(ctx workflow.Context) error {
	if o.charged != "" {
		if _, err := o.run(ctx, act.Refund, o.req.Number, o.charged); err != nil {
			return err
		}
	}
	for _, line := range slices.Backward(o.reserved) {
		if _, err := o.run(ctx, act.ReleaseStock, o.req.Number, line); err != nil {
			return err
		}
	}
	return nil
}

// Ship packs one parcel and hands it to the carrier.
func Ship(ctx workflow.Context, p Parcel) (Tracking, error) {
	var t Tracking
	for _, step := range []workflow.Activity{act.Pick, act.PrintLabel, act.HandOver} {
		token, err := workflow.ExecuteActivity[string](ctx, steady, step, p).Get(ctx)
		if err != nil {
			return t, err
		}
		t.Tokens = append(t.Tokens, token)
	}
	t.Code = t.Tokens[len(t.Tokens)-1]
	return t, nil
}

// reportsPerGeneration keeps the history of the feed short.
const reportsPerGeneration = 100

// Feed counts the outcomes of orders until it is told to close.
func Feed(ctx workflow.Context, totals Totals) (Totals, error) {
	done := workflow.NewSignalChannel[Report](ctx, SignalDone)
	closing := workflow.NewSignalChannel[int](ctx, SignalClose)
	if totals.Outcomes == nil {
		totals.Outcomes = map[Outcome]int{}
	}
	closed := false
	for seen := 0; !closed && seen < reportsPerGeneration; seen++ {
		workflow.Select(ctx,
			workflow.Receive(done, func(_ workflow.Context, r Report, _ bool) {
				totals.Orders++
				totals.Outcomes[r.Outcome]++
			}),
			workflow.Receive(closing, func(workflow.Context, int, bool) { closed = true }),
		)
	}
	if closed {
		return totals, nil
	}
	totals.Generations++
	return totals, workflow.ContinueAsNew(ctx, totals)
}
