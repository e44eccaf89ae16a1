package tui

import (
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

// diffLevels say what rows are.
var diffLevels = map[diagnostics.Level]string{
	diagnostics.LevelStep: "aligned by step", diagnostics.LevelEvent: "every event", diagnostics.LevelRaw: "every event, as it is stored",
}

// deeper compares more closely; behind the closest level comes the first one again.
func (d *diff) deeper() {
	if d.got != nil && d.got.code {
		d.a.say(view.Muted, "what code does has steps, and no events")
		return
	}
	levels := diagnostics.Levels()
	d.level = levels[(slices.Index(levels, d.level)+1)%len(levels)]
	d.compare()
}

// levelFlag is the flag by which a command line compares as closely.
func (d *diff) levelFlag() string {
	if d.level == diagnostics.LevelStep {
		return ""
	}
	return " --level " + string(d.level)
}
