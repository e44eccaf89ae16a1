package engine_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/wfops/wfops/engine"
)

func TestSentinelsKeepIdentity(t *testing.T) {
	special := fmt.Errorf("special offer: %w", errOutOfStock)
	all := engine.Sentinels{"shop.out_of_stock": errOutOfStock, "shop.special": special, "sys": syscall.ENOENT}
	for name, tc := range map[string]struct{ err, is, not error }{
		"itself":             {errOutOfStock, errOutOfStock, special},
		"wrapped":            {fmt.Errorf("a: %w", fmt.Errorf("b: %w", errOutOfStock)), errOutOfStock, special},
		"joined":             {errors.Join(errors.New("x"), errOutOfStock), errOutOfStock, special},
		"wraps another":      {special, special, engine.ErrTimeout},
		"and is that too":    {special, errOutOfStock, engine.ErrTimeout},
		"by value":           {fmt.Errorf("a: %w", syscall.ENOENT), syscall.ENOENT, syscall.EPERM},
		"engine's own":       {fmt.Errorf("a: %w", engine.ErrInstanceNotFound), engine.ErrInstanceNotFound, engine.ErrTimeout},
		"canceled":           {engine.ErrCanceled, engine.ErrCanceled, context.Canceled},
		"deadline":           {fmt.Errorf("a: %w", context.DeadlineExceeded), context.DeadlineExceeded, context.Canceled},
		"deadline, timeout":  {context.DeadlineExceeded, engine.ErrTimeout, engine.ErrCanceled},
		"context canceled":   {context.Canceled, context.Canceled, engine.ErrCanceled},
		"its own Is method":  {isOutOfStock{}, errOutOfStock, special},
		"same text is other": {errors.New("out of stock"), nil, errOutOfStock},
	} {
		t.Run(name, func(t *testing.T) {
			for side, err := range map[string]error{"live": all.Failure(tc.err), "stored": stored(t, all, tc.err)} {
				if tc.is != nil && !errors.Is(err, tc.is) {
					t.Errorf("%s: errors.Is does not find %v", side, tc.is)
				}
				if errors.Is(err, tc.not) {
					t.Errorf("%s: errors.Is finds %v", side, tc.not)
				}
			}
		})
	}
}

type isOutOfStock struct{}

func (isOutOfStock) Error() string        { return "none left" }
func (isOutOfStock) Is(target error) bool { return target == errOutOfStock }

func TestSentinelsUnregistered(t *testing.T) {
	f := sentinels.Failure(errOutOfStock)
	if f.Code != "shop.out_of_stock" {
		t.Fatalf("code is %q", f.Code)
	}
	if errors.Is(stored(t, nil, errOutOfStock), errOutOfStock) {
		t.Error("a sentinel that is registered nowhere is found")
	}
	other := engine.Sentinels{"other": errors.New("other")}
	lost := &engine.Failure{Message: f.Message, Code: f.Code}
	if errors.Is(other.Bind(lost), errOutOfStock) {
		t.Error("a code that this side does not know is bound")
	}
	own := &engine.Failure{Message: "x", Code: "wfops.canceled"}
	if !errors.Is(own, engine.ErrCanceled) {
		t.Error("the engine's own sentinels need binding")
	}
}

func TestSentinelsOfOneErrorUnderTwoCodes(t *testing.T) {
	s := engine.Sentinels{"b": errOutOfStock, "a": errOutOfStock, "c": errOutOfStock, "nil": nil}
	for range 20 { // maps have no order
		if code := s.Failure(errOutOfStock).Code; code != "a" {
			t.Fatalf("code is %q", code)
		}
	}
	s["z"] = engine.ErrTimeout
	if code := s.Failure(engine.ErrTimeout).Code; code != "z" {
		t.Errorf("the registered code does not come first: %q", code)
	}
}

func BenchmarkFailure(b *testing.B) {
	err := fmt.Errorf("charging: %w", fmt.Errorf("card: %w", errOutOfStock))
	b.ReportAllocs()
	for b.Loop() {
		if sentinels.Failure(err) == nil {
			b.Fatal("nil")
		}
	}
}
