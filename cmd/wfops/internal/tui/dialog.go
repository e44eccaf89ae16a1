package tui

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// changeDialog asks for what a change needs, and says what it is about.
type changeDialog struct {
	a       *app
	action  ops.Action
	targets []backend.Summary
	refused []ops.Outcome
	gone    []engine.Instance
	hidden  []string // ids of targets that the list does not show
	fields  []*field
	// focus is a field, or one of the buttons behind them.
	focus   int
	problem string
	buttons [2]grid.Area
}

// field is a line of a dialog.
type field struct {
	label  string
	line   line
	hint   string
	offers []string
	check  func(text string) error
	take   func(c *ops.Change, text string)
}

// Buttons, behind the fields.
const (
	buttonCancel = iota
	buttonDo
)

// typedFrom is from how many instances on their number is to be typed.
const typedFrom = 11

// ask makes the fields.
func (d *changeDialog) ask(signal string) {
	if d.action == ops.ActionSignal {
		offers := waitedFor(d.targets)
		if signal == "" && len(offers) > 0 {
			signal = offers[0]
		}
		hint := "nothing here waits for a signal"
		if len(offers) > 0 {
			hint = "waited for: " + strings.Join(offers, ", ")
		}
		if len(offers) > 1 {
			hint += "  Ctrl-N next"
		}
		d.fields = append(d.fields,
			&field{
				label: "signal", line: newLine(signal), offers: offers, hint: hint, check: func(text string) error { return engine.CheckName("signal name", text) },
				take: func(c *ops.Change, text string) { c.Signal = text },
			},
			&field{label: "argument", hint: "JSON, or nothing", check: checkJSON, take: func(c *ops.Change, text string) {
				if text != "" {
					c.Payload = engine.Payload(text)
				}
			}})
	}
	d.fields = append(d.fields, &field{label: "reason", hint: keepsReason[d.action], check: func(text string) error {
		if text == "" {
			return fmt.Errorf("%s needs a reason", d.action)
		}
		return engine.CheckReason(text)
	}, take: func(c *ops.Change, text string) { c.Reason = text }})
	if n := len(d.targets); n >= typedFrom {
		count := strconv.Itoa(n)
		d.fields = append(d.fields, &field{label: "how many", hint: "type " + count + " to confirm", check: func(text string) error {
			if text != count {
				return fmt.Errorf("type %s, which is how many there are", count)
			}
			return nil
		}, take: func(*ops.Change, string) {}})
	}
}

// keepsReason says what becomes of a reason.
var keepsReason = map[ops.Action]string{
	ops.ActionSignal: inHistory, ops.ActionCancel: inHistory, ops.ActionTerminate: inHistory,
	ops.ActionRetry: inNote, ops.ActionPause: inNote, ops.ActionResume: inNote, ops.ActionRemove: inLog,
}

const (
	inHistory = "why; the history keeps it"
	inNote    = "why; the instance shows it until the next one"
	inLog     = "why; only the log of this console keeps it"
)

func checkJSON(text string) error {
	var value json.RawMessage
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return fmt.Errorf("the argument is not JSON: %w; a text is written in quotes", err)
	}
	return nil
}

// confirmed changes can't be taken back, or are many.
func (d *changeDialog) confirmed() bool {
	c, _ := commandOf(string(d.action))
	return c.Dangerous || len(d.targets) > 1
}

func (d *changeDialog) key(ev *tcell.EventKey) (done bool) {
	d.problem = ""
	places := len(d.fields) + 2
	switch name := keyName(ev); name {
	case "Esc":
		d.a.say(view.Muted, "nothing was done")
		return true
	case "Tab", "Down":
		d.focus = (d.focus + 1) % places
	case "Shift-Tab", "Up":
		d.focus = (d.focus + places - 1) % places
	case "Enter":
		return d.enter()
	default:
		if d.focus < len(d.fields) {
			d.fields[d.focus].edit(ev)
		} else if name == "Left" || name == "Right" || name == "h" || name == "l" {
			d.focus = 2*len(d.fields) + 1 - d.focus // the other button
		}
	}
	return false
}

