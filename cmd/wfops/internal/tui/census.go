package tui

import (
	"context"
	"time"

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

// census is how many instances there are in the store, for so much room in the head line.
func (a *app) census(width int) []view.Cell {
	if a.counted.at.IsZero() {
		return nil
	}
	var old []view.Cell
	if age := a.o.Clock().Sub(a.counted.at); age > aged {
		old = []view.Cell{{Text: "  " + view.Span(age) + " ago:", Style: view.Muted}}
	}
	cells := view.Census(a.counted.census, a.options(), width-widthOf(old))
	if len(cells) == 0 {
		return nil
	}
	return append(old, cells...)
}
