package tui

import (
	"cmp"
	"context"
	"errors"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/history"
)

// opened reads a side with its values opened, or as it is stored if that takes longer than
// soon. If the codec fails all are left as they are stored: what was opened and what was
// not would differ.
func (r sideReader) opened(ctx context.Context, name string, soon bool, read func(fleet.Open) (*diagnostics.Side, error)) (*side, error) {
	within, cancel := ctx, context.CancelFunc(func() {})
	if soon && r.codec != nil {
		within, cancel = context.WithTimeout(ctx, codec.Soon)
	}
	defer cancel()
	var refused, failed error
	of, err := read(func(e history.Event) (history.Event, error) {
		e, err := codec.OpenEvent(within, r.codec, e, codec.AsStored)
		if errors.Is(err, codec.ErrRefused) {
			refused, err = err, nil
		}
		failed = err
		return e, err
	})
	late := codec.IsLate(within, failed)
	if failed != nil {
		refused = nil // nothing is opened
		of, err = read(func(e history.Event) (history.Event, error) { return e, nil })
	}
	if err != nil {
		return nil, err
	}
	s := newSide(name, of, r.store.Clock())
	if s.opened = !late; s.opened {
		s.sealed = cmp.Or(failed, refused)
	}
	return s, nil
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
