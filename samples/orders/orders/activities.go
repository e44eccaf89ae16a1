package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/workflow"
)

// ErrNoCarrier tells that nobody delivers to that address. It keeps its identity
// between worker and client, see Sentinels.
var ErrNoCarrier = errors.New("no carrier delivers there")

// errProvider is the payment provider's bad moment.
var errProvider = errors.New("payment provider is overloaded")

// Sentinels are what workers and clients of this service share.
func Sentinels() engine.Sentinels {
	return engine.Sentinels{"orders.no_carrier": ErrNoCarrier}
}

// Suspicious orders are rejected.
func Suspicious(number int) bool { return number%17 == 0 }

// FlakyAttempts is how many attempts to charge the card fail.
func FlakyAttempts(number int) int { return number % 3 }

// Undeliverable orders have no carrier for their first parcel.
func Undeliverable(number int) bool { return number%23 == 0 }

// Verdict is the result of the check for fraud.
type Verdict struct {
	Suspicious bool
	Token      string
}

// Activities are what the service does to the world. Here the world is Journal,
// and takes Work for each thing done to it.
type Activities struct {
	Journal *Journal
	Work    time.Duration
}

// do stands for the real thing. It notes the beginning and the end of the attempt,
// and returns the attempt's token.
func (a *Activities) do(ctx context.Context) (string, error) {
	info := activity.Info(ctx)
	if err := a.Journal.note(info, phaseStart); err != nil {
		return "", err
	}
	select {
	case <-time.After(a.Work):
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if err := a.Journal.note(info, phaseEnd); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s#%d/%d", info.Instance, info.Ref, info.Attempt), nil
}

// CheckFraud looks the customer up.
func (a *Activities) CheckFraud(ctx context.Context, number int) (Verdict, error) {
	token, err := a.do(ctx)
	return Verdict{Suspicious: Suspicious(number), Token: token}, err
}

// ReserveStock takes the articles of a line of an order off the shelf.
func (a *Activities) ReserveStock(ctx context.Context, _ int, _ Line) (string, error) {
	return a.do(ctx)
}

// ReleaseStock puts them back.
func (a *Activities) ReleaseStock(ctx context.Context, _ int, _ Line) (string, error) {
	return a.do(ctx)
}

// ChargeCard asks the payment provider to charge the card. The provider is flaky.
func (a *Activities) ChargeCard(ctx context.Context, number, cents int) (string, error) {
	token, err := a.do(ctx)
	if err == nil && activity.Attempt(ctx) < FlakyAttempts(number) {
		return "", fmt.Errorf("charging %d cents for order %d: %w", cents, number, errProvider)
	}
	return token, err
}

// Refund gives the money back that a charge took for an order.
func (a *Activities) Refund(ctx context.Context, _ int, _ string) (string, error) {
	return a.do(ctx)
}

// Pick fetches the articles of a parcel.
func (a *Activities) Pick(ctx context.Context, _ Parcel) (string, error) { return a.do(ctx) }

// PrintLabel prints the address.
func (a *Activities) PrintLabel(ctx context.Context, _ Parcel) (string, error) { return a.do(ctx) }

// HandOver gives the parcel to the carrier.
func (a *Activities) HandOver(ctx context.Context, p Parcel) (string, error) {
	if Undeliverable(p.Order) {
		return "", workflow.NewPermanentError(fmt.Errorf("parcel of order %d: %w", p.Order, ErrNoCarrier))
	}
	return a.do(ctx)
}
