package fleet

import (
	"context"
	"sync/atomic"
	"testing"
)

func TestInOrder(t *testing.T) {
	const items, n, window = 500, 3, 8
	var begun, running, most, taken atomic.Int64
	source := func(yield func(int) bool) {
		for i := range items {
			if begun.Add(1); !yield(i) {
				return
			}
		}
	}
	do := func(_ context.Context, i int) int {
		now := running.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			continue
		}
		running.Add(-1)
		return i
	}
	want := 0
	for got := range inOrder(t.Context(), source, n, window, do) {
		if got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
		want++
		// Besides those that wait, one is taken out of the queue and one is about to go in.
		if ahead := begun.Load() - taken.Add(1); ahead > window+2 {
			t.Fatalf("%d items are held", ahead)
		}
	}
	if want != items || most.Load() > n {
		t.Errorf("%d of %d items, up to %d at a time", want, items, most.Load())
	}
}

// Who stops early waits for what was begun, and begins no more.
func TestInOrderStops(t *testing.T) {
	endless := func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
			continue
		}
	}
	var running atomic.Int64
	do := func(ctx context.Context, i int) int {
		running.Add(1)
		defer running.Add(-1)
		if i > 5 {
			<-ctx.Done()
		}
		return i
	}
	for got := range inOrder(t.Context(), endless, 4, 16, do) {
		if got == 5 {
			break
		}
	}
	if n := running.Load(); n != 0 {
		t.Errorf("%d are still running", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for got := range inOrder(ctx, endless, 4, 16, do) {
		if got > 1000 {
			t.Fatal("it goes on after ctx has ended")
		}
	}
}
