package tui

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/history"
)

// search asks what to look for. What rows show is searched while it is typed, and the
// whole of the events when it is done.
func (h *historyPane) search() *prompt {
	from, before := h.cursor, h.wanted
	return newPrompt("/", h.wanted.Text, func(text string, final bool) {
		if text == before.Text && !final {
			h.wanted = before
			return
		}
		h.wanted = view.Wanted{Text: text}
		if text == "" {
			return
		}
		if at, _, ok := h.d.log.Find(from, false, h.wanted); ok {
			h.goTo(at)
		}
		if final {
			h.d.deep(text, func(found view.Found) {
				if h.wanted.Text == text {
					h.wanted.Also = found
				}
			})
		}
	})
}

// find goes to what is searched for or, if nothing is, to what went wrong.
func (h *historyPane) find(back bool) {
	at, wrapped, ok := h.beside(back)
	switch {
	case !ok && h.wanted.Text == "":
		h.d.a.say(view.Muted, "nothing in this history went wrong")
	case !ok:
		h.d.a.say(view.Muted, "no event has "+h.wanted.Text)
	default:
		h.goTo(at)
		if wrapped {
			h.d.a.say(view.Muted, "went on at the other end")
		}
	}
}

// beside returns the next event that is wanted and not on the row of the cursor:
// attempts that share a row are one thing to look at.
func (h *historyPane) beside(back bool) (at view.Spot, wrapped, ok bool) {
	log, at := &h.d.log, h.cursor
	for range log.Events {
		var around bool
		at, around, ok = log.Find(at, back, h.wanted)
		wrapped = wrapped || around
		if !ok {
			return at, wrapped, false
		}
		if log.Show(at); at == h.cursor || log.Row(at) != log.Row(h.cursor) {
			return at, wrapped, true
		}
	}
	return at, wrapped, ok
}

// deep finds the events that hold a text anywhere, beside the loop.
func (d *detail) deep(text string, answer func(found view.Found)) {
	store, c, i, low := d.a.conn.Store, d.a.conn.Codec, d.instance(), []byte(strings.ToLower(text))
	d.a.say(view.Muted, "searching the whole of the events...")
	ask(d.a, d, "search", func(ctx context.Context) (view.Found, error) {
		var found view.Found
		for e, err := range store.History(ctx, i, 0) {
			if err != nil {
				return found, err
			}
			var sealed error
			if e, sealed = codec.OpenEvent(ctx, c, e, codec.AsStored); sealed != nil && !errors.Is(sealed, codec.ErrRefused) {
				c = nil // the rest as it is stored
			}
			encoded, err := history.Encode(e)
			if err != nil {
				return found, err
			}
			if bytes.Contains(bytes.ToLower(encoded), low) {
				found = append(found, e.Seq)
			}
		}
		return found, nil
	}, func(found view.Found, err error) {
		if isUnreadable(err) || d.a.heardOf(err) {
			answer(found)
			d.a.say(view.Muted, "events that have "+text+": "+view.Count(int64(len(found))))
		}
	})
}
