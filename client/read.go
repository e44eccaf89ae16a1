package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Filter selects executions for List. The zero value selects all, newest first.
type Filter = backend.Query

// Description is what is stored of one execution beside its history, and who could
// run it.
type Description struct {
	backend.Summary

	// Pending is what it has outside of its history: inbox, timers, activity rows
	// and the lease.
	Pending backend.Pending
	// Workers are those that were alive half a minute ago.
	Workers []backend.Worker
}

// aliveFor is how long a worker is believed to be alive after its last heartbeat.
const aliveFor = 30 * time.Second

// GetWorkflowInstanceState returns the status of an execution. Without an
// ExecutionID it is that of the open or else the latest one. One that continued
// as new has engine.StatusContinuedAsNew.
func (c *Client) GetWorkflowInstanceState(ctx context.Context, instance *engine.Instance) (engine.Status, error) {
	i, err := instanceOf(instance)
	if err != nil {
		return "", err
	}
	s, err := c.b.Get(ctx, i)
	if err != nil {
		return "", fmt.Errorf("state of workflow instance %s: %w", i, err)
	}
	return s.Status, nil
}

// GetStats returns how much work the store holds.
func (c *Client) GetStats(ctx context.Context) (*backend.Stats, error) {
	open, err := c.b.Count(ctx, backend.Query{Statuses: []engine.Status{engine.StatusRunning, engine.StatusBlocked}})
	if err != nil {
		return nil, fmt.Errorf("counting open workflow instances: %w", err)
	}
	queues, err := c.b.Queues(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting pending tasks: %w", err)
	}
	stats := &backend.Stats{
		ActiveWorkflowInstances: open[engine.StatusRunning] + open[engine.StatusBlocked],
		PendingWorkflowTasks:    map[engine.Queue]int64{},
		PendingActivityTasks:    map[engine.Queue]int64{},
	}
	for _, q := range queues {
		switch q.Kind {
		case backend.QueueWorkflow:
			stats.PendingWorkflowTasks[q.Queue] += q.Ready + q.Leased
		case backend.QueueActivity:
			stats.PendingActivityTasks[q.Queue] += q.Ready + q.Leased
		}
	}
	return stats, nil
}

// List returns one page of the executions that match filter. Give Page.Next as
// Filter.Cursor to get the next one.
func (c *Client) List(ctx context.Context, filter Filter) (backend.Page, error) {
	page, err := c.b.List(ctx, filter)
	if err != nil {
		return page, fmt.Errorf("listing workflow instances: %w", err)
	}
	return page, nil
}

// Describe returns the summary of an execution and what is pending. Without an
// ExecutionID it is the open or else the latest one.
func (c *Client) Describe(ctx context.Context, instance *engine.Instance) (Description, error) {
	i, err := instanceOf(instance)
	if err != nil {
		return Description{}, err
	}
	var d Description
	if d.Summary, err = c.b.Get(ctx, i); err == nil {
		d.Pending, err = c.b.Pending(ctx, d.Instance, 0)
	}
	if err == nil {
		d.Workers, err = c.alive(ctx)
	}
	if err != nil {
		return Description{}, fmt.Errorf("describing workflow instance %s: %w", i, err)
	}
	return d, nil
}

// alive returns the workers with a fresh heartbeat.
func (c *Client) alive(ctx context.Context) ([]backend.Worker, error) {
	workers, err := c.b.Workers(ctx)
	if err != nil {
		return nil, err
	}
	since := c.clock.now(ctx, c.b).Add(-aliveFor)
	return slices.DeleteFunc(workers, func(w backend.Worker) bool { return w.Seen.Before(since) }), nil
}

// History returns the events of an execution, in order. Without an ExecutionID it
// is the open or else the latest one. Payloads in it are as they are stored.
func (c *Client) History(ctx context.Context, instance *engine.Instance) ([]history.Event, error) {
	i, err := instanceOf(instance)
	if err != nil {
		return nil, err
	}
	events, err := c.events(ctx, i)
	if err != nil {
		return nil, fmt.Errorf("history of workflow instance %s: %w", i, err)
	}
	return events, nil
}

func (c *Client) events(ctx context.Context, i engine.Instance) ([]history.Event, error) {
	s, err := c.b.Get(ctx, i)
	if err != nil {
		return nil, err
	}
	chunks, err := c.b.History(ctx, s.Instance, 0, 0)
	if err != nil {
		return nil, err
	}
	events := make([]history.Event, 0, s.HistoryLength)
	for _, chunk := range chunks {
		some, err := chunk.Events.Decode(chunk.First)
		if err != nil {
			return nil, err
		}
		events = append(events, some...)
	}
	return events, nil
}
