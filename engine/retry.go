package engine

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// RetryPolicy says how often and when something that failed is tried again.
// The zero value does not retry.
type RetryPolicy struct {
	// MaxAttempts counts the first attempt too; 0 and 1 mean no retry on an
	// error. An attempt that was lost with its worker counts as well; with 0 it
	// is run again, up to three attempts in all, with 1 never.
	MaxAttempts int
	// FirstRetryInterval is the delay before the second attempt.
	FirstRetryInterval time.Duration
	// MaxRetryInterval caps the delay before jitter; 0 means no cap.
	MaxRetryInterval time.Duration
	// BackoffCoefficient multiplies the delay after each retry; values below 1
	// mean 1.
	BackoffCoefficient float64
	// RetryTimeout stops retrying once this much time has passed since the
	// first attempt was scheduled; 0 means no limit.
	RetryTimeout time.Duration
	// Jitter spreads each delay by up to this share of it, both ways: 0.2 makes
	// 10 s anything from 8 s to 12 s. Between 0 and 1.
	Jitter float64
	// NonRetryable lists type names (as in Failure.Type) and sentinel codes
	// that are not retried.
	NonRetryable []string
}

// lostAttempts bounds the attempts of an activity whose policy is silent about
// them and whose worker dies each time.
const lostAttempts = 3

// Check returns an error that wraps ErrInvalidArgument if p can't be meant.
func (p RetryPolicy) Check() error {
	switch {
	case p.MaxAttempts < 0:
		return fmt.Errorf("%w: RetryOptions.MaxAttempts is %d", ErrInvalidArgument, p.MaxAttempts)
	case p.FirstRetryInterval < 0, p.MaxRetryInterval < 0, p.RetryTimeout < 0:
		return fmt.Errorf("%w: RetryOptions holds a negative duration", ErrInvalidArgument)
	case p.Jitter < 0 || p.Jitter > 1 || math.IsNaN(p.Jitter):
		return fmt.Errorf("%w: RetryOptions.Jitter is %v, it must be between 0 and 1", ErrInvalidArgument, p.Jitter)
	case math.IsNaN(p.BackoffCoefficient) || math.IsInf(p.BackoffCoefficient, 0) || p.BackoffCoefficient < 0:
		return fmt.Errorf("%w: RetryOptions.BackoffCoefficient is %v", ErrInvalidArgument, p.BackoffCoefficient)
	}
	return nil
}

// Delay returns the delay before the attempt after attempt (which is 1 for the
// first). rnd is uniform in [0,1); the same rnd gives the same delay.
func (p RetryPolicy) Delay(attempt int, rnd float64) time.Duration {
	if p.FirstRetryInterval <= 0 { // times an infinite factor it would not be 0
		return 0
	}
	d := float64(p.FirstRetryInterval) * math.Pow(max(p.BackoffCoefficient, 1), float64(attempt-1))
	if p.MaxRetryInterval > 0 {
		d = min(d, float64(p.MaxRetryInterval))
	}
	d = min(d, math.MaxInt64/4) // leaves room for jitter, and for adding to a time
	d += d * p.Jitter * (2*rnd - 1)
	return time.Duration(d)
}

// Retry decides whether attempt, which ended with f at elapsed after the first
// attempt was scheduled, is followed by another, and after which delay. rnd is
// as for Delay.
func (p RetryPolicy) Retry(attempt int, f *Failure, elapsed time.Duration, rnd float64) (delay time.Duration, again bool) {
	if f == nil {
		return 0, false
	}
	limit := max(p.MaxAttempts, 1)
	if p.MaxAttempts == 0 && errors.Is(f, ErrWorkerLost) {
		limit = lostAttempts
	}
	if attempt >= limit || !f.canRetry() || f.matches(p.NonRetryable) {
		return 0, false
	}
	delay = p.Delay(attempt, rnd)
	if p.RetryTimeout > 0 && elapsed+delay >= p.RetryTimeout {
		return 0, false
	}
	return delay, true
}
