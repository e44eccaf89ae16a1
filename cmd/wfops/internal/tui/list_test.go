package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var sizes = [][2]int{{60, 15}, {80, 24}, {120, 40}, {200, 60}}

func TestListLooks(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			play(t, size[0], size[1], nil).golden(fmt.Sprintf("list_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		play(t, 80, 24, func(o *Options) { o.ASCII = true }).golden("list_ascii")
	})
}

func TestFilterIsAppliedWhileItIsTyped(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("/", "status:failed type:Order*")
	p.sees("order-8790", "order-8791")
	p.press("Ctrl-U", "status:nonsense")
	p.sees("nonsense")
	p.press("Esc")
	p.sees("kyc-5520")
}

func TestCursorStaysOnItsInstance(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("j", "j", "Enter")
	p.sees("overview", "order-879")
	p.press("Esc")
	var id string
	p.inLoop(func() { id = p.app.top().(*list).selected.InstanceID })
	p.press("Ctrl-R")
	p.inLoop(func() {
		if l := p.app.top().(*list); l.current().Instance.InstanceID != id {
			t.Errorf("the cursor was on %s and is on %s", id, l.current().Instance.InstanceID)
		}
	})
}

func TestFilterErrorPointsAtTheCharacter(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("/", "type:Order* status:fialed")
	p.golden("filter_error_80")
	lines := strings.Split(p.screen(), "\n")
	typed, marked := lines[22], lines[23]
	if at := strings.Index(marked, "^"); at < 0 || at != strings.Index(typed, "fialed") {
		t.Errorf("the caret is at %d:\n%s\n%s", at, typed, marked)
	}
	p.sees("did you mean failed?", "order-8790")
	p.press("Ctrl-U", strings.Repeat("order ", 20)+"age:soon") // longer than the screen is wide
	lines = strings.Split(p.screen(), "\n")
	typed, marked = lines[22], lines[23]
	if strings.Index(marked, "^") != strings.Index(typed, "soon") {
		t.Errorf("\n%s\n%s", typed, marked)
	}
}

func TestFilterIsCompleted(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("/", "type:Kyc* st")
	p.sees("Tab: status:")
	p.press("Tab")
	p.sees("/type:Kyc* status:")
	p.press("ru", "Tab")
	p.sees("/type:Kyc* status:running", "kyc-5520")
	p.press("Enter")
	p.misses("order-8702")
	p.press("/", "Ctrl-U", "is:", "Tab", "Tab", "Shift-Tab")
	p.sees("/is:open")
	p.press("Esc")
	p.sees("workflows /type:Kyc* status:running")
}

func TestNextProblem(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press(":order created", "Enter")
	for _, id := range []string{"order-8791", "order-8790", "order-8702", "evil-\x1b[31m[red]\u202e"} {
		p.press("n")
		p.inLoop(func() {
			if got := p.app.top().(*list).selected.InstanceID; got != id {
				t.Errorf("the next problem is %q, want %q", got, id)
			}
		})
	}
	p.press("n")
	p.sees("no more are blocked or failed")
	p.press("N")
	p.inLoop(func() {
		if got := p.app.top().(*list).selected.InstanceID; got != "order-8702" {
			t.Errorf("the problem before is %s", got)
		}
	})
}

func TestScanIsCapped(t *testing.T) {
	p := many(t, 120, passes)
	p.inLoop(func() { p.app.top().(*list).maxScan = 50 })
	p.press("/", "/part-0[0-9]9/", "Enter")
	p.sees("scanned 50, more: G", "part-099", "part-079")
	p.misses("part-069")
	p.press("G")
	p.sees("scanned 100, more: G", "part-029")
	p.misses("part-019")
	p.press("G")
	p.sees("scan  ", "part-009")
	p.misses("more: G")
}

func TestPreviewFollows(t *testing.T) {
	p := play(t, 120, 40, nil)
	p.to("order-8790")
	p.sees("timeline, 5m25s", "activity Ship", "carrier 502")
	p.to("kyc-5520")
	p.misses("activity Ship")
	p.pause("kyc-5520", true)
	p.press("Ctrl-R")
	p.sees("running, paused KycReview")
	p.press("i")
	p.misses("timeline")
	p.press("i")
	p.terminal.SetSize(80, 24)
	p.press("j")
	p.misses("timeline")
	p.sees("─ trial-1207 ─")
}

func TestMarksSurvive(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("Space", "Space", "o", "Ctrl-R")
	p.sees("2 marked", "*≠ order-8702", "*✗ order-8791")
	p.press("u")
	p.misses("marked")
}

// Who has only looked sees what comes in above; who has gone somewhere stays there, and
// g goes back to the top.
func TestUntouchedListStaysOnTop(t *testing.T) {
	p := play(t, 80, 24, nil)
	on := func() (row int, id string) {
		p.inLoop(func() {
			l := p.app.top().(*list)
			row, id = l.table.cursor, l.selected.InstanceID
		})
		return row, id
	}
	p.press(":list is:open", "Enter")
	arrive := func(id string) {
		at := p.clock.Now()
		opstest.Seed(t, p.backend, p.clock, []opstest.Row{{Summary: backend.Summary{
			Instance: engine.Instance{InstanceID: id}, Workflow: "Late", Status: engine.StatusBlocked, BlockClass: "NONDETERMINISM", Block: []byte(`{}`), Created: at, Updated: at,
		}}})
		p.clock.Set(at.Add(time.Second))
		p.press("Ctrl-R")
	}
	arrive("late-1")
	if row, id := on(); row != 0 || id != "late-1" {
		t.Errorf("nobody has touched the list, and the cursor is on row %d, %s", row, id)
	}
	p.press("j")
	_, was := on()
	arrive("late-2")
	if row, id := on(); row != 2 || id != was {
		t.Errorf("the cursor was moved to %s, and is on row %d, %s", was, row, id)
	}
	p.press("g")
	arrive("late-3")
	if row, id := on(); row != 0 || id != "late-3" {
		t.Errorf("the cursor was on top, and is on row %d, %s", row, id)
	}
}
