package fleet

import (
	"context"
	"iter"
	"sync"
)

// inOrder does something with each item, n at a time, and yields what comes of it in
// the order of the items. No more than window answers wait to be yielded. When ctx
// ends no further item is begun.
func inOrder[T, R any](ctx context.Context, items iter.Seq[T], n, window int, do func(context.Context, T) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		queue := make(chan chan R, window)
		free := make(chan struct{}, n)
		all.Go(func() {
			defer close(queue)
			for item := range items {
				answer := make(chan R, 1)
				select {
				case free <- struct{}{}:
				case <-ctx.Done():
					return
				}
				select {
				case queue <- answer:
				case <-ctx.Done():
					return
				}
				all.Go(func() {
					answer <- do(ctx, item)
					<-free
				})
			}
		})
		for answer := range queue {
			if !yield(<-answer) {
				return
			}
		}
	}
}
