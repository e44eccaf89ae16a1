package redis

import (
	"context"
	"errors"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// sweep removes executions that ended longer ago than the retention. It is not left
// to EXPIRE, which would leave their places in lists behind.
func (b *Backend) sweep(ctx context.Context) error {
	info, err := b.Info(ctx)
	if err != nil {
		return err
	}
	before := info.Now.Add(-b.opts.retention)
	// What ended before was created before, so that the lists are not read to their
	// ends.
	q := backend.Query{FinishedBefore: before, CreatedBefore: before, Ascending: true, Limit: backend.DefaultRemovalBatch}
	for {
		page, err := b.List(ctx, q)
		if err != nil {
			return err
		}
		old := make([]engine.Instance, len(page.Items))
		for i := range page.Items {
			old[i] = page.Items[i].Instance
		}
		for _, err := range b.Remove(ctx, old) {
			if err != nil && !errors.Is(err, engine.ErrInstanceNotFound) { // somebody else has removed it
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}
