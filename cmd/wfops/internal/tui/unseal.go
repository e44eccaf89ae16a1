package tui

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// unopened returns an event that says of its values that they are sealed. They are opened
// where they are seen: of a whole history that would take as long as the codec likes.
func unopened(c Codec, e history.Event) history.Event {
	if c != nil {
		e.Body = values.Replace(e.Body, codec.AsSealed)
	}
	return e
}

// unseal opens the values of events that are seen, some at a time: who goes on sees
// others by then.
func (d *detail) unseal(seen []view.Spot) {
	c := d.a.conn.Codec
	if c == nil || d.a.underWay(d, "open") || d.a.lost.err != nil || d.a.o.Clock().Before(d.rest) {
		return
	}
	seen = slices.DeleteFunc(seen, func(at view.Spot) bool { return !d.log.Sealed(at) })
	if len(seen) == 0 {
		return
	}
	seqs := make([]int64, len(seen))
	for i, at := range seen {
		seqs[i] = d.log.Seq(at)
	}
	store, i := d.a.conn.Store, d.instance()
	ask(d.a, d, "open", func(ctx context.Context) (all []history.Event, err error) {
		for begun := time.Now(); len(all) < len(seqs) && time.Since(begun) < codec.Soon; {
			e, err := store.Event(ctx, i, seqs[len(all)])
			if err == nil {
				e, err = codec.OpenEvent(ctx, c, e, codec.AsSealed)
			}
			if err != nil && !errors.Is(err, codec.ErrRefused) {
				return all, err
			}
			all = append(all, e)
		}
		return all, nil
	}, func(all []history.Event, err error) {
		for i := range all {
			d.log.Open(seen[i], &all[i])
		}
		if d.sealed = nil; err == nil {
			return
		}
		if d.rest = d.a.o.Clock().Add(codec.Rest); errors.Is(err, codec.ErrCodec) {
			d.sealed = err
		}
	})
}

// askEvent reads an event and opens it. If that takes long, answer hears first of the
// event as it is stored.
func askEvent(a *app, owner screen, what string, read func(context.Context) (history.Event, error), onlyValues bool, answer func(loaded, error)) {
	c := a.conn.Codec
	ask(a, owner, what, func(ctx context.Context) (loaded, error) {
		e, err := read(ctx)
		if err != nil {
			return loaded{}, err
		}
		soon, cancel := context.WithTimeout(ctx, codec.Soon)
		defer cancel()
		return loadOpened(soon, c, e, onlyValues)
	}, func(l loaded, err error) {
		if answer(l, err); l.late != nil {
			ask(a, owner, what, func(ctx context.Context) (loaded, error) { return loadOpened(ctx, c, *l.late, onlyValues) }, answer)
		}
	})
}

// loadOpened is load of an event that is opened as far as it can be.
func loadOpened(ctx context.Context, c Codec, e history.Event, onlyValues bool) (loaded, error) {
	opened, sealed := codec.OpenEvent(ctx, c, e, codec.AsStored)
	l, err := load(opened, onlyValues)
	if err != nil || sealed == nil {
		return l, err
	}
	why := "sealed: " + sealed.Error()
	if codec.IsLate(ctx, sealed) {
		l.late, why = &e, "sealed; "+c.Name()+" is asked to open it"
	}
	if l.tree.Note != "" {
		why += "; " + l.tree.Note
	}
	l.tree.Note = why
	return l, nil
}

// openedDetail reads what there is about an instance. What it has not read yet is opened,
// or says that it is sealed: it is read anew before long.
func openedDetail(ctx context.Context, store *ops.Store, c Codec, i engine.Instance) (ops.Detail, error) {
	d, err := store.Detail(ctx, i)
	soon, cancel := context.WithTimeout(ctx, codec.Soon)
	defer cancel()
	_ = codec.OpenInbox(soon, c, &d.Pending, codec.AsSealed) // each says so itself
	return d, err
}
