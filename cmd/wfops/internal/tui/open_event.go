package tui

import "github.com/wfops/wfops/engine/backend"

// openEvent shows an event of an instance.
func (a *app) openEvent(s backend.Summary, seq int64) {
	d := newDetail(a, s)
	a.show(d)
	a.show(newEvent(d, seq))
}
