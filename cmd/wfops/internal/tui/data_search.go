package tui

import (
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// search asks what to look for, in what is shown and then in all values.
func (v *data) search() *prompt {
	return newPrompt("/", v.wanted.Text, func(text string, final bool) {
		v.wanted = view.Wanted{Text: text}
		if !final || text == "" {
			return
		}
		v.d.deep(text, func(found view.Found) {
			if v.wanted.Text == text {
				v.wanted.Also = found
				v.find(false)
			}
		})
	})
}

// wants reports whether a value has what is searched for.
func (v *data) wants(item int) bool {
	return v.wanted.Text != "" && v.d.log.Has(v.items()[item], v.wanted)
}

// find goes to the next place that has what is searched for: in the value under the
// cursor, then in the next one that has it.
func (v *data) find(back bool) {
	n := len(v.items())
	if v.wanted.Text == "" || n == 0 {
		v.d.a.say(view.Muted, "/ searches for something")
		return
	}
	item, o, inner := v.at(v.table.cursor)
	if o != nil && o.tree != nil && v.within(o, back, inner-o.note()) {
		return
	}
	direction := 1
	if back {
		direction = n - 1
	}
	for range n {
		if item = (item + direction) % n; v.wants(item) {
			v.visit(item, back)
			return
		}
	}
	v.d.a.say(view.Muted, "no value has "+v.wanted.Text)
}

// visit goes to a value, and to what is searched for in it.
func (v *data) visit(item int, back bool) {
	v.unfold(item)
	v.table.resize(v.rows())
	v.table.to(v.rowOf(item))
	if _, o, _ := v.at(v.rowOf(item)); o != nil && o.tree != nil {
		from := -1
		if back {
			from = o.tree.Len()
		}
		v.within(o, back, from)
	}
}

// within goes to the next match in a value behind one of its rows, or before it, and
// reports whether there was one.
func (v *data) within(o *opened, back bool, from int) bool {
	row, ok := o.tree.Next(from, back, v.wanted.Text)
	if !ok {
		return false
	}
	v.table.resize(v.rows())
	v.table.to(v.rowOf(o.item) + 1 + o.note() + row)
	return true
}

// jq puts the value under the cursor through a program.
func (v *data) jq() {
	_, o, _ := v.at(v.table.cursor)
	if o == nil || o.tree == nil {
		v.d.a.say(view.Waiting, "Enter reads a value, and then | puts it through jq")
		return
	}
	seq := o.seq
	v.d.a.askJQ(o.tree.Doc(), "", func(program string) string {
		return v.d.command("data") + fmt.Sprintf(" --event %d --jq ", seq) + quoted(".value | "+program)
	})
}
