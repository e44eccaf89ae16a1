package tui

import (
	"fmt"
	"slices"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// Theme names how meanings look.
type Theme string

// The closed set of themes.
const (
	// ThemeTerminal uses the sixteen colors of the terminal's own palette.
	ThemeTerminal Theme = "terminal"
	// ThemeSafe can be told apart by people who are blind to some colors: it is after
	// Okabe and Ito.
	ThemeSafe Theme = "safe"
	// ThemeMono has no colors.
	ThemeMono Theme = "mono"
)

// Themes returns every theme, the default first.
func Themes() []Theme { return []Theme{ThemeTerminal, ThemeSafe, ThemeMono} }

// ParseTheme returns the theme of a name; an empty one means the default.
func ParseTheme(name string) (Theme, error) {
	if name == "" {
		return ThemeTerminal, nil
	}
	if t := Theme(name); slices.Contains(Themes(), t) {
		return t, nil
	}
	return "", fmt.Errorf("there is no theme %q; there are %v", name, Themes())
}

// palette is the color of each meaning. The background is never painted.
var palettes = map[Theme]map[view.Style]tcell.Color{
	ThemeTerminal: {
		view.Muted: tcell.ColorGray, view.Running: tcell.ColorTeal, view.Waiting: tcell.ColorOlive, view.Good: tcell.ColorGreen, view.Bad: tcell.ColorMaroon,
		view.Stopped: tcell.ColorPurple, view.Attention: tcell.ColorMaroon, view.OnlyA: tcell.ColorOlive, view.OnlyB: tcell.ColorNavy, view.Changed: tcell.ColorPurple,
	},
	ThemeSafe: {
		view.Muted: tcell.ColorGray, view.Running: tcell.NewHexColor(0x56B4E9), view.Waiting: tcell.NewHexColor(0xF0E442), view.Good: tcell.NewHexColor(0x009E73),
		view.Bad: tcell.NewHexColor(0xD55E00), view.Stopped: tcell.NewHexColor(0xCC79A7), view.Attention: tcell.NewHexColor(0xD55E00),
		view.OnlyA: tcell.NewHexColor(0xE69F00), view.OnlyB: tcell.NewHexColor(0x56B4E9), view.Changed: tcell.NewHexColor(0xCC79A7),
	},
	ThemeMono: {},
}

// style returns how a cell looks. No meaning is in a color alone.
func (t Theme) style(c grid.Cell) tcell.Style {
	s := tcell.StyleDefault
	if color, ok := palettes[t][c.Style]; ok {
		s = s.Foreground(color)
	}
	if c.Style == view.Header || c.Style == view.Attention || c.Look&grid.Strong != 0 {
		s = s.Bold(true)
	}
	if c.Look&grid.Dim != 0 {
		s = s.Dim(true)
	}
	if c.Look&grid.Found != 0 {
		s = s.Underline(true)
	}
	if c.Look&grid.Selected != 0 {
		s = s.Reverse(true)
	}
	return s
}