// edit types in a field, or takes the next of what it offers.
func (f *field) edit(ev *tcell.EventKey) {
	if n := len(f.offers); keyName(ev) == "Ctrl-N" && n > 0 {
		next := 0
		for i, offer := range f.offers {
			if offer == f.line.text() {
				next = (i + 1) % n
			}
		}
		f.line = newLine(f.offers[next])
		return
	}
	f.line.edit(ev)
}

func (d *changeDialog) paste(text string) {
	if d.focus < len(d.fields) {
		d.fields[d.focus].line.insert(text)
	}
}

// enter goes on: behind the last field comes the button, and what has to be confirmed
// is confirmed by going there.
func (d *changeDialog) enter() (done bool) {
	last := len(d.fields) - 1
	switch {
	case d.focus < last:
		d.focus++
	case d.focus == last && d.confirmed():
		d.focus = len(d.fields) + buttonCancel
	case d.focus == last:
		d.focus = len(d.fields) + buttonDo
	case d.focus == len(d.fields)+buttonCancel:
		d.a.say(view.Muted, "nothing was done")
		return true
	default:
		return d.submit()
	}
	return false
}

// submit makes the change, unless something is missing.
func (d *changeDialog) submit() (done bool) {
	c := ops.Change{Action: d.action}
	for i, f := range d.fields {
		text := strings.TrimSpace(f.line.text())
		if err := f.check(text); err != nil {
			d.problem, d.focus = err.Error(), i
			return false
		}
		f.take(&c, text)
	}
	if why := d.a.refuses(); why != "" { // since it was opened
		d.problem = why
		return false
	}
	d.a.apply(c, d.targets)
	return true
}

// title says what is about to be done, to how many.
func (d *changeDialog) title() string {
	if len(d.targets) == 1 {
		return fmt.Sprintf("%s %s", d.action, d.targets[0].Instance.InstanceID)
	}
	return fmt.Sprintf("%s %s instances", d.action, view.Count(int64(len(d.targets))))
}

// Lines of a dialog beside those that say what it is about and the fields.
const dialogFixed = 4 // title, command's title, buttons, problem

func (d *changeDialog) draw(all, _ grid.Area, o view.Options) {
	room := max(1, all.H-menuRoom-dialogFixed-len(d.fields))
	notes := d.notes(room)
	shown := max(1, min(len(d.targets), room-len(notes)))
	_, at := all.Bottom(min(all.H, shown+len(notes)+dialogFixed+len(d.fields)))
	at.Fill(" ", view.Plain, 0)
	at.Rule(0, d.title(), o.ASCII)
	c, _ := commandOf(string(d.action))
	at.Line(1, 0, view.Cell{Text: " " + c.Title + firstOf(c), Style: view.Muted}, view.Cell{Text: " In " + d.a.conn.Name + ".", Style: view.Attention})
	y := 2 + d.drawTargets(at.Sub(0, 2, at.W, shown), o)
	for _, note := range notes {
		at.Sub(1, y, at.W-1, 1).Line(0, 0, note)
		y++
	}
	for i, f := range d.fields {
		d.drawField(at.Sub(1, y, at.W-1, 1), f, i == d.focus)
		y++
	}
	d.drawButtons(at.Sub(1, y, at.W-1, 1))
	at.Line(y+1, 0, view.Cell{Text: " " + d.problem, Style: view.Bad})
}

// firstOf is the first line of what there is to say about a command, for one who is
// about to run it.
func firstOf(c command.Command) string {
	line, _, _ := strings.Cut(c.Help, "\n")
	if strings.HasPrefix(line, "The instances are named") || strings.Contains(line, "--") {
		return "."
	}
	return ": " + line
}

