package tui

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// callLog remembers what the store was asked and what went wrong. It is safe for
// concurrent use.
type callLog struct {
	clock func() time.Time

	mu      sync.Mutex
	entries []entry // the latest last
	calls   int
	failed  int
}

// entry is a line of the log: a call of the store, or something that was said.
type entry struct {
	at    time.Time
	took  time.Duration
	what  string
	style view.Style
	err   string
}

// mostLogged bounds the log.
const mostLogged = 1000

func newCallLog(clock func() time.Time) *callLog { return &callLog{clock: clock} }

// called notes a call of the store.
func (l *callLog) called(c ops.Call) {
	e := entry{at: c.Began, took: c.Took, what: c.What, style: view.Plain}
	if c.Err != nil {
		e.err, e.style = c.Err.Error(), view.Bad
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls++; c.Err != nil {
		l.failed++
	}
	l.add(e)
}

// said notes what was told at the foot of the screen.
func (l *callLog) said(style view.Style, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(entry{at: l.clock(), what: text, style: style})
}

// note notes an error that nobody has to act upon.
func (l *callLog) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(entry{at: l.clock(), what: "the console", err: err.Error(), style: view.Bad})
}

func (l *callLog) add(e entry) {
	if l.entries = append(l.entries, e); len(l.entries) > mostLogged {
		l.entries = l.entries[1:]
	}
}

// all returns the entries so far, how many calls there were and how many failed.
func (l *callLog) all() (entries []entry, calls, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries), l.calls, l.failed
}

// logScreen shows the log.
type logScreen struct {
	a     *app
	pager pager
	// problems leaves out what went well.
	problems bool
}

func newLog(a *app) *logScreen { return &logScreen{a: a, pager: pager{top: mostLogged * 10}} }

func (*logScreen) scopes() []command.Scope   { return []command.Scope{command.ScopeLog} }
func (*logScreen) title() string             { return "log" }
func (*logScreen) refresh()                  {}
func (*logScreen) chosen() []backend.Summary { return nil }

func (l *logScreen) facts() []view.Cell {
	_, calls, failed := l.a.log.all()
	return []view.Cell{{Text: fmt.Sprintf("%s calls of the store, %s failed", view.Count(int64(calls)), view.Count(int64(failed))), Style: view.Muted}}
}

func (l *logScreen) do(name string) bool {
	if name == "problems" {
		l.problems = !l.problems
		return true
	}
	return l.pager.move(name)
}

func (*logScreen) can(name string) bool {
	return !slices.Contains([]string{"enter", "filter", "wide", "freeze", "refresh", "next", "previous", "next-pane", "previous-pane", "actions"}, name)
}

func (l *logScreen) draw(at grid.Area, o view.Options) {
	atEnd := l.pager.top >= len(l.pager.lines)-l.pager.page
	entries, _, _ := l.a.log.all()
	l.pager.lines = l.lines(entries, at.W, o)
	if l.pager.page = max(1, at.H); atEnd {
		l.pager.to(len(l.pager.lines))
	}
	l.pager.draw(at)
}

// lines shows entries, with errors in full below what they happened to.
func (l *logScreen) lines(entries []entry, width int, o view.Options) (lines view.Lines) {
	for _, e := range entries {
		if l.problems && e.style != view.Bad && e.style != view.Attention {
			continue
		}
		took := ""
		if e.took > 0 {
			took = fmt.Sprintf("%.1fms", float64(e.took)/float64(time.Millisecond))
		}
		clock := e.at.UTC()
		if o.Times == view.Local {
			clock = e.at.Local()
		}
		head := fmt.Sprintf("%s %9s", clock.Format("15:04:05.000"), took)
		texts := wrapped(e.what, width-len(head)-2)
		for i, text := range texts {
			if i > 0 {
				head = strings.Repeat(" ", len(head))
			}
			lines = append(lines, []view.Cell{{Text: head, Style: view.Muted}, {Text: text, Style: e.style}})
		}
		for _, text := range wrapped(e.err, width-4) {
			lines = append(lines, []view.Cell{{Text: "   "}, {Text: text, Style: view.Bad}})
		}
	}
	return lines
}

// wrapped cuts a text, line by line, into lines of a width.
func wrapped(text string, width int) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			lines = append(lines, view.Wrap(line, max(width, leastWrapped))...)
		}
	}
	return lines
}

// leastWrapped is how narrow lines become at most.
const leastWrapped = 8

// copies offers the log as text.
func (l *logScreen) copies() []copyItem { return []copyItem{{"log", l.saved()}} }

func (l *logScreen) saved() string {
	entries, _, _ := l.a.log.all()
	var b strings.Builder
	for _, line := range l.lines(entries, wholeLines, l.a.options()) {
		b.WriteString(text(line) + "\n")
	}
	return b.String()
}

// wholeLines is wider than anything is.
const wholeLines = 1 << 20
