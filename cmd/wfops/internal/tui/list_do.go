package tui

import (
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
)

func (l *list) do(name string) bool {
	if l.table.move(name) {
		l.select1()
		l.extend()
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
	case "mark-all":
		for i := range l.items {
			l.marks[l.items[i].Instance] = l.items[i]
		}
	case "unmark":
		clear(l.marks)
	case "wide":
		l.wide = !l.wide
	case "preview":
		l.preview = !l.preview
		l.look()
	case "order":
		sorts := ops.Sorts()
		l.arrange(sorts[(slices.Index(sorts, l.sort)+1)%len(sorts)], false)
	case "reverse":
		l.arrange(l.sort, !l.up && l.sort != ops.SortAttention)
	default:
		return false
	}
	return true
}

func (l *list) mark() {
	s := l.current()
	if s == nil {
		return
	}
	if _, marked := l.marks[s.Instance]; marked {
		delete(l.marks, s.Instance)
	} else {
		l.marks[s.Instance] = *s
	}
	l.do("down")
}

// arrange begins the list anew in another order.
func (l *list) arrange(by ops.Sort, up bool) {
	l.sort, l.up = by, up
	l.restart()
}

// restart begins the list anew.
func (l *list) restart() {
	l.window, l.page = window{}, ops.ListPage{}
	l.table.resize(0)
	l.selected = engine.Instance{}
	for _, what := range []string{"page", "more", "count"} {
		l.a.drop(errand{l, what})
	}
	l.counts, l.countNext = ops.Counts{}, l.a.o.Clock()
	l.refresh()
}

// prompt asks for a filter, and applies it while it is typed.
func (l *list) prompt() *prompt {
	p := newPrompt("/", l.text, func(text string, _ bool) {
		f, err := filter.Parse(text)
		if l.problem = err; err != nil || text == l.text {
			return
		}
		l.filter, l.text = f, text
		l.restart()
	})
	p.problem = func() []view.Cell {
		if l.problem == nil {
			return nil
		}
		return []view.Cell{{Text: l.problem.Error(), Style: view.Bad}}
	}
	return p
}