func (d *changeDialog) drawTargets(at grid.Area, o view.Options) (lines int) {
	t, _ := view.Instances(d.targets[:at.H], o).Select([]string{"sign", "instance", "workflow", "status", "age", "situation"})
	for y, line := range view.Layout(t, at.W-1)[1:] {
		if y == at.H-1 && len(d.targets) > at.H {
			line = []view.Cell{{Text: fmt.Sprintf("... and %s more", view.Count(int64(len(d.targets)-at.H+1))), Style: view.Muted}}
		}
		at.Sub(1, y, at.W-1, 1).Line(0, 0, spaced(line)...)
	}
	return at.H
}

// notes say what is left out, and what was marked and is not seen.
func (d *changeDialog) notes(room int) (notes []view.Cell) {
	if len(d.hidden) > 0 {
		notes = append(notes, view.Cell{Text: fmt.Sprintf("%d of them are not in the list as it is filtered: %s", len(d.hidden), some(d.hidden)), Style: view.Attention})
	}
	if len(d.gone) > 0 {
		notes = append(notes, view.Cell{Text: fmt.Sprintf("%d that were marked are gone: %s", len(d.gone), d.gone[0].InstanceID), Style: view.Waiting})
	}
	if len(d.refused) > 0 {
		notes = append(notes, view.Cell{Text: fmt.Sprintf("%d are left out, because they would be refused:", len(d.refused)), Style: view.Waiting})
	}
	for i, o := range d.refused {
		if left := len(d.refused) - i; left > 1 && len(notes) >= max(2, room/2) {
			return append(notes, view.Cell{Text: fmt.Sprintf("  ... and %d more", left), Style: view.Muted})
		}
		notes = append(notes, view.Cell{Text: "  " + o.Instance.InstanceID + ": " + whyRefused(o), Style: view.Muted})
	}
	return notes
}

// whyRefused says why an action would be refused.
func whyRefused(o ops.Outcome) string {
	text := o.Err.Error()
	if _, why, found := strings.Cut(text, ops.ErrWrongState.Error()+": "); found {
		return why
	}
	if errors.Is(o.Err, engine.ErrBusy) {
		return "another program keeps the store locked; nothing was done: try again"
	}
	return text
}

// some names a few of many.
func some(ids []string) string {
	const few = 3
	if len(ids) > few {
		return strings.Join(ids[:few], ", ") + ", ..."
	}
	return strings.Join(ids, ", ")
}

// labelWidth is how far fields are indented.
const labelWidth = 10

func (*changeDialog) drawField(at grid.Area, f *field, focused bool) {
	look := grid.Look(0)
	if focused {
		look = grid.Strong
		at.Put(0, 0, 0, view.Cell{Text: ">"})
	}
	at.Put(2, 0, look, view.Cell{Text: f.label, Style: view.Header})
	box := at.Sub(labelWidth+2, 0, at.W-labelWidth-2, 1)
	if focused {
		f.line.draw(box)
	} else {
		box.Put(0, 0, 0, view.Cell{Text: f.line.text()})
	}
	if used := view.Width(view.Escape(f.line.text())); f.hint != "" && used+view.Width(f.hint)+2 < box.W {
		box.Put(max(used+2, box.W-view.Width(view.Escape(f.hint))-1), 0, 0, view.Cell{Text: f.hint, Style: view.Muted})
	}
}

func (d *changeDialog) drawButtons(at grid.Area) {
	x := 2
	for i, name := range []string{"Cancel", d.title()} {
		name = "[ " + name + " ]"
		d.buttons[i] = at.Sub(x, 0, view.Width(view.Escape(name)), 1)
		at.Put(x, 0, grid.Strong, view.Cell{Text: name})
		if d.focus == len(d.fields)+i {
			at.Put(0, 0, 0, view.Cell{Text: ">"})
			d.buttons[i].Look(grid.Selected)
		}
		x += d.buttons[i].W + 2
	}
}

// click presses a button.
func (d *changeDialog) click(x, y int) (done bool) {
	for i, at := range d.buttons {
		if _, _, ok := at.Holds(x, y); ok {
			d.focus = len(d.fields) + i
			return d.enter()
		}
	}
	return false
}
