package engine_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

func TestDelay(t *testing.T) {
	const s, middle = time.Second, 0.5
	for name, tc := range map[string]struct {
		policy engine.RetryPolicy
		want   []time.Duration // before attempts 2, 3, …
	}{
		"zero":                 {engine.RetryPolicy{BackoffCoefficient: 2}, []time.Duration{0, 0, 0}},
		"constant":             {engine.RetryPolicy{FirstRetryInterval: s}, []time.Duration{s, s, s}},
		"first not multiplied": {engine.RetryPolicy{FirstRetryInterval: s, BackoffCoefficient: 3}, []time.Duration{s, 3 * s, 9 * s}},
		"below one means one":  {engine.RetryPolicy{FirstRetryInterval: s, BackoffCoefficient: 0.5}, []time.Duration{s, s}},
		"cap": {
			engine.RetryPolicy{FirstRetryInterval: s, BackoffCoefficient: 2, MaxRetryInterval: 3 * s},
			[]time.Duration{s, 2 * s, 3 * s, 3 * s},
		},
		"cap below first":      {engine.RetryPolicy{FirstRetryInterval: 5 * s, MaxRetryInterval: s}, []time.Duration{s, s}},
		"jitter in the middle": {engine.RetryPolicy{FirstRetryInterval: s, Jitter: 1}, []time.Duration{s, s}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, want := range tc.want {
				if got := tc.policy.Delay(i+1, middle); got != want {
					t.Errorf("after attempt %d: %s, want %s", i+1, got, want)
				}
			}
		})
	}
}

func TestDelayNeverOverflows(t *testing.T) {
	for _, attempt := range []int{1, 10, 100, 5000, math.MaxInt32} {
		for _, first := range []time.Duration{0, 1, time.Hour, math.MaxInt64} {
			p := engine.RetryPolicy{FirstRetryInterval: first, BackoffCoefficient: 10, Jitter: 1}
			if got := p.Delay(attempt, 0.999); got < 0 || first == 0 && got != 0 || first > 0 && attempt > 100 && got < time.Hour {
				t.Errorf("first %s, after attempt %d: %s", first, attempt, got)
			}
		}
	}
}

func TestJitterStaysWithinItsShare(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	p := engine.RetryPolicy{FirstRetryInterval: 10 * time.Second, Jitter: 0.2}
	low, high := time.Duration(math.MaxInt64), time.Duration(0)
	for range 10_000 {
		d := p.Delay(1, rnd.Float64())
		low, high = min(low, d), max(high, d)
	}
	if low < 8*time.Second || high > 12*time.Second {
		t.Errorf("from %s to %s, want 8s to 12s", low, high)
	}
	if low > 8100*time.Millisecond || high < 11900*time.Millisecond {
		t.Errorf("from %s to %s does not fill 8s to 12s", low, high)
	}
}

func TestRetry(t *testing.T) {
	plain := errors.New("x")
	s := time.Second
	three := engine.RetryPolicy{MaxAttempts: 3, FirstRetryInterval: s}
	with := func(change func(*engine.RetryPolicy)) engine.RetryPolicy {
		p := three
		change(&p)
		return p
	}
	notPath := with(func(p *engine.RetryPolicy) { p.NonRetryable = []string{"*PathError", "shop.out_of_stock"} })
	within := with(func(p *engine.RetryPolicy) { p.RetryTimeout = 10 * s })
	path := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}
	for name, tc := range map[string]struct {
		policy  engine.RetryPolicy
		attempt int
		err     error
		elapsed time.Duration
		again   bool
	}{
		"zero policy":               {engine.RetryPolicy{}, 1, plain, 0, false},
		"one attempt":               {engine.RetryPolicy{MaxAttempts: 1}, 1, plain, 0, false},
		"attempts left":             {three, 2, plain, time.Hour, true},
		"attempts used up":          {three, 3, plain, 0, false},
		"permanent":                 {three, 1, engine.NewPermanentError(plain), 0, false},
		"panic":                     {three, 1, engine.NewPanicError("x", ""), 0, false},
		"canceled":                  {three, 1, engine.ErrCanceled, 0, false},
		"timeout":                   {three, 1, engine.ErrTimeout, 0, true},
		"not retryable by type":     {notPath, 1, path, 0, false},
		"not retryable, wrapped":    {notPath, 1, fmt.Errorf("y: %w", path), 0, false},
		"not retryable by code":     {notPath, 1, fmt.Errorf("y: %w", errOutOfStock), 0, false},
		"another type":              {notPath, 1, plain, 0, true},
		"empty name matches none":   {engine.RetryPolicy{MaxAttempts: 2, NonRetryable: []string{"", "*"}}, 1, plain, 0, true},
		"time left":                 {within, 1, plain, 8 * s, true},
		"next attempt is too late":  {within, 1, plain, 9 * s, false},
		"time is over":              {within, 1, plain, 11 * s, false},
		"lost, silent policy":       {engine.RetryPolicy{}, 2, engine.ErrWorkerLost, 0, true},
		"lost thrice":               {engine.RetryPolicy{}, 3, engine.ErrWorkerLost, 0, false},
		"lost, one attempt":         {engine.RetryPolicy{MaxAttempts: 1}, 1, engine.ErrWorkerLost, 0, false},
		"lost counts":               {three, 3, engine.ErrWorkerLost, 0, false},
		"lost, more attempts given": {engine.RetryPolicy{MaxAttempts: 5}, 4, engine.ErrWorkerLost, 0, true},
		"no failure":                {three, 1, nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			delay, again := tc.policy.Retry(tc.attempt, sentinels.Failure(tc.err), tc.elapsed, 0.5)
			if again != tc.again {
				t.Errorf("again is %t", again)
			}
			if want := tc.policy.Delay(tc.attempt, 0.5); again && delay != want || !again && delay != 0 {
				t.Errorf("delay is %s", delay)
			}
		})
	}
}

func TestRetryAfterStoring(t *testing.T) {
	f := asFailure(t, stored(t, nil, fmt.Errorf("attempt 1: %w", engine.ErrWorkerLost)))
	if _, again := (engine.RetryPolicy{}).Retry(1, f, 0, 0); !again {
		t.Error("a lost attempt is not known as one after it was stored")
	}
}

func TestRetryPolicyCheck(t *testing.T) {
	for name, p := range map[string]engine.RetryPolicy{
		"attempts":     {MaxAttempts: -1},
		"first":        {FirstRetryInterval: -1},
		"cap":          {MaxRetryInterval: -1},
		"timeout":      {RetryTimeout: -1},
		"jitter":       {Jitter: 1.1},
		"jitter below": {Jitter: -0.1},
		"jitter NaN":   {Jitter: math.NaN()},
		"coefficient":  {BackoffCoefficient: -1},
		"infinite":     {BackoffCoefficient: math.Inf(1)},
		"NaN":          {BackoffCoefficient: math.NaN()},
	} {
		if err := p.Check(); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, p := range []engine.RetryPolicy{{}, {MaxAttempts: 3, FirstRetryInterval: 1, BackoffCoefficient: 2, Jitter: 1}} {
		if err := p.Check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
