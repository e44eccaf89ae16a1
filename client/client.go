// Package client starts and operates workflow instances, and waits for them.
//
// A Client needs no worker in its process: it writes to the store, and whichever
// worker serves the instance's queue does the rest.
//
// # Errors
//
// A call that is refused before anything was written wraps
// engine.ErrInvalidArgument and says which argument is wrong. What a store refuses
// wraps one of the engine's sentinels, such as engine.ErrInstanceNotFound, and
// the driver's error. When the connection breaks so that nobody knows whether a
// write took place, the call makes the same write again, which the store
// recognizes, for up to ten seconds or until its ctx ends. If that is not enough
// the error says that the outcome is unknown, and wraps none of the sentinels.
//
// No call waits for ever for a connection that hangs. Each try of a write is given
// up after ten seconds, and made again at least once; a read whose ctx has no
// deadline after thirty. Those who wait for the end of a run ask again as long as
// they wait, whatever the store is up to.
package client

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
)

// Client starts and operates instances. It is safe for concurrent use, holds no
// resources of its own and needs no closing; the store stays the caller's.
type Client struct {
	b        backend.Backend
	settings settings.Settings
	registry *registry.Registry
	// strict tells that registry was given to us: what it lacks is worth a question.
	strict bool
	clock  clock
	told   atomic.Bool // that the store is away
}

// Option changes how New builds a Client.
type Option func(*Client)

// WithSettings gives the client the settings that its workers have: payload
// converter and codec, errors, context propagators, logger, telemetry. Settings that
// can't be meant are an error of every call that writes an event.
func WithSettings(s settings.Settings) Option { return func(c *Client) { c.settings = s } }

// WithRegistry makes the client check the arguments of workflows that are started
// by name, know names that functions were registered under, and refuse to start a
// workflow that neither r nor a live worker registers. A nil r changes nothing.
func WithRegistry(r *registry.Registry) Option {
	return func(c *Client) {
		if r != nil {
			c.registry, c.strict = r, true
		}
	}
}

// New returns a Client on b. Concurrent writes share calls of the store. In a process
// that was started to replay histories every call of the client is refused with
// engine.ErrReplaying.
func New(b backend.Backend, opts ...Option) *Client {
	c := &Client{b: intercept.New(group.New(b), bound), registry: registry.New()}
	if err := engine.CheckLive("making a client"); err != nil {
		c.b = intercept.New(b, func(context.Context, intercept.Method, func(context.Context) error) error { return err })
	}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// What GetWorkflowResult returns for a run that has no result of its own.
var (
	ErrWorkflowCanceled   = engine.ErrCanceled
	ErrWorkflowTerminated = engine.ErrTerminated
)

// instanceOf guards against the nil that a caller gets beside an error.
func instanceOf(i *engine.Instance) (engine.Instance, error) {
	if i == nil {
		return engine.Instance{}, fmt.Errorf("%w: the workflow instance is nil", engine.ErrInvalidArgument)
	}
	if err := engine.CheckName("instance id", i.InstanceID); err != nil {
		return engine.Instance{}, err
	}
	return *i, nil
}

// run returns the address of the whole run that i belongs to: the execution and
// all those it continued as. So an operation reaches the execution that the run is
// at now, and never a later run that has the same InstanceID.
func (c *Client) run(ctx context.Context, i engine.Instance) (backend.Address, error) {
	s, err := c.b.Get(ctx, i)
	if err != nil {
		return backend.Address{}, err
	}
	return backend.Address{InstanceID: i.InstanceID, FirstExecution: s.FirstExecution}, nil
}
