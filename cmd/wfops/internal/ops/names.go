package ops

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfops/wfops/engine/history"
)

// Bounds of what is read of a history for the names of timers.
const (
	mostNamed     = 100
	mostNameReads = 24
	nameChunks    = 8
)

// NameTimers fills in what only the history knows of pending timers: the names of the
// steps that they belong to. Commands are numbered in the order of their events, and so
// each is found in a few reads, however long the history is. Where there are more timers,
// or more reads would be needed, than it takes, names are left out.
func (s *Store) NameTimers(ctx context.Context, d *Detail) error {
	n := namer{s: s, d: d, length: d.HistoryLength, at: map[int64]int64{}}
	d.names = map[int64]string{}
	for i := range d.Pending.Timers {
		ref := d.Pending.Timers[i].Ref
		if ref == 0 || i >= mostNamed {
			continue
		}
		err := n.find(ctx, ref)
		if unreadable(err) { // as who reads it will be told
			return nil
		}
		if err != nil {
			return fmt.Errorf("names of the timers of %s: %w", d.Instance, err)
		}
	}
	return nil
}

func unreadable(err error) bool {
	var unknown *history.UnknownKindError
	var broken *history.DecodeError
	return errors.As(err, &unknown) || errors.As(err, &broken)
}

// StepName is the name of the step that a command began, as far as NameTimers has found it.
func (d *Detail) StepName(ref int64) string { return d.names[ref] }

// namer looks for commands in a history.
type namer struct {
	s      *Store
	d      *Detail
	length int64
	// at are the events of commands that were seen.
	at    map[int64]int64
	reads int
}

// find halves the piece of the history that the command must be in, until it is seen.
func (n *namer) find(ctx context.Context, ref int64) error {
	low, high := n.within(ref)
	for n.at[ref] == 0 && low < high && n.reads < mostNameReads {
		begin := low
		if n.reads > 0 { // most histories are short, and the first read has it
			begin = (low + high) / 2
		}
		end, err := n.read(ctx, begin, high)
		if err != nil {
			return err
		}
		switch {
		case begin == low:
			low = end
		case end >= high: // no other command is behind
			high = begin
		}
		behind, before := n.within(ref)
		low, high = max(low, behind), min(high, before)
	}
	return nil
}

// within returns the events between which that of a command is: behind low, up to high.
func (n *namer) within(ref int64) (low, high int64) {
	low, high = ref-1, n.length
	for other, seq := range n.at {
		if other <= ref {
			low = max(low, seq)
		}
		if other >= ref {
			high = min(high, seq)
		}
	}
	return low, high
}

// read notes the commands behind an event until there is one, and returns how far it came.
func (n *namer) read(ctx context.Context, after, high int64) (end int64, err error) {
	for seen := len(n.at); len(n.at) == seen && after < high && n.reads < mostNameReads; n.reads++ {
		chunks, err := n.s.b.History(ctx, n.d.Instance, after, nameChunks)
		if err != nil || len(chunks) == 0 {
			return high, err
		}
		for i := range chunks {
			events, err := behind(&chunks[i], after)
			if err != nil {
				return high, err
			}
			for _, e := range events {
				n.note(e)
			}
			after += int64(len(events))
		}
	}
	return after, nil
}

func (n *namer) note(e history.Event) {
	if !history.IsCommand(e.Body) {
		return
	}
	n.at[e.Ref] = e.Seq
	if timer, is := e.Body.(history.TimerScheduled); is {
		n.d.names[e.Ref] = timer.Name
	}
	if activity, is := e.Body.(history.ActivityScheduled); is {
		n.d.names[e.Ref] = activity.Name
	}
}
