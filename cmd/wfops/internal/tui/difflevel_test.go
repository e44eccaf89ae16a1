package tui

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

func TestDiffLevelsLook(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			p := play(t, size[0], size[1], nil)
			p.marked()
			p.press("d", "L")
			p.golden(fmt.Sprintf("diff_event_%d", size[0]))
			p.press("L")
			p.golden(fmt.Sprintf("diff_raw_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		p := play(t, 120, 40, func(o *Options) { o.ASCII = true })
		p.marked()
		p.press("d", "L", "L")
		p.golden("diff_raw_ascii")
	})
	t.Run("row", func(t *testing.T) {
		p := play(t, 80, 24, nil)
		p.marked()
		p.press("d", "L", "L", "n", "n", "Enter")
		p.golden("diff_raw_row")
	})
}

// Steps, events, and all that is stored of them: the cursor stays where it is, what is
// folded stays folded, and rules hold.
func TestDiffLevels(t *testing.T) {
	p := play(t, 120, 40, nil)
	p.marked()
	p.press("d", "n", "n")
	p.sees("aligned by step", "diff 3 of 5", "activity Ship")
	p.press("L")
	p.sees("every event", "> 11 · ActivityScheduled Ship", "of 21 events", "--level event")
	p.press("G", "N")
	p.sees("diff 12 of 13")
	p.press("/", "ChargeCard", "Enter", "=")
	p.sees("events that are the same are left out")
	p.press("=", "L")
	p.sees("as it is stored", ".body.args[0].amt", "--level raw")
	p.press("I", "+", "args[0].amt", "Enter", "+", "body.args[0].order", "Enter")
	p.sees("path args[0].amt              1", "path body.args[0].order       1")
	p.press("Esc")
	p.sees("2 changed", "ignored: path args[0].amt")
	p.press("L")
	p.sees("aligned by step", "--ignore 'args[0].amt'")
	p.not("--level")
}

// What code does has no events.
func TestReportDiffHasOneLevel(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press(":", "why order-8702", "Enter", "d", "L")
	p.sees("no events")
}

// Long histories are compared event by event beside the loop, and a frame costs no more
// than what is seen.
func TestDiffLevelsOfLongHistories(t *testing.T) {
	const steps = 50_000
	names := [2]string{"side-0", "side-1"}
	p := play(t, 120, 40, nil)
	p.inLoop(func() {
		d := newDiff(p.app, names)
		d.read = func(_ context.Context, had *comparison, level diagnostics.Level, rules diagnostics.Rules) (*comparison, error) {
			if had != nil && had.level == level {
				return had, nil
			}
			next := &comparison{rules: rules, level: level}
			for i, name := range names {
				next.sides[i] = newSide(name, longHistory(name, steps, i, level), now)
				next.sides[i].opened = true
			}
			next.result = diagnostics.DiffSides(next.sides[0].of, next.sides[1].of, rules)
			return next, nil
		}
		p.app.show(d)
	})
	p.settle()
	for _, level := range []string{"every event", "as it is stored"} {
		begun := time.Now()
		p.app.events <- events("L")[0]
		p.handled()
		p.app.events <- events("j")[0]
		p.handled()
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("keys are handled after %v", took)
		}
		p.settle()
		t.Logf("%s after %v", level, time.Since(begun))
		p.sees(level, "diff 1 of 10,000")
		p.press("n", "n", "G", "N", "Z", "PgDn", "=", "g", "z", "=", "Z")
		p.inLoop(func() {
			if n := testing.AllocsPerRun(3, func() { p.app.paint(grid.New(120, 40)) }); n > 40_000 {
				t.Errorf("a frame takes %v allocations: it must not depend on what is not seen", n)
			}
		})
	}
}

// A comparison opens what it compares, or says that it could not.
func TestDiffIsOpened(t *testing.T) {
	p := play(t, 120, 40, sealing(t, rot13, time.Minute))
	p.marked()
	p.press("d")
	p.sees("args[0].beqre", `"beqre-8790"`)
	p.press("L", "L")
	p.sees(".body.args[0].beqre")
	for script, says := range map[string]string{dies: "values are compared as they are stored: the codec failed: sh has ended", refuses: "values are compared as they are stored: the codec failed: no key"} {
		p = play(t, 120, 40, sealing(t, script, time.Minute))
		p.marked()
		p.press("d")
		p.sees("args[0].order", says)
		p.harmless("diff", p.grid())
	}
	p = play(t, 120, 40, sealing(t, lazy, time.Minute))
	p.marked()
	p.app.events <- events("d")[0]
	for shown := false; !shown; p.handled() {
		p.inLoop(func() { d, ok := p.app.top().(*diff); shown = ok && d.got != nil })
	}
	p.sees("values are compared as they are stored, until they are opened", "args[0].order")
	p.inLoop(p.app.back)
}

func TestHostileDiffLevels(t *testing.T) {
	w := newWorkshop(t)
	w.does(
		history.Event{At: now, Ref: 1, Body: history.ActivityScheduled{Name: hostile, Args: []engine.Payload{engine.Payload(hostile), []byte{0xff, 0xfe, '\n'}}, Site: history.Site{Function: hostile, File: hostile, Line: 1}}},
		history.Event{At: now, Body: history.SignalReceived{Name: hostile, Arg: engine.Payload(`{"` + "日本 [red]\u202e" + `":["\u001b[2J",{}]}`)}},
	)
	p := w.play(120, 40)
	p.press(":", "diff built-1 built-1", "Enter")
	for range 3 {
		for _, key := range []string{"L", "Z", "G", "Enter"} {
			p.press(key)
			p.harmless(key, p.grid())
		}
		p.press("Esc")
	}
}
