package view

import (
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
)

// tally is a number of instances: whole, and where there is little room.
type tally struct {
	short, whole string
	style        Style
}

// Census says how many executions there are in so much room, those first that ask for
// attention: all numbers that fit, and words to them as far as there is room left.
func Census(c ops.Census, o Options, width int) []Cell {
	number := func(s sign, n int64, words string, style Style) tally {
		mark := "  " + o.cell(s, style).Text
		if n == 0 {
			style = Muted
		}
		return tally{mark + Count(n), mark + " " + Count(n) + " " + words, style}
	}
	tallies := []tally{
		number(signBlocked, c.ByStatus[engine.StatusBlocked], "blocked", Attention),
		number(signFailed, c.FailedLately, "failed 24h", Bad),
		number(signRunning, c.ByStatus[engine.StatusRunning], "running", Running),
	}
	parts, all := waits(c, o), "  "+Count(c.Total)+" in all"
	return fitting(append(tallies, tally{short: parts, whole: parts, style: Waiting}, tally{whole: all, style: Muted}), width)
}

// waits says what those that run wait for, as far as they do.
func waits(c ops.Census, o Options) string {
	var parts []string
	for _, w := range []struct {
		sign sign
		n    int64
	}{{signSignal, c.Waiting[engine.WaitSignal]}, {signTimer, c.Waiting[engine.WaitTimer]}, {signPaused, c.Paused}} {
		if w.n > 0 {
			parts = append(parts, o.cell(w.sign, Waiting).Text+Count(w.n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, " ") + ")"
}

// fitting shows as many tallies as find room, and the first of them whole.
func fitting(tallies []tally, width int) []Cell {
	cells := make([]Cell, 0, len(tallies))
	for _, t := range tallies {
		if Width(t.short) > width {
			break
		}
		width -= Width(t.short)
		cells = append(cells, Cell{t.short, t.style})
	}
	for i := range cells {
		if width -= Width(tallies[i].whole) - Width(tallies[i].short); width < 0 {
			break
		}
		cells[i].Text = tallies[i].whole
	}
	return cells
}
