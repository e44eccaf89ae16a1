package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/backend"
)

// rowFields is a row of a comparison, place by place.
type rowFields struct {
	row   int
	known bool
	all   []view.Field
}

// look reads what there is to say about the row under the cursor. Payloads may be
// large, so it is done beside the loop.
func (d *diff) look() {
	row := d.current()
	at := d.row()
	if row == nil || d.fields.known && d.fields.row == at {
		return
	}
	rules := d.got.rules
	d.fields = rowFields{row: at}
	ask(d.a, d, "row", func(context.Context) ([]view.Field, error) { return view.FieldsOf(row, rules), nil }, func(all []view.Field, _ error) {
		d.fields = rowFields{row: at, known: true, all: all}
	})
}

func (d *diff) fieldsTitle() string {
	row := d.current()
	if row == nil {
		return ""
	}
	title := strings.TrimSpace(row.Key)
	if d.fields.known {
		title += ": " + fieldCounts(d.fields.all)
	}
	return title
}

// fieldCounts says how many places differ.
func fieldCounts(all []view.Field) string {
	differ, ignored := 0, 0
	for _, f := range all {
		switch {
		case f.Ignored != "":
			ignored++
		case !f.Same:
			differ++
		}
	}
	return fmt.Sprintf("%d differ, %d ignored, %d the same", differ, ignored, len(all)-differ-ignored)
}

// diffRow is a row of a comparison on a screen of its own.
type diffRow struct {
	a     *app
	row   diagnostics.DiffRow
	rules diagnostics.Rules
	twin  string
	all   []view.Field
	known bool
	pager pager
}

func newDiffRow(d *diff, row int) *diffRow {
	return &diffRow{a: d.a, row: d.page.Rows[row], rules: d.got.rules, twin: d.twin(d.rules)}
}

func (*diffRow) scopes() []command.Scope   { return nil }
func (r *diffRow) title() string           { return r.row.Key }
func (*diffRow) facts() []view.Cell        { return nil }
func (*diffRow) chosen() []backend.Summary { return nil }
func (r *diffRow) do(name string) bool     { return r.pager.move(name) }

func (r *diffRow) refresh() {
	if r.known {
		return
	}
	row, rules := r.row, r.rules
	ask(r.a, r, "row", func(context.Context) ([]view.Field, error) { return view.FieldsOf(&row, rules), nil }, func(all []view.Field, _ error) {
		r.all, r.known = all, true
	})
}

// copies are both sides of all places, and the command that has them.
func (r *diffRow) copies() []copyItem {
	var b strings.Builder
	for _, line := range view.WholeFields(r.all, r.a.options(), everything) {
		b.WriteString(strings.TrimRight(text(line), " ") + "\n")
	}
	return []copyItem{{"places that differ", b.String()}, {"command that shows this", r.twin}}
}

func (r *diffRow) draw(at grid.Area, o view.Options) {
	body, foot := at.Bottom(2)
	head, body := body.Top(1)
	head.Line(0, grid.Strong, view.Cell{Text: fieldCounts(r.all), Style: view.Header})
	r.pager.set(view.WholeFields(r.all, o, body.W))
	r.pager.draw(body)
	foot.Rule(0, "", o.ASCII)
	foot.Right(1, 0, view.Cell{Text: r.twin, Style: view.Muted})
}
