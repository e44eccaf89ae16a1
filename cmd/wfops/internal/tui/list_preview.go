package tui

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Where there is room for a preview, and for what the instance did in time beside it.
const (
	previewFrom, previewHeight   = 18, 6
	spaciousFrom, spaciousHeight = 30, 12
	spaciousWidth                = 120
	mostPreviewed                = 1000 // events: more are for the screen of the instance
	errTooLong                   = previewError("the history is too long for a preview")
)

type previewError string

func (e previewError) Error() string { return string(e) }

// preview is what is shown of the instance under the cursor.
type preview struct {
	detail ops.Detail
	events []history.Event
	// problem is why there are no events.
	problem error
}

// spaciousList reports whether there is room for a timeline.
func spaciousList(at grid.Area) bool { return at.W >= spaciousWidth && at.H >= spaciousFrom }

// roomFor decides what is shown of the instance under the cursor.
func (l *list) roomFor(at grid.Area) {
	if was := l.spacious; was != spaciousList(at) {
		if l.spacious = !was; l.spacious {
			l.look()
		}
	}
}

// look reads what the preview shows. A history is read again when it has grown.
func (l *list) look() {
	if !l.preview || l.selected == (engine.Instance{}) {
		return
	}
	if l.looking == l.selected && l.a.underWay(l, "preview") {
		return // to begin anew with each refresh would be never to end
	}
	l.looking = l.selected
	store, c, i, was, spacious := l.a.conn.Store, l.a.conn.Codec, l.selected, l.seen, l.spacious
	ask(l.a, l, "preview", func(ctx context.Context) (p preview, err error) {
		if was.detail.Instance != i {
			err = l.a.rested(ctx)
		}
		if err != nil {
			return p, err
		}
		if p.detail, err = openedDetail(ctx, store, c, i); err != nil || !spacious {
			return p, err
		}
		if p.events = was.events; was.detail.Instance != i || int64(len(was.events)) != p.detail.HistoryLength {
			p.events, p.problem = beginning(ctx, store, p.detail)
		}
		return p, nil
	}, func(p preview, err error) {
		if err == nil { // one that is gone vanishes from the list as well
			l.seen = p
		}
	})
}

// beginning reads a history that is short.
func beginning(ctx context.Context, store *ops.Store, d ops.Detail) (events []history.Event, err error) {
	if d.HistoryLength > mostPreviewed {
		return nil, errTooLong
	}
	for e, err := range store.History(ctx, d.Instance, 0) {
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

func (l *list) drawPreview(at grid.Area, o view.Options) {
	s := l.current()
	if s == nil {
		return
	}
	left, right := at, grid.Area{}
	if l.spacious {
		left, right = at.Left(at.W / 2)
		_, right = right.Left(1)
	}
	left.Rule(0, s.Instance.InstanceID, o.ASCII)
	if l.seen.detail.Instance != s.Instance {
		right.Rule(0, "", o.ASCII)
		return
	}
	for y, cells := range view.Preview(l.seen.detail, o, left.W) {
		left.Line(y+1, 0, cells...)
	}
	if right.W > 0 {
		l.drawTimeline(right, o)
	}
}

// drawTimeline draws what the instance did last.
func (l *list) drawTimeline(at grid.Area, o view.Options) {
	if l.seen.problem != nil || len(l.seen.events) == 0 {
		at.Rule(0, "timeline", o.ASCII)
		if l.seen.problem != nil {
			at.Line(1, 0, view.Cell{Text: " " + l.seen.problem.Error(), Style: view.Muted})
		}
		return
	}
	t := diagnostics.NewTimeline(l.seen.events, o.Now)
	at.Rule(0, "timeline, "+view.Span(t.To.Sub(t.From)), o.ASCII)
	lines := view.Timeline(t, o, at.W-1)
	head, rows := lines[:1], lines[1:1+len(t.Spans)]
	if room := at.H - 2; len(rows) > room && room > 0 {
		earlier := []view.Cell{{Text: fmt.Sprintf("%d steps before", len(rows)-room+1), Style: view.Muted}}
		rows = append(view.Lines{earlier}, rows[len(rows)-room+1:]...)
	}
	for y, line := range append(head[:1:1], rows...) {
		at.Sub(1, y+1, at.W-1, 1).Line(0, 0, spaced(line)...)
	}
}
