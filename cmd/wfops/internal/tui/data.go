package tui

import (
	"context"
	"fmt"
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/history"
)

// data are the values of an instance: what it was given, what it gave to others, what
// they answered. Each is a tree that is read when it is unfolded.
type data struct {
	d     *detail
	table table
	left  int
	// open are the values that are unfolded, by their place among all, in order.
	open []opened
	// begun tells that the first value was unfolded, and ended that the last was.
	begun, ended bool

	wanted view.Wanted
}

// opened is a value that is unfolded. Its tree is nil while it is read.
type opened struct {
	item int
	seq  int64
	tree *view.JSON
	err  error
}

func (o *opened) rows() int {
	switch {
	case o.tree == nil:
		return 1
	case o.tree.Note != "":
		return o.tree.Len() + 1
	}
	return o.tree.Len()
}

func newData(d *detail) *data { return &data{d: d} }

func (*data) scopes() []command.Scope { return []command.Scope{command.ScopeData} }

func (*data) refresh() {}

// grown unfolds what is looked for most: what the instance was given and, once it has
// ended, what it came to.
func (v *data) grown() {
	n := len(v.items())
	if v.d.pane() != pane(v) || n == 0 {
		return
	}
	if !v.begun {
		v.begun = true
		v.unfold(0)
	}
	if v.d.log.Ended && !v.ended {
		v.ended = true
		v.unfold(n - 1)
	}
	v.table.resize(v.rows())
}

func (v *data) items() []view.Spot { return v.d.log.Valued() }

// rows is how many lines there are.
func (v *data) rows() int {
	rows := len(v.items())
	for i := range v.open {
		rows += v.open[i].rows()
	}
	return rows
}

// at returns what is on a row: a value, and a row of its tree, or -1.
func (v *data) at(row int) (item int, o *opened, inner int) {
	above := 0
	for i := range v.open {
		o := &v.open[i]
		switch first := o.item + above + 1; { // of the tree
		case row < first-1:
			return row - above, nil, -1
		case row == first-1:
			return o.item, o, -1
		case row < first+o.rows():
			return o.item, o, row - first
		}
		above += o.rows()
	}
	return row - above, nil, -1
}

// rowOf returns the row of a value.
func (v *data) rowOf(item int) int {
	row := item
	for i := range v.open {
		if v.open[i].item < item {
			row += v.open[i].rows()
		}
	}
	return row
}

// note is how many rows of a tree are not of the document.
func (o *opened) note() int {
	if o.tree != nil && o.tree.Note != "" {
		return 1
	}
	return 0
}

// unfold shows a value, and reads it for that.
func (v *data) unfold(item int) {
	i, found := slices.BinarySearchFunc(v.open, item, func(o opened, item int) int { return o.item - item })
	if found || item < 0 || item >= len(v.items()) {
		return
	}
	seq := v.d.log.Seq(v.items()[item])
	v.open = slices.Insert(v.open, i, opened{item: item, seq: seq})
	store, instance := v.d.a.conn.Store, v.d.instance()
	read := func(ctx context.Context) (history.Event, error) { return store.Event(ctx, instance, seq) }
	askEvent(v.d.a, v.d, fmt.Sprintf("value %d", seq), read, true, func(l loaded, err error) {
		for i := range v.open {
			if o := &v.open[i]; o.seq == seq {
				v.arrived(o, l, err)
			}
		}
	})
}

func (v *data) arrived(o *opened, l loaded, err error) {
	item, _, inner := v.at(v.table.cursor)
	o.tree, o.err = l.tree, err
	if err != nil && isLost(err) && !isUnreadable(err) {
		v.d.a.heardOf(err)
	}
	v.table.resize(v.rows())
	v.table.to(v.rowOf(item) + 1 + inner)
	if item == o.item && v.wanted.Text != "" && o.tree != nil {
		v.within(o, false, -1)
	}
}

func (v *data) toggle() {
	item, o, inner := v.at(v.table.cursor)
	switch {
	case o == nil:
		v.unfold(item)
	case inner < 0 || o.tree == nil:
		v.open = slices.DeleteFunc(v.open, func(other opened) bool { return other.item == item })
	default:
		inner = o.tree.Toggle(inner-o.note()) + o.note()
	}
	v.table.resize(v.rows())
	v.table.to(v.rowOf(item) + 1 + inner)
}

