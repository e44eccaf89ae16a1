package worker

import (
	"cmp"
	"slices"

	"github.com/wfops/wfops/engine/history"
)

// openCommands are the events of commands without an answer, by their refs. Most
// executions have one at a time, for which a map would take up the room of eight.
type openCommands struct {
	events []history.Event
	// gone counts those that were dropped and are still in there, without a body.
	gone int
}

func (o *openCommands) find(ref int64) (int, bool) {
	return slices.BinarySearchFunc(o.events, ref, func(ev history.Event, ref int64) int { return cmp.Compare(ev.Ref, ref) })
}

// put takes in a command. They come in order but for a history that was not written
// by us.
func (o *openCommands) put(ev history.Event) {
	i, known := o.find(ev.Ref)
	if !known {
		o.events = slices.Insert(o.events, i, ev)
		return
	}
	if o.events[i].Body == nil {
		o.gone--
	}
	o.events[i] = ev
}

// get returns the event of a command that was neither answered nor withdrawn.
func (o *openCommands) get(ref int64) (history.Event, bool) {
	i, known := o.find(ref)
	if !known || o.events[i].Body == nil {
		return history.Event{}, false
	}
	return o.events[i], true
}

// drop forgets a command. Room is made once half of the events are gone: one by one
// would move all that follow, each time.
func (o *openCommands) drop(ref int64) {
	i, known := o.find(ref)
	if !known || o.events[i].Body == nil {
		return
	}
	o.events[i].Body = nil
	if o.gone++; 2*o.gone >= len(o.events) {
		o.events = slices.DeleteFunc(o.events, func(ev history.Event) bool { return ev.Body == nil })
		o.gone = 0
	}
}
