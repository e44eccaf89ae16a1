package tui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func (l *list) do(name string) bool {
	l.steered = name != "first" && (l.steered || name != "refresh")
	if l.table.move(name) {
		l.select1()
		if l.extend(); name == "last" { // also behind where a filter has given up
			l.load()
		}
		return true
	}
	switch name {
	case "enter", "get":
		if s := l.current(); s != nil {
			l.a.show(newDetail(l.a, *s))
		}
	case "filter":
		l.a.over = l.prompt()
	case "mark":
		l.mark()
	case "range":
		l.ranges()
	case "mark-all":
		l.markAll()
	case "unmark":
		clear(l.marks)
		l.anchor = engine.Instance{}
	case "back":
		if l.anchor == (engine.Instance{}) {
			return false
		}
		l.anchor = engine.Instance{} // Esc ends a range
	case "wide":
		l.wide = !l.wide
	case "preview":
		l.preview = !l.preview
		l.look()
	case "order":
		sorts := ops.Sorts()
		l.arrange(sorts[(slices.Index(sorts, l.sort)+1)%len(sorts)], false)
	case "reverse":
		l.reverse()
	case "next":
		l.jump(1)
	case "previous":
		l.jump(-1)
	default:
		return false
	}
	return true
}

// doWith takes what is typed behind a colon.
func (l *list) doWith(name string, args []string) bool {
	if name != "order" {
		return false
	}
	by := ops.Sort(args[0])
	if !slices.Contains(ops.Sorts(), by) {
		l.a.say(view.Bad, fmt.Sprintf("there is no order %q; there are %v", args[0], ops.Sorts()))
		return true
	}
	l.arrange(by, false)
	return true
}

// can says what means something in a list as it is.
func (l *list) can(name string) bool {
	switch name {
	case "next-pane", "previous-pane", "left", "right":
		return false
	case "unmark":
		return len(l.marks) > 0
	case "enter", "mark", "mark-all", "range", "actions", "next", "previous", "yank", "yank-menu", "replay", "diff":
		return l.count() > 0
	}
	return true
}

func (l *list) mark() {
	s := l.current()
	if s == nil {
		return
	}
	l.anchor = engine.Instance{}
	if _, marked := l.marks[s.Instance]; marked {
		delete(l.marks, s.Instance)
	} else {
		l.marks[s.Instance] = *s
	}
	l.do("down")
}

// ranges begins a range of marks, which goes to wherever the cursor goes, or ends it.
func (l *list) ranges() {
	s := l.current()
	if s == nil || l.anchor != (engine.Instance{}) {
		l.anchor = engine.Instance{}
		return
	}
	l.anchor, l.before = s.Instance, maps.Clone(l.marks)
	l.stretch()
}

// stretch marks what is between the anchor and the cursor.
func (l *list) stretch() {
	from, to := l.find(l.anchor), l.table.cursor
	if from < 0 {
		l.anchor = engine.Instance{}
		return
	}
	l.marks = maps.Clone(l.before)
	for i := min(from, to); i <= max(from, to) && i < l.count(); i++ {
		l.marks[l.items[i].Instance] = l.items[i]
	}
}

func (l *list) markAll() {
	l.anchor = engine.Instance{}
	for i := range l.items {
		l.marks[l.items[i].Instance] = l.items[i]
	}
	if l.next != "" {
		l.a.say(view.Attention, fmt.Sprintf("marked the %s that are loaded, of %s: G loads more", view.Count(int64(l.count())), l.total()))
	}
}

// unmark takes the marks off instances.
func (l *list) unmark(done []engine.Instance) {
	for _, i := range done {
		delete(l.marks, i)
	}
}

// remark keeps what is known of marked instances as fresh as the list.
func (l *list) remark() {
	if len(l.marks) == 0 {
		return
	}
	for i := range l.items {
		if _, marked := l.marks[l.items[i].Instance]; marked {
			l.marks[l.items[i].Instance] = l.items[i]
		}
	}
}

// hiddenOf returns the ids of those of some instances that are not in the list.
func (l *list) hiddenOf(some []backend.Summary) (ids []string) {
	shown := make(map[engine.Instance]bool, l.count())
	for i := range l.items {
		shown[l.items[i].Instance] = true
	}
	for i := range some {
		if !shown[some[i].Instance] {
			ids = append(ids, some[i].Instance.InstanceID)
		}
	}
	return ids
}

