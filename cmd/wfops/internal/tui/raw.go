package tui

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// raw shows the events as lines of JSON. It keeps the pages around those that are seen.
type raw struct {
	d     *detail
	table table
	left  int
	pages map[int][]string
	err   error

	wanted string
	found  view.Found
}

// Sizes of what is kept of raw events.
const (
	rawPage  = 100
	rawPages = 8
	rawLine  = 16 << 10 // of an event, in bytes; the rest is in the event itself
)

func newRaw(d *detail) *raw { return &raw{d: d, pages: map[int][]string{}} }

func (*raw) scopes() []command.Scope { return []command.Scope{command.ScopeHistory} }

func (r *raw) grown() {
	r.table.resize(int(r.d.log.Events))
	if last := int(r.d.log.Events-1) / rawPage; len(r.pages[last]) < rawPage {
		delete(r.pages, last) // it has grown
	}
}

func (r *raw) refresh() { r.d.look(min(r.seq(), r.d.log.Events)) }

func (r *raw) seq() int64 { return int64(r.table.cursor) + 1 }

func (r *raw) do(name string) bool {
	r.table.resize(int(r.d.log.Events))
	if r.table.move(name) {
		r.d.look(min(r.seq(), r.d.log.Events))
		return true
	}
	switch name {
	case "left":
		r.left = max(0, r.left-step)
	case "right":
		r.left += step
	case "enter":
		if r.d.log.Events > 0 {
			r.d.a.show(newEvent(r.d, r.seq()))
		}
	case "filter":
		r.d.a.over = r.search()
	case "next", "previous":
		r.find(name == "previous")
	case "back":
		if r.wanted == "" {
			return false
		}
		r.wanted, r.found = "", nil
		r.d.a.drop(errand{r.d, "search"})
	default:
		return false
	}
	return true
}

func (r *raw) search() *prompt {
	return newPrompt("/", r.wanted, func(text string, final bool) {
		r.wanted, r.found = text, nil
		if !final || text == "" {
			return
		}
		r.d.deep(text, func(found view.Found) {
			if r.wanted == text {
				r.found = found
				r.find(false)
			}
		})
	})
}

// find goes to the next event that has what is searched for or, if nothing is, to the
// next that tells of a problem.
func (r *raw) find(back bool) {
	n, direction := int(r.d.log.Events), 1
	if r.wanted == "" {
		from, _ := r.d.log.PlaceOf(r.seq())
		if at, _, ok := r.d.log.Find(from, back, view.Wanted{}); ok {
			r.table.to(int(r.d.log.Seq(at)) - 1)
			return
		}
		r.d.a.say(view.Muted, "nothing in this history went wrong")
		return
	}
	if back {
		direction = n - 1
	}
	for i, row := 0, r.table.cursor; i < n; i++ {
		if row = (row + direction) % n; r.found.Has(int64(row) + 1) {
			r.table.to(row)
			return
		}
	}
	r.d.a.say(view.Muted, "no event has "+r.wanted)
}

// fetch reads a page of events.
func (r *raw) fetch(page int) {
	what := fmt.Sprintf("raw %d", page)
	if r.d.a.underWay(r.d, what) || r.err != nil || r.d.a.lost.err != nil {
		return
	}
	store, i := r.d.a.conn.Store, r.d.instance()
	ask(r.d.a, r.d, what, func(ctx context.Context) ([]string, error) {
		var lines []string
		for e, err := range store.History(ctx, i, int64(page*rawPage)) {
			if err != nil {
				return lines, err
			}
			text, err := eventJSON(e)
			if err != nil {
				return lines, err
			}
			if lines = append(lines, cutTo(string(text), rawLine)); len(lines) == rawPage {
				break
			}
		}
		return lines, nil
	}, func(lines []string, err error) {
		if isUnreadable(err) {
			r.err = err
		} else if !r.d.a.heardOf(err) {
			return
		}
		r.keep(page, lines)
	})
}

// keep takes a page, and drops those that are far from it.
func (r *raw) keep(page int, lines []string) {
	r.pages[page] = lines
	for other := range r.pages {
		if other < page-rawPages/2 || other > page+rawPages/2 {
			delete(r.pages, other)
		}
	}
}

// cutTo returns the beginning of a text, in a copy.
func cutTo(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return fmt.Sprintf("%s… of %s bytes", text[:bytes], view.Count(int64(len(text))))
}

func (r *raw) draw(at grid.Area, o view.Options) {
	r.table.resize(int(r.d.log.Events))
	at.Rule(0, "events as they are stored", o.ASCII)
	if r.wanted != "" {
		at.Right(0, 0, view.Cell{Text: " /" + r.wanted + " n N ", Style: view.Waiting})
	}
	_, at = at.Top(1)
	r.table.at, r.table.page = at, max(1, at.H)
	r.table.scroll()
	if r.err != nil {
		at.Line(0, 0, view.Cell{Text: r.err.Error(), Style: view.Bad})
		_, at = at.Top(1)
	}
	for y := range at.H {
		row := r.table.top + y
		if row >= r.table.count {
			return
		}
		line := at.Sub(0, y, at.W, 1)
		text, style, look := "...", view.Muted, grid.Look(0)
		if lines, ok := r.pages[row/rawPage]; !ok {
			r.fetch(row / rawPage)
		} else if row%rawPage < len(lines) {
			text, style = lines[row%rawPage], view.Plain
		}
		if r.found.Has(int64(row) + 1) {
			look = grid.Found
		}
		line.Line(0, look, shifted([]view.Cell{{Text: text, Style: style}}, r.left)...)
		if row == r.table.cursor {
			line.Look(grid.Selected)
		}
	}
}

func (r *raw) click(x, y int) {
	if _, row, ok := r.table.at.Holds(x, y); ok {
		r.table.to(r.table.top + row)
		r.d.look(r.seq())
	}
}

func (r *raw) copies() []copyItem {
	if e := r.d.event; e.seq == r.seq() && e.err == nil && e.seq > 0 {
		return []copyItem{{fmt.Sprintf("event %d as JSON", e.seq), e.text}}
	}
	return nil
}
