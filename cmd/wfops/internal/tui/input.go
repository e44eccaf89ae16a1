package tui

import (
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// What may be pasted, in bytes: more than any argument of a signal may have.
const mostPasted = 4 << 20

// pasting begins or ends a paste. Keys in between are text, whatever they are: none of
// them may do something.
func (a *app) pasting(ev *tcell.EventPaste) {
	if ev.Start() {
		a.pasted = &strings.Builder{}
		return
	}
	if a.pasted == nil {
		return
	}
	text := a.pasted.String()
	a.pasted = nil
	if over, ok := a.over.(interface{ paste(string) }); ok {
		over.paste(text)
		return
	}
	a.say(view.Muted, "what was pasted is not typed here: press / or : first")
}

// gather keeps a key of what is pasted.
func (a *app) gather(ev *tcell.EventKey) {
	if a.pasted.Len() >= mostPasted {
		return
	}
	switch ev.Key() { //nolint:exhaustive // the other keys are no text
	case tcell.KeyRune:
		a.pasted.WriteRune(ev.Rune())
	case tcell.KeyEnter, tcell.KeyCtrlJ:
		a.pasted.WriteByte('\n')
	case tcell.KeyTab:
		a.pasted.WriteByte('\t')
	}
}

// clickable screens know what a place on the terminal is.
type clickable interface{ click(x, y int) }

// wheelLines is how far one notch of a wheel goes.
const wheelLines = 3

// pointer handles the mouse. A click is where a button goes down: terminals also tell
// of each cell that it is dragged over.
func (a *app) pointer(ev *tcell.EventMouse) {
	x, y := ev.Position()
	before := a.pressed
	a.pressed = ev.Buttons()
	clicked := a.pressed&tcell.Button1 != 0 && before&tcell.Button1 == 0
	switch {
	case a.pressed&tcell.WheelUp != 0:
		a.wheel("up", tcell.KeyUp)
	case a.pressed&tcell.WheelDown != 0:
		a.wheel("down", tcell.KeyDown)
	case !clicked:
	case a.over != nil:
		over := a.over
		if c, ok := over.(interface{ click(x, y int) bool }); ok && c.click(x, y) && a.over == over {
			a.over = nil
		}
	default:
		if s, ok := a.top().(clickable); ok {
			s.click(x, y)
		}
	}
}

// wheel moves what has the keys.
func (a *app) wheel(name string, key tcell.Key) {
	for range wheelLines {
		switch a.over.(type) {
		case nil:
			a.top().do(name)
		case *menu, *sheet:
			a.over.key(tcell.NewEventKey(key, 0, tcell.ModNone))
		}
	}
}
