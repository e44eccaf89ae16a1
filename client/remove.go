package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// RemoveWorkflowInstance deletes a finished execution with everything stored of
// it. Without an ExecutionID it is the latest one. engine.ErrInstanceNotFound if
// there is none, engine.ErrInstanceNotFinished if it is open.
func (c *Client) RemoveWorkflowInstance(ctx context.Context, instance *engine.Instance) error {
	i, err := instanceOf(instance)
	if err != nil {
		return err
	}
	if i.ExecutionID == "" {
		s, err := c.b.Get(ctx, i)
		if err != nil {
			return fmt.Errorf("removing workflow instance %s: %w", i, err)
		}
		i = s.Instance
	}
	err = send(ctx, func(again bool) error {
		return unlessDone(again, c.b.Remove(ctx, []engine.Instance{i})[0])
	})
	if err != nil {
		return fmt.Errorf("removing workflow instance %s: %w", i, err)
	}
	return nil
}

// RemoveWorkflowInstances deletes all finished executions that the options don't
// spare, those that continued as new included. It works in batches: when ctx ends
// or the store fails it stops where it is, and what is removed stays removed.
// Instances that can't be removed are skipped and reported in the end.
func (c *Client) RemoveWorkflowInstances(ctx context.Context, options ...backend.RemovalOption) error {
	o := backend.RemovalOptions{BatchSize: backend.DefaultRemovalBatch}
	for _, option := range options {
		if err := option(&o); err != nil {
			return err
		}
	}
	query := backend.Query{Statuses: finalStatuses(), FinishedBefore: o.FinishedBefore, Limit: o.BatchSize}
	removed, skipped := 0, []error(nil)
	for {
		page, err := c.b.List(ctx, query)
		if err == nil {
			var n int
			var refused []error
			n, refused, err = c.removePage(ctx, page.Items)
			removed += n
			skipped = append(skipped, refused...)
		}
		switch {
		case err != nil:
			return fmt.Errorf("removing finished workflow instances stopped after %d: %w", removed, errors.Join(append(skipped, err)...))
		case page.Next != "":
			query.Cursor = page.Next
		case len(skipped) > 0:
			return fmt.Errorf("removed %d finished workflow instances, but not %d others: %w", removed, len(skipped), errors.Join(skipped...))
		default:
			return nil
		}
	}
}

// removePage removes one batch. refused are the errors of single items; err is one
// that ends the removal. What is gone already counts for nothing.
func (c *Client) removePage(ctx context.Context, page []backend.Summary) (removed int, refused []error, err error) {
	instances := make([]engine.Instance, len(page))
	for i, s := range page {
		instances[i] = s.Instance
	}
	if len(instances) == 0 {
		return 0, nil, nil
	}
	var errs []error
	err = send(ctx, func(bool) error {
		errs = c.b.Remove(ctx, instances)
		for _, err := range errs {
			if engine.OutcomeUnknown(err) || errors.Is(err, engine.ErrReadOnly) || errors.Is(err, engine.ErrClosed) {
				return err
			}
		}
		return nil
	})
	for i, itemErr := range errs {
		switch {
		case itemErr == nil:
			removed++
		case errors.Is(itemErr, engine.ErrInstanceNotFound), err != nil:
		default:
			refused = append(refused, fmt.Errorf("%s: %w", instances[i], itemErr))
		}
	}
	return removed, refused, err
}

func finalStatuses() []engine.Status {
	var final []engine.Status
	for _, s := range engine.Statuses() {
		if s.Final() {
			final = append(final, s)
		}
	}
	return final
}

// How often auto expiration looks, at least and at most.
const (
	expireOften  = time.Second
	expireRarely = time.Hour
)

// StartAutoExpiration removes executions that ended more than delay ago, now and
// then, until ctx ends or the store is closed. It returns at once; the work is
// done by a goroutine of this process, in batches. It may be started in any number
// of processes: they only share the work. Errors are logged and tried again.
//
// The error is engine.ErrReadOnly if the store can't be written to.
func (c *Client) StartAutoExpiration(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return fmt.Errorf("%w: the delay of auto expiration is %v", engine.ErrInvalidArgument, delay)
	}
	info, err := c.b.Info(ctx)
	if err == nil && info.ReadOnly {
		err = engine.ErrReadOnly
	}
	if err != nil {
		return fmt.Errorf("starting auto expiration: %w", err)
	}
	go c.expire(ctx, delay)
	return nil
}

func (c *Client) expire(ctx context.Context, delay time.Duration) {
	ticker := time.NewTicker(min(max(delay/4, expireOften), expireRarely))
	defer ticker.Stop()
	for {
		err := c.RemoveWorkflowInstances(ctx, backend.RemoveFinishedBefore(c.clock.now(ctx, c.b).Add(-delay)))
		switch {
		case ctx.Err() != nil || errors.Is(err, engine.ErrClosed):
			return
		case err != nil:
			c.settings.Log().ErrorContext(ctx, "auto expiration of finished workflow instances failed, it will be tried again", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
