package cli

import "github.com/wfops/wfops/cmd/wfops/internal/view"

// Values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// colors are in the terminal's own palette. No meaning is in a color alone.
var colors = map[view.Style]string{
	view.Header: "1", view.Muted: "2", view.Running: "36", view.Waiting: "33", view.Good: "32", view.Bad: "31", view.Stopped: "35", view.Attention: "1;31",
	view.OnlyA: "33", view.OnlyB: "34", view.Changed: "35",
}

// colored reports whether the output may have colors, and who decided that.
func (s *session) colored() (yes bool, why string) {
	switch {
	case s.flags.color == colorAlways:
		return true, "--color"
	case s.flags.color == colorNever:
		return false, "--color"
	case s.env.Getenv("NO_COLOR") != "":
		return false, "NO_COLOR"
	case s.env.Getenv("CLICOLOR_FORCE") != "" && s.env.Getenv("CLICOLOR_FORCE") != "0":
		return true, "CLICOLOR_FORCE"
	case !s.env.OutTTY:
		return false, "no terminal"
	case s.env.Getenv("TERM") == "dumb":
		return false, "TERM"
	}
	return true, "terminal"
}

// paint returns the text of a cell that is escaped already.
func (s *session) paint(c view.Cell) string {
	if color, ok := colors[c.Style]; ok && c.Text != "" {
		if yes, _ := s.colored(); yes {
			return "\x1b[" + color + "m" + c.Text + "\x1b[0m"
		}
	}
	return c.Text
}
