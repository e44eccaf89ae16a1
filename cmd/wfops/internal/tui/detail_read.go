package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Bounds of what is read of a history at a time: the loop takes it in between two
// frames, and it is in memory whole for as long.
const (
	batchEvents = 2000
	batchBytes  = 8 << 20
)

func isGone(err error) bool { return errors.Is(err, engine.ErrInstanceNotFound) }

// batch is a part of a history.
type batch struct {
	events []history.Event
	more   bool
}

// read reads what has been added to the history.
func (d *detail) read() {
	if d.log.Ended || d.log.Events >= d.detail.HistoryLength || d.a.underWay(d, "history") {
		return
	}
	store, c, i, after := d.a.conn.Store, d.a.conn.Codec, d.instance(), d.log.Events
	ask(d.a, d, "history", func(ctx context.Context) (batch, error) {
		var b batch
		size := 0
		for e, err := range store.History(ctx, i, after) {
			if err != nil {
				return b, err
			}
			b.events = append(b.events, unopened(c, e))
			for _, v := range view.ValuesOf(e.Body) {
				size += len(v.Payload)
			}
			if len(b.events) == batchEvents || size > batchBytes {
				b.more = true
				break
			}
		}
		return b, nil
	}, d.take)
}

// take adds to the log what was read before something was wrong.
func (d *detail) take(b batch, err error) {
	for i := range b.events {
		d.log.Add(&b.events[i])
	}
	if len(b.events) > 0 {
		for _, p := range d.panes {
			p.grown()
		}
	}
	d.problem = nil
	switch {
	case isUnreadable(err):
		d.problem = err
	case err != nil:
		d.a.heardOf(err)
	case b.more:
		d.read()
	}
}

// isUnreadable reports whether the store has answered, and nobody can read what it has.
func isUnreadable(err error) bool {
	var unknown *history.UnknownKindError
	var broken *history.DecodeError
	return errors.As(err, &unknown) || errors.As(err, &broken)
}

// loaded is an event that was read again, whole.
type loaded struct {
	seq  int64
	text string
	tree *view.JSON
	err  error
	// late, unless nil, is what is still to be opened.
	late *history.Event
}

// look reads the event under the cursor.
func (d *detail) look(seq int64) {
	if seq == 0 || d.event.seq == seq {
		return
	}
	store, i := d.a.conn.Store, d.instance()
	askEvent(d.a, d, "event", func(ctx context.Context) (history.Event, error) {
		if err := d.a.rested(ctx); err != nil {
			return history.Event{}, err
		}
		return store.Event(ctx, i, seq)
	}, false, func(l loaded, err error) {
		if l.err = err; err == nil || isUnreadable(err) || !isLost(err) {
			l.seq = seq
			d.event = l
		}
	})
}

// load makes the document of an event, or that of its values alone.
func load(e history.Event, values bool) (loaded, error) {
	text, err := eventJSON(e)
	if err != nil {
		return loaded{}, err
	}
	if values {
		text = valuesOf(text)
	}
	return loaded{seq: e.Seq, text: string(text), tree: view.ParseJSON(text)}, nil
}

// eventJSON returns an event as the command line has it.
func eventJSON(e history.Event) ([]byte, error) {
	form, err := document.OfEvent(e)
	if err != nil {
		return nil, err
	}
	form.Schema = ""
	text, err := encoded(form)
	return []byte(text), err
}

// valuesOf returns what an event holds for the code, or from it, of its document.
func valuesOf(event []byte) []byte {
	var form struct {
		Body map[string]json.RawMessage `json:"body"`
	}
	if json.Unmarshal(event, &form) != nil {
		return event
	}
	for _, name := range []string{"args", "arg", "result", "value", "failure"} {
		doc, ok := form.Body[name]
		if !ok {
			continue
		}
		var one []json.RawMessage
		if name == "args" && json.Unmarshal(doc, &one) == nil && len(one) == 1 {
			return one[0]
		}
		return doc
	}
	return event
}

// encoded returns a document in one line, with texts as they are.
func encoded(form any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(form)
	return string(bytes.TrimRight(b.Bytes(), "\n")), err
}
