package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/backend"
)

// diff compares two executions, or a history with what code does.
type diff struct {
	a *app
	// names are what the two are asked for by.
	names [2]string
	read  comparer
	// twin is the command that shows the same; it may depend on the rules.
	twin  func(diagnostics.Rules) string
	rules diagnostics.Rules
	level diagnostics.Level

	got  *comparison // nil until it was made
	err  error       // why it could not be made
	page *view.DiffPage
	// cursor and top are lines of page; seen is how many there is room for.
	cursor, top, seen int
	body              area
	// other asks for the layout that is not that of the width.
	other  bool
	wanted string // what is searched for
	strips stripCache
	fields rowFields
}

// newDiff compares two histories, of instances or of files.
func newDiff(a *app, names [2]string) *diff {
	d := &diff{a: a, names: names, read: comparingHistories(a.conn.Store, a.conn.Codec, names), rules: diagnostics.DefaultRules(), level: diagnostics.LevelStep}
	d.twin = func(r diagnostics.Rules) string {
		words := names
		for i, name := range names {
			if d.got != nil && !fleet.IsFile(name) {
				words[i] = d.got.sides[i].Name
			}
		}
		return "wfops diff " + quotedAll(words[:]) + d.levelFlag() + ruleFlags(r)
	}
	return d
}

func (*diff) scopes() []command.Scope { return []command.Scope{command.ScopeDiff} }

func (*diff) title() string { return "diff" }

func (d *diff) facts() []view.Cell {
	if d.a.underWay(d, "diff") {
		return []view.Cell{{Text: "comparing", Style: view.Waiting}}
	}
	return []view.Cell{{Text: diffLevels[d.level], Style: view.Muted}}
}

// chosen is nothing: what is to be done to an instance has to say to which of two.
func (*diff) chosen() []backend.Summary { return nil }

// refresh compares again if one of them has gone on.
func (d *diff) refresh() {
	if !d.a.underWay(d, "diff") {
		d.compare()
	}
}

func (d *diff) compare() {
	read, had, level, rules := d.read, d.got, d.level, d.rules
	ask(d.a, d, "diff", func(ctx context.Context) (*comparison, error) { return read(ctx, had, level, rules) }, func(c *comparison, err error) {
		if d.err = err; err != nil {
			d.a.heardOf(err)
			return
		}
		d.a.heardOf(nil)
		d.take(c)
		if !c.code && (!c.sides[0].opened || !c.sides[1].opened) {
			d.compare()
		}
	})
}

// take shows a comparison. The cursor stays on its row, and at first it is on the
// first difference.
func (d *diff) take(c *comparison) {
	if c == d.got {
		return
	}
	d.got = c
	next := view.NewDiffPage(c.result.Rows)
	if c.code {
		next = view.NewReplayPage(c.result.Rows, c.first)
	}
	next.Level = c.level
	row := 0
	if d.page != nil && d.page.Level != next.Level && d.current() != nil {
		next.Like(d.page)
		row = next.FindSeq(d.current())
	} else if d.page != nil {
		next.Like(d.page)
		row = d.row()
	} else if first, _, ok := next.Next(-1, false); ok {
		row = first
	}
	d.page = next
	d.to(next.Find(row))
	d.strips, d.fields = stripCache{}, rowFields{}
	d.look()
}

// row is the one that the cursor is on.
func (d *diff) row() int {
	if d.page == nil || d.page.Len() == 0 {
		return 0
	}
	return d.page.Line(d.cursor).Row
}

// current is the row that the cursor is on, or nil.
func (d *diff) current() *diagnostics.DiffRow {
	if d.page == nil || d.page.Len() == 0 {
		return nil
	}
	return &d.page.Rows[d.row()]
}

func (d *diff) to(line int) {
	d.cursor = max(0, min(line, d.page.Len()-1))
}

// ruleFlags are the flags by which a command line has these rules.
func ruleFlags(r diagnostics.Rules) string {
	var b strings.Builder
	if fmt.Sprint(r.Ignore) != fmt.Sprint(diagnostics.DefaultRules().Ignore) {
		names := make([]string, len(r.Ignore))
		for i, rule := range r.Ignore {
			names[i] = string(rule)
		}
		if len(names) == 0 {
			b.WriteString(" --exact")
		} else {
			b.WriteString(" --rules " + quoted(strings.Join(names, ",")))
		}
	}
	for _, path := range r.Paths {
		b.WriteString(" --ignore " + quoted(path))
	}
	return b.String()
}

// copies are the command that shows the same, what differs in the row under the cursor,
// and the summary.
func (d *diff) copies() []copyItem {
	items := []copyItem{{"command that shows this", d.twin(d.rules)}}
	if d.got == nil {
		return items
	}
	if d.page.Len() > 0 {
		items = append([]copyItem{{"row under the cursor", d.page.Text(d.row())}}, items...)
	}
	return append(items, copyItem{"summary", d.got.result.Summary})
}

var _ copier = (*diff)(nil)
