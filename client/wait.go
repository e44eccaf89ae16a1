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
	_, err = c.wait(ctx, i, timeout, nil)
	return err
}

// ended is the execution that a run ended with.
type ended struct {
	engine.Instance

	status engine.Status
	length int64
	// last is the end of the history if the store told it.
	last *backend.Chunk
}

func endOf(s backend.Summary) ended {
	return ended{Instance: s.Instance, status: s.Status, length: s.HistoryLength}
}

// wait returns how the run of i ended. hints, unless nil, were subscribed to when i was
// open still: then there is no need to look before they come.
func (c *Client) wait(ctx context.Context, i engine.Instance, timeout time.Duration, hints *backend.Subscription) (ended, error) {
	if timeout == 0 {
		timeout = DefaultWaitTimeout
	}
	within := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	look := hints == nil
	if look { // subscribed before the first look, so that an end in between is not missed
		hints = c.b.Subscribe(backend.Topic{Kind: backend.TopicFinished, Name: i.InstanceID})
	}
	defer hints.Close()

	start, b := time.Now(), c.patient()
	s := backend.Summary{Instance: i, Status: engine.StatusRunning}
	for interval := firstLook; ; interval = min(2*interval, slowLook) {
		if look {
			var err error
			switch s, err = latest(within, b, i); {
			case err != nil:
				return ended{}, fmt.Errorf("waiting for workflow instance %s: %w", i, err)
			case s.Status.Final():
				return endOf(s), nil
			}
			i = s.Instance
		}
		look = true
		next := time.NewTimer(interval + rand.N(interval/4))
		select {
		case <-hints.Wake():
			if end, told := toldEnd(hints.Take(), i); told {
				next.Stop()
				return end, nil
			}
			interval = firstLook / 2
		case <-next.C:
		case <-within.Done():
			next.Stop()
			if ctx.Err() != nil {
				return ended{}, stillOpen(s, start, ctx.Err())
			}
			return c.lastLook(ctx, s, start)
		}
		next.Stop()
	}
}

// earlyFor is how long a new handle listens for the end before anybody asks for it.
// Who starts an execution and wants its result most often asks at once.
const earlyFor = 10 * time.Millisecond

// early listens for the end of an execution from before it was created.
type early struct {
	hints *backend.Subscription
	timer *time.Timer
}

func (c *Client) listenEarly(instanceID string) *early {
	hints := c.b.Subscribe(backend.Topic{Kind: backend.TopicFinished, Name: instanceID})
	return &early{hints, time.AfterFunc(earlyFor, hints.Close)}
}

// take returns the subscription to the first who asks, and nil to others and when time
// is up.
func (e *early) take() *backend.Subscription {
	if e == nil || !e.timer.Stop() {
		return nil
	}
	return e.hints
}

func (e *early) end() {
	if hints := e.take(); hints != nil {
		hints.Close()
	}
}

// toldEnd looks for the end of the run of i in hints. That it continues is no end.
func toldEnd(hints []backend.Hint, i engine.Instance) (end ended, told bool) {
	for _, h := range hints {
		if h.Instance == i && h.End != nil && h.End.Status != engine.StatusContinuedAsNew {
			return ended{Instance: i, status: h.End.Status, last: &h.End.Last}, true
		}
	}
	return ended{}, false
}

// patient is the store for those who wait.
func (c *Client) patient() backend.Backend {
	return intercept.New(c.b, patience{log: c.settings.Log(), told: &c.told}.around)
}

// lastLookLimit is how much longer a wait takes at most than its timeout.
const lastLookLimit = time.Second

// lastLook is the last one of a wait whose time is up: the timeout may be shorter
// than the time between two.
func (c *Client) lastLook(ctx context.Context, s backend.Summary, start time.Time) (ended, error) {
	ctx, cancel := context.WithTimeout(ctx, lastLookLimit)
	defer cancel()
	end, err := latest(ctx, c.b, s.Instance)
	switch {
	case away(err):
		return ended{}, fmt.Errorf("%w: the last look failed: %w", stillOpen(s, start, context.DeadlineExceeded), err)
	case err != nil:
		return ended{}, fmt.Errorf("waiting for workflow instance %s: %w", s.Instance, err)
	case end.Status.Final():
		return endOf(end), nil
	}
	return ended{}, stillOpen(end, start, context.DeadlineExceeded)
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
	end, err := endOf(s).event(ctx, b)
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

// event returns the last event of the execution.
func (e ended) event(ctx context.Context, b backend.Read) (history.Body, error) {
	last := e.last
	if last == nil {
		chunks, err := b.History(ctx, e.Instance, max(e.length-1, 0), 0)
		if err != nil {
			return nil, err
		}
		if len(chunks) == 0 {
			return nil, fmt.Errorf("execution %s is %s, but has no history", e.Instance, e.status)
		}
		last = &chunks[len(chunks)-1]
	}
	events, err := last.Events.Decode(last.First)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", e.Instance, err)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("execution %s is %s, but the last chunk of its history is empty", e.Instance, e.status)
	}
	return events[len(events)-1].Body, nil
}
