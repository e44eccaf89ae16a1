package codec

import (
	"context"
	"errors"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Opener opens payloads. See Process.Open.
type Opener interface {
	Open(ctx context.Context, stored engine.Payload) (engine.Payload, error)
}

// OpenEvent returns an event with its payloads opened. Those that can't be are what kept
// makes of them; the error tells why the first of them can't. An opener of nil leaves
// everything as it is.
func OpenEvent(ctx context.Context, o Opener, e history.Event, kept Kept) (history.Event, error) {
	var c caller
	if o != nil {
		e.Body = values.Replace(e.Body, c.opens(ctx, o, kept))
	}
	return e, c.err
}

// OpenInbox is OpenEvent for what an instance has not read yet.
func OpenInbox(ctx context.Context, o Opener, p *backend.Pending, kept Kept) error {
	var c caller
	if o == nil {
		return nil
	}
	inbox := p.Inbox
	p.Inbox = nil
	for _, in := range inbox {
		in.Event = values.ReplaceIn(in.Event, c.opens(ctx, o, kept))
		p.Inbox = append(p.Inbox, in)
	}
	return c.err
}

// Kept is what stands for a payload that can't be opened.
type Kept func(stored engine.Payload) engine.Payload

// AsStored keeps what is stored, AsSealed says that it is sealed.
func AsStored(stored engine.Payload) engine.Payload { return stored }

// AsSealed says that a payload is sealed.
func AsSealed(engine.Payload) engine.Payload { return values.Sealed }

// caller remembers the first error.
type caller struct{ err error }

func (c *caller) opens(ctx context.Context, o Opener, kept Kept) func(engine.Payload) engine.Payload {
	return func(stored engine.Payload) engine.Payload {
		plain, err := o.Open(ctx, stored)
		if err == nil {
			return plain
		}
		if c.err == nil {
			c.err = err
		}
		return kept(stored)
	}
}

// Soon is how long somebody who looks at something waits for it to be opened, before it
// is shown as it is.
const Soon = 150 * time.Millisecond

// IsLate reports whether an error tells that who has asked did not want to wait any
// longer. The answer will be there when it is asked for again.
func IsLate(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
}
