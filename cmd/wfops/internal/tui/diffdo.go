package tui

import (
	"context"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

func (d *diff) do(name string) bool {
	if d.page == nil {
		return false
	}
	if d.walk(name) {
		d.look()
		return true
	}
	switch name {
	case "next", "previous":
		d.next(name == "previous")
	case "fold":
		d.refold(func() { d.page.Fold(d.cursor) })
	case "fold-all":
		d.refold(d.page.FoldAll)
	case "hide-same":
		d.refold(d.page.Only)
	case "side-by-side":
		d.other = !d.other
	case "level":
		d.deeper()
	case "rules":
		d.a.show(&diffRules{d: d})
	case "enter":
		d.open()
	case "filter":
		d.a.over = newPrompt("/", d.wanted, d.search)
	default:
		return false
	}
	return true
}

// walk moves the cursor, and reports whether the move was one.
func (d *diff) walk(name string) bool {
	t := table{cursor: d.cursor, count: d.page.Len(), page: max(1, d.seen)}
	if !t.move(name) {
		return false
	}
	d.to(t.cursor)
	return true
}

// next goes to the next difference.
func (d *diff) next(back bool) {
	row, wrapped, ok := d.page.Next(d.row(), back)
	switch {
	case !ok:
		d.a.say(view.Good, "nothing differs")
		return
	case wrapped && back:
		d.a.say(view.Waiting, "before the first difference comes the last one")
	case wrapped:
		d.a.say(view.Waiting, "after the last difference comes the first one")
	default:
		d.a.say(view.Plain, "")
	}
	d.to(d.page.Find(row))
	d.look()
}

// refold folds, and keeps the cursor on its row.
func (d *diff) refold(fold func()) {
	row := d.row()
	fold()
	d.to(d.page.Find(row))
	d.look()
}

// open shows all there is about the row under the cursor.
func (d *diff) open() {
	if d.page.Len() == 0 {
		return
	}
	if d.page.Line(d.cursor).Folded > 0 {
		d.do("fold")
		return
	}
	d.a.show(newDiffRow(d, d.row()))
}

// search goes to the next row that has a text.
func (d *diff) search(text string, final bool) {
	d.wanted = text
	if !final || text == "" {
		return
	}
	page, from := d.page, d.row()
	ask(d.a, d, "search", func(ctx context.Context) (int, error) { return page.Search(ctx, text, from) }, func(row int, _ error) {
		switch {
		case row < 0:
			d.a.say(view.Waiting, "no "+page.Level.Unit()+" has "+text)
		case page == d.page:
			d.to(d.page.Find(row))
			d.look()
		}
	})
}

func (d *diff) click(x, y int) {
	if d.page == nil {
		return
	}
	if _, line, ok := d.body.at.Holds(x, y); ok && d.top+line < d.page.Len() {
		d.to(d.top + line)
		d.look()
	}
}