// hiddenNote says how many marked instances are not in the list.
func (l *list) hiddenNote() string {
	if n := l.hidden(); n > 0 {
		return fmt.Sprintf(" (%d not shown)", n)
	}
	return ""
}

// jump goes to the next instance that is blocked or has failed.
func (l *list) jump(by int) {
	for i := l.table.cursor + by; i >= 0 && i < l.count(); i += by {
		if status := l.items[i].Status; status == engine.StatusBlocked || status == engine.StatusFailed {
			l.table.to(i)
			l.select1()
			l.extend()
			return
		}
	}
	l.a.say(view.Muted, "no more are blocked or failed in what is loaded")
}

// arrange begins the list anew in another order.
func (l *list) arrange(by ops.Sort, up bool) {
	l.sort, l.up = by, up
	l.restart()
}

func (l *list) reverse() {
	if l.sort == ops.SortAttention {
		l.a.say(view.Muted, "what needs attention comes first; o sorts by something else")
		return
	}
	l.arrange(l.sort, !l.up)
}

// restart begins the list anew.
func (l *list) restart() {
	l.window, l.page, l.scanned = window{}, ops.ListPage{}, 0
	l.table.resize(0)
	l.selected, l.anchor, l.steered = engine.Instance{}, engine.Instance{}, false
	for _, what := range []string{"page", "more", "count"} {
		l.a.drop(errand{l, what})
	}
	l.counts, l.countNext = ops.Counts{}, l.a.o.Clock()
	l.refresh()
}

// narrow applies a filter, and keeps in mind what is wrong with it.
func (l *list) narrow(text string) {
	f, err := filter.Parse(text)
	if l.problem = err; err != nil || text == l.text {
		return
	}
	l.filter, l.text = f, text
	l.restart()
}

// narrowing applies a filter while it is typed. A word that may become a key is none
// to look for yet.
func (l *list) narrowing(text string, final bool) {
	if !final && text != l.text {
		l.typing = true
		if word := lastTerm(text); word != "" && isKeyBegun(strings.TrimPrefix(word, "!")) {
			text = strings.TrimSuffix(text, word)
		}
	}
	l.narrow(text)
	l.typing = false
}

func isKeyBegun(word string) bool {
	return slices.ContainsFunc(filter.Keys(), func(k filter.Key) bool { return word == "" || strings.HasPrefix(k.Name, word) })
}

// prompt asks for a filter, and applies it while it is typed.
func (l *list) prompt() *prompt {
	p := newPrompt("/", l.text, l.narrowing)
	p.complete = filter.Complete
	p.problem = func() error { return l.problem }
	return p
}

// Columns that a click on their title sorts by.
var sortedBy = map[string]ops.Sort{"sign": ops.SortAttention, "situation": ops.SortAttention, "age": ops.SortCreated, "idle": ops.SortUpdated, "try": ops.SortAttempts}

// sorted marks the column that the list is in the order of. What was created last is the
// youngest.
func (l *list) sorted(t view.Table, o view.Options) view.Table {
	switch l.sort {
	case ops.SortCreated:
		return t.Sorted("age", !l.up, o)
	case ops.SortUpdated:
		return t.Sorted("idle", !l.up, o)
	case ops.SortAttempts:
		return t.Sorted("try", l.up, o)
	case ops.SortAttention: // which is of no column
	}
	return t
}

// doubleClick is the time between two clicks that are one.
const doubleClick = 500 * time.Millisecond

func (l *list) click(x, y int) {
	column, row, ok := l.table.at.Holds(x, y)
	switch {
	case !ok:
	case row == 0:
		if by, sorts := sortedBy[l.table.columnAt(column)]; sorts && by == l.sort {
			l.reverse()
		} else if sorts {
			l.arrange(by, false)
		}
	case l.table.top+row <= l.count():
		l.steered = true
		again := l.table.cursor == l.table.top+row-1 && l.a.o.Clock().Sub(l.clicked) < doubleClick
		l.clicked = l.a.o.Clock()
		l.table.to(l.table.top + row - 1)
		if l.select1(); again {
			l.do("enter")
		}
	}
}

// hidden counts the marked instances that are not in the list.
func (l *list) hidden() int {
	hidden := len(l.marks)
	for i := range l.items {
		if _, ok := l.marks[l.items[i].Instance]; ok {
			hidden--
		}
	}
	return hidden
}
