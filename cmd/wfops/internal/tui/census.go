package tui

import (
	"context"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// counted is what is known of how many instances there are.
type counted struct {
	census ops.Census
	// at is when they were counted, next when they may be again.
	at, next time.Time
}

// recensus counts again if it is time. It is called when the store has answered
// something else: the first screen never waits for it, and a store that does not
// answer is not asked.
func (a *app) recensus() {
	if a.conn == nil || a.o.Clock().Before(a.counted.next) || a.underWay(nil, "census") {
		return
	}
	store, now := a.conn.Store, a.o.Clock
	ask(a, nil, "census", func(ctx context.Context) (ops.Census, error) { return store.Census(ctx) }, func(c ops.Census, err error) {
		if err != nil { // the screen tells of a store that is lost; what was counted stays, with its age
			a.counted.next = now().Add(lastTry)
			return
		}
		a.counted = counted{census: c, at: now(), next: now().Add(countShare * c.Cost)}
	})
}

// aged counts tell how old they are.
const aged = 10 * time.Second

// census is how many instances there are in the store, for the head line: what is
// needed least comes last.
func (a *app) census() []view.Cell {
	if a.counted.at.IsZero() {
		return nil
	}
	cells := view.Census(a.counted.census, a.options())
	if age := a.o.Clock().Sub(a.counted.at); age > aged {
		cells[0].Text = view.Span(age) + " ago: " + cells[0].Text
	}
	return cells
}

// paintCensus puts as many of the counts as find room into a line of the head.
func (a *app) paintCensus(at grid.Area) {
	x := 0
	for _, c := range a.census() {
		if c.Text = "  " + c.Text; x+view.Width(c.Text) > at.W {
			return
		}
		x = at.Put(x, 0, 0, c)
	}
}
