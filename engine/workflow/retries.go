package workflow

import (
	"time"

	"github.com/wfops/wfops/engine"
)

// RetryOptions say how often and when something that failed is tried again.
type RetryOptions = engine.RetryPolicy

// DefaultRetryOptions make three attempts, without a delay between them.
var DefaultRetryOptions = RetryOptions{MaxAttempts: 3, BackoffCoefficient: 1}

// WithRetries calls fn until the future that it returns succeeds, fails with an
// error that is not retried, or has used up the attempts; that is the outcome of
// the future that WithRetries returns. attempt is 0 for the first, which is made
// before WithRetries returns. A delay of zero costs no timer. When ctx is canceled
// there is no further attempt.
func WithRetries[T any](ctx Context, retryOptions RetryOptions, fn func(ctx Context, attempt int) Future[T]) Future[T] {
	if err := retryOptions.Check(); err != nil {
		return failed[T](err)
	}
	first := fn(ctx, 0)
	if retryOptions.MaxAttempts <= 1 {
		return first
	}
	x := ctx.exec()
	p := &promise[T]{x: x}
	began := Now(ctx)
	x.start("retries", func() { p.set(retry(ctx, retryOptions, began, first, fn)) })
	return p
}

func retry[T any](ctx Context, policy RetryOptions, began time.Time, f Future[T], fn func(Context, int) Future[T]) (T, error) {
	for attempt := 1; ; attempt++ {
		v, err := f.Get(ctx)
		if err == nil || ctx.Err() != nil {
			return v, err
		}
		delay, again := ctx.exec().retryDelay(policy, attempt, err, Now(ctx).Sub(began))
		if !again {
			return v, err
		}
		if delay > 0 {
			if err := Sleep(ctx, delay); err != nil {
				return v, err
			}
		}
		f = fn(ctx, attempt)
	}
}

// retryDelay takes a random number only if the policy wants one: it would shift
// those that come after it.
func (x *execution) retryDelay(policy RetryOptions, attempt int, err error, elapsed time.Duration) (time.Duration, bool) {
	spread := 0.5 // the middle: no jitter
	if policy.Jitter > 0 {
		spread = x.rand().Float64()
	}
	return policy.Retry(attempt, x.settings.Sentinels.Failure(err), elapsed, spread)
}