func (v *data) do(name string) bool {
	v.table.resize(v.rows())
	if v.table.move(name) {
		return true
	}
	switch name {
	case "left":
		v.left = max(0, v.left-step)
	case "right":
		v.left += step
	case "fold", "enter":
		v.toggle()
	case "fold-all":
		v.toggleAll()
	case "jq":
		v.jq()
	case "filter":
		v.d.a.over = v.search()
	case "next", "previous":
		v.find(name == "previous")
	case "back":
		if v.wanted.Text == "" {
			return false
		}
		v.wanted = view.Wanted{}
		v.d.a.drop(errand{v.d, "search"})
	default:
		return false
	}
	return true
}

// toggleAll folds all values if any is unfolded, else unfolds the one under the cursor
// with all that is in it.
func (v *data) toggleAll() {
	item, o, _ := v.at(v.table.cursor)
	switch {
	case o != nil && o.tree != nil:
		o.tree.ToggleAll()
	case len(v.open) > 0:
		v.open = nil
	default:
		v.unfold(item)
	}
	v.table.resize(v.rows())
	v.table.to(v.rowOf(item))
}

func (v *data) draw(at grid.Area, o view.Options) {
	v.table.resize(v.rows())
	at.Rule(0, fmt.Sprintf("%s values", view.Count(int64(len(v.items())))), o.ASCII)
	if v.wanted.Text != "" {
		at.Right(0, 0, view.Cell{Text: " /" + v.wanted.Text + " n N ", Style: view.Waiting})
	}
	_, at = at.Top(1)
	v.table.at, v.table.page = at, max(1, at.H)
	v.table.scroll()
	if v.rows() == 0 {
		at.Line(0, 0, view.Cell{Text: "  " + v.nothing(), Style: view.Muted})
	}
	v.unseal()
	for y := range at.H {
		row := v.table.top + y
		if row >= v.rows() {
			return
		}
		v.drawRow(at.Sub(gutter, y, at.W-gutter, 1), row, o)
		if row == v.table.cursor {
			at.Put(0, y, 0, view.Cell{Text: ">"})
			at.Sub(0, y, at.W, 1).Look(grid.Selected)
		}
	}
}

// unseal opens what the lines of values say that are seen.
func (v *data) unseal() {
	var seen []view.Spot
	for row := v.table.top; row < min(v.table.top+v.table.page, v.rows()); row++ {
		if item, _, inner := v.at(row); inner < 0 {
			seen = append(seen, v.items()[item])
		}
	}
	v.d.unseal(seen)
}

func (v *data) drawRow(line grid.Area, row int, o view.Options) {
	item, open, inner := v.at(row)
	at := v.items()[item]
	switch {
	case inner < 0:
		text, sign, size := v.d.log.Line(at, o)
		look := grid.Look(0)
		if v.wants(item) {
			look = grid.Found
		}
		bytes := ""
		if size > 0 {
			bytes = " " + view.Count(int64(size)) + " B"
		}
		x := line.Line(0, look, o.Folded(open == nil), view.Cell{Text: fmt.Sprintf(" %5d ", v.d.log.Seq(at)), Style: view.Muted}, sign, view.Cell{Text: " "})
		line.Sub(x, 0, line.W-x-len(bytes), 1).Line(0, look, text)
		line.Right(0, 0, view.Cell{Text: bytes, Style: view.Muted})
	case open.err != nil:
		line.Line(0, 0, view.Cell{Text: "        " + open.err.Error(), Style: view.Bad})
	case open.tree == nil:
		line.Line(0, 0, view.Cell{Text: "        reading...", Style: view.Muted})
	case inner < open.note():
		line.Line(0, 0, view.Cell{Text: "        " + open.tree.Note, Style: view.Waiting})
	default:
		look := grid.Look(0)
		if open.tree.Wants(inner-open.note(), v.wanted.Text) {
			look = grid.Found
		}
		line.Sub(8, 0, line.W-8, 1).Line(0, look, open.tree.Row(inner-open.note(), v.left, o)...)
	}
}

func (v *data) nothing() string {
	if v.d.a.underWay(v.d, "history") || !v.d.known {
		return "reading..."
	}
	return "it has been given nothing, and nothing has come of it"
}

func (v *data) click(x, y int) {
	if _, row, ok := v.table.at.Holds(x, y); ok && v.table.top+row < v.rows() {
		again := v.table.cursor == v.table.top+row
		v.table.to(v.table.top + row)
		if again {
			v.toggle()
		}
	}
}

func (v *data) copies() []copyItem {
	if len(v.items()) == 0 {
		return nil
	}
	_, o, inner := v.at(v.table.cursor)
	if o == nil || o.tree == nil {
		return nil
	}
	whole := copyItem{fmt.Sprintf("values of event %d", o.seq), o.tree.Doc()}
	if inner < o.note() {
		return []copyItem{whole}
	}
	return []copyItem{{"value under the cursor", o.tree.Text(inner - o.note())}, whole}
}
