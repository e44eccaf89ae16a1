package tui

import (
	"context"
	"errors"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/history"
)

// open returns a side with its values opened, or as it is if that takes longer than soon.
// If the codec fails all are left as they are stored: what was opened and what was not
// would differ.
func (s *side) open(ctx context.Context, c Codec, soon bool) *side {
	if s.opened {
		return s
	}
	next := *s
	next.opened = true
	if c == nil {
		return &next
	}
	if soon {
		within, cancel := context.WithTimeout(ctx, codec.Soon)
		defer cancel()
		ctx = within
	}
	next.events = make([]history.Event, 0, len(s.events))
	for _, e := range s.events {
		e, err := codec.OpenEvent(ctx, c, e, codec.AsStored)
		switch {
		case codec.IsLate(ctx, err):
			return s
		case err != nil && !errors.Is(err, codec.ErrRefused):
			next.events, next.sealed = s.events, err
			return &next
		case err != nil:
			next.sealed = err
		}
		next.events = append(next.events, e)
	}
	return &next
}

// sealed says what is to be known of values that are compared as they are stored.
func (c *comparison) sealed() (text view.Cell, some bool) {
	for _, s := range c.sides {
		switch {
		case s.sealed != nil:
			return view.Cell{Text: "values are compared as they are stored: " + s.sealed.Error(), Style: view.Waiting}, true
		case !s.opened && !c.code:
			return view.Cell{Text: "values are compared as they are stored, until they are opened", Style: view.Waiting}, true
		}
	}
	return text, false
}
