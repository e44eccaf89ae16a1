package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/history"
)

// DefaultWaitTimeout is what a timeout of 0 means to WaitForWorkflowInstance and
// GetWorkflowResult.
const DefaultWaitTimeout = 20 * time.Second

// How often a waiter looks without a hint from the store. In one process there is
// always a hint, across processes where the store can tell.
const (
	firstLook = 100 * time.Millisecond
	slowLook  = 2 * time.Second
)

// WaitForWorkflowInstance waits until the run that instance belongs to has ended,
// however it ended, and following it wherever it continues as new. A timeout of 0
// means DefaultWaitTimeout; with a negative one only ctx ends the wait.
//
// While the store is away the wait goes on, and asks again now and then. When the
// time is up the error is context.DeadlineExceeded (or ctx's error) and tells what
// the instance is at or, if the store is away then, wraps its last error too.
func (c *Client) WaitForWorkflowInstance(ctx context.Context, instance *engine.Instance, timeout time.Duration) error {
	i, err := instanceOf(instance)
	if err != nil {
		return err
	}
	_, err = c.wait(ctx, i, timeout)
	return err
}

// wait returns the summary of the execution that the run ended with.
func (c *Client) wait(ctx context.Context, i engine.Instance, timeout time.Duration) (backend.Summary, error) {
	if timeout == 0 {
		timeout = DefaultWaitTimeout
	}
	within := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	// Subscribed before the first look, so that an end in between is not missed.
	hints := c.b.Subscribe(backend.Topic{Kind: backend.TopicFinished, Name: i.InstanceID})
	defer hints.Close()

	start, b := time.Now(), c.patient()
	for interval := firstLook; ; interval = min(2*interval, slowLook) {
		s, err := latest(within, b, i)
		switch {
		case err != nil:
			return s, fmt.Errorf("waiting for workflow instance %s: %w", i, err)
		case s.Status.Final():
			return s, nil
		}
		i = s.Instance
		look := time.NewTimer(interval + rand.N(interval/4))
		select {
		case <-hints.Wake():
			hints.Take()
			interval = firstLook / 2
		case <-look.C:
		case <-within.Done():
			look.Stop()
			if ctx.Err() != nil {
				return s, stillOpen(s, start, ctx.Err())
			}
			return c.lastLook(ctx, s, start)
		}
		look.Stop()
	}
}

// patient is the store for those who wait.
func (c *Client) patient() backend.Backend {
	return intercept.New(c.b, patience{log: c.settings.Log(), told: &c.told}.around)
}

// lastLookLimit is how much longer a wait takes at most than its timeout.
const lastLookLimit = time.Second

// lastLook is the last one of a wait whose time is up: the timeout may be shorter
// than the time between two.
func (c *Client) lastLook(ctx context.Context, s backend.Summary, start time.Time) (backend.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, lastLookLimit)
	defer cancel()
	end, err := latest(ctx, c.b, s.Instance)
	switch {
	case away(err):
		return s, fmt.Errorf("%w: the last look failed: %w", stillOpen(s, start, context.DeadlineExceeded), err)
	case err != nil:
		return s, fmt.Errorf("waiting for workflow instance %s: %w", s.Instance, err)
	case end.Status.Final():
		return end, nil
	}
	return end, stillOpen(end, start, context.DeadlineExceeded)
}

// stillOpen is the error of a wait that took too long.
func stillOpen(s backend.Summary, start time.Time, cause error) error {
	state := string(s.Status)
	if s.Status == engine.StatusBlocked {
		state += " (" + blockedBecause(s) + ")"
	}
	if s.Paused {
		state += " and paused"
	}
	return fmt.Errorf("workflow instance %s is still %s after %v: %w", s.Instance, state, time.Since(start).Round(time.Millisecond), cause)
}

func blockedBecause(s backend.Summary) string {
	var reason engine.BlockReason
	if err := json.Unmarshal(s.Block, &reason); err != nil || reason.Message == "" {
		return s.BlockClass
	}
	return string(reason.Class) + ": " + reason.Message
}

// latest returns the summary of i or, if that continued as new, of the execution
// the run is at.
func latest(ctx context.Context, b backend.Read, i engine.Instance) (backend.Summary, error) {
	s, err := b.Get(ctx, i)
	for err == nil && s.Status == engine.StatusContinuedAsNew {
		s, err = next(ctx, b, s)
	}
	return s, err
}

// next returns the summary of an execution after s in its run. It takes the short
// way if the run has the id still, and else follows the history.
func next(ctx context.Context, b backend.Read, s backend.Summary) (backend.Summary, error) {
	current, err := b.Get(ctx, engine.Instance{InstanceID: s.Instance.InstanceID})
	if err != nil && !errors.Is(err, engine.ErrInstanceNotFound) {
		return current, err
	}
	if err == nil && current.FirstExecution == s.FirstExecution && current.Instance != s.Instance {
		return current, nil
	}
	end, err := ending(ctx, b, s)
	if err != nil {
		return s, err
	}
	continued, ok := end.(history.WorkflowContinuedAsNew)
	if !ok {
		return s, fmt.Errorf("execution %s is %s, but its history ends with %s", s.Instance, s.Status, end.Kind())
	}
	successor := engine.Instance{InstanceID: s.Instance.InstanceID, ExecutionID: continued.NewExecution}
	then, err := b.Get(ctx, successor)
	if err != nil {
		return then, fmt.Errorf("execution %s continued as %s: %w", s.Instance, continued.NewExecution, err)
	}
	return then, nil
}

// ending returns the last event of a finished execution.
func ending(ctx context.Context, b backend.Read, s backend.Summary) (history.Body, error) {
	chunks, err := b.History(ctx, s.Instance, max(s.HistoryLength-1, 0), 0)
	if err != nil {
		return nil, err
	}
	if len(chunks) == 0 {
		return nil, fmt.Errorf("execution %s is %s, but has no history", s.Instance, s.Status)
	}
	last := chunks[len(chunks)-1]
	events, err := last.Events.Decode(last.First)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", s.Instance, err)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("execution %s is %s, but the last chunk of its history is empty", s.Instance, s.Status)
	}
	return events[len(events)-1].Body, nil
}
