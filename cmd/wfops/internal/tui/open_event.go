package tui

import (
	"fmt"
	"strconv"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// openEvent shows an event of an instance.
func (a *app) openEvent(s backend.Summary, seq int64) {
	d := newDetail(a, s)
	a.show(d)
	a.show(newEvent(d, seq))
}

// opened is the instance that is shown, or nil.
func (a *app) opened() *detail {
	switch s := a.top().(type) {
	case *detail:
		return s
	case *eventScreen:
		return s.d
	}
	return nil
}

// toEvent shows an event of the instance that is shown, in the place of another one.
func (a *app) toEvent(args []string) bool {
	d := a.opened()
	if d == nil || len(args) > 1 {
		return false
	}
	if len(args) == 0 {
		a.over = newPalette(a, "event ")
		return true
	}
	seq, err := strconv.ParseInt(args[0], 10, 64)
	switch e, is := a.top().(*eventScreen); {
	case err != nil || seq < 1:
		a.say(view.Bad, fmt.Sprintf("%q is not the number of an event", args[0]))
	case seq > max(d.log.Events, d.detail.HistoryLength):
		a.say(view.Bad, (&ops.NoEventError{Instance: d.instance(), Seq: seq}).Error())
	case is:
		e.seq = seq
		e.refresh()
	default:
		a.show(newEvent(d, seq))
	}
	return true
}
