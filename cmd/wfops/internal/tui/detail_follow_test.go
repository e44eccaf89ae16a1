package tui

import (
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func (p *player) history() *historyPane {
	return p.app.top().(*detail).panes[1].(*historyPane)
}

// Who follows a history stays at its end while it grows. Who goes up to read stays
// where he is, and is told that there is more.
func TestFollowing(t *testing.T) {
	w := newWorkshop(t)
	p := w.play(80, 24)
	p.press("2")
	p.sees("following", ">     2")
	w.signals("one", "two")
	p.press("Ctrl-R")
	p.sees("following", `"one"`, `>     4`, `"two"`)
	p.press("k")
	p.sees(`>     3`)
	p.not("following")
	for n := range 40 {
		w.signals(fmt.Sprint("more-", n))
	}
	p.press("Ctrl-R")
	p.sees("+40 new, F", `>     3`)
	p.press("F")
	p.sees("following", `>    44`, "more-39")
	p.press("k", "G")
	p.sees("following")
	p.inLoop(func() {
		if h := p.history(); h.d.log.Events != 44 {
			t.Errorf("%d events were read", h.d.log.Events)
		}
	})
}

// What is behind the last event is read, and nothing twice.
func TestHistoryIsReadOnce(t *testing.T) {
	w := newWorkshop(t)
	p := w.play(120, 40)
	p.sees("event 2", `"Build"`)
	for n := range batchEvents / 400 * 3 {
		var names []string
		for i := range 400 {
			names = append(names, fmt.Sprintf("s-%d-%d", n, i))
		}
		w.signals(names...)
	}
	p.press("Ctrl-R")
	p.inLoop(func() {
		h := p.history()
		if h.d.log.Events != w.seq || h.d.log.Len() != int(w.seq)-1 {
			t.Errorf("%d events on %d rows, of %d", h.d.log.Events, h.d.log.Len(), w.seq)
		}
	})
	p.sees("s-14-399", fmt.Sprintf("event %d", w.seq))
	p.press("g")
	p.sees("WorkflowStarted Build")
}

func TestSearchInHistory(t *testing.T) {
	w := newWorkshop(t)
	w.signals("apple", "pear", "quince", "pear")
	p := w.play(80, 24)
	p.press("2", "g", "/", "PEA")
	p.sees(">     4")
	p.press("Enter")
	p.sees("/PEA", "events that have PEA: 2")
	p.press("n")
	p.sees(">     6")
	p.press("n")
	p.sees(">     4", "went on at the other end")
	p.press("N")
	p.sees(">     6")
	p.press("Esc")
	p.not("/PEA")
	p.press("n")
	p.sees("nothing in this history went wrong")
	// What rows do not show is found as well: here the name of a field.
	p.press("/", "\"whole", "Enter", "n")
	p.sees(">     2")
	p.press("Esc", "Esc")
	p.sees("workflows")
}

func TestProblemsAreFound(t *testing.T) {
	p := open(t, 80, 24, "order-8790", nil)
	p.press("2", "g", "n")
	p.sees("> 12-16")
	p.press("n")
	p.sees(">    17")
	p.press("z") // it has nothing to fold
	p.press("k", "k", "z")
	p.sees("> 11-16")
	p.not("12-16")
	p.press("Z")
	p.sees("every event", "TaskStarted", "try 3")
	p.press("Z", "z")
	p.sees("12-16")
}

func TestEventIsOpened(t *testing.T) {
	p := open(t, 80, 24, "order-8790", nil)
	p.press("2", "g", "j", "Enter")
	p.sees("order-8790 › event 3", `kind: "ActivityScheduled"`, `file: "fill.go"`, "line: 71", `sku: "A-113"`)
	p.press("n")
	p.sees("event 4", `worker: "w-7f"`, `build: "9c1e"`)
	p.press("/", "B7", "Enter")
	p.inLoop(func() {
		e := p.app.top().(*eventScreen)
		if all := e.copies(); all[0].text != `"B7"` || all[2].text != `{"shelf":"B7"}` {
			t.Errorf("what can be copied: %+v", all)
		}
	})
	p.press("Esc", "N", "Esc")
	p.sees("[2·history]")
}

func TestChildIsOpened(t *testing.T) {
	p := open(t, 80, 24, "import-311", nil)
	p.press("6", "j", "Enter")
	p.sees("import-311 › import-311-a", "completed", "[1·overview]")
	p.press("Esc")
	p.sees("[6·tree]", "> ✓ ├ import-311-a")
	p.inLoop(func() {
		if s := p.app.top().chosen(); len(s) != 1 || s[0].Instance.InstanceID != "import-311-a" {
			t.Errorf("a command is about %+v", s)
		}
	})
}

// Of more children than the tree has room for there is a list.
func TestMoreChildrenAreListed(t *testing.T) {
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	parent := &engine.Instance{InstanceID: "the parent", ExecutionID: opstest.Execution("the parent")}
	row := func(id string, of *engine.Instance) opstest.Row {
		return opstest.Row{Summary: backend.Summary{Instance: engine.Instance{InstanceID: id}, Parent: of, Workflow: "Part", Status: engine.StatusRunning, Created: now, Updated: now}}
	}
	rows := []opstest.Row{row("the parent", nil)}
	for i := range 2001 {
		rows = append(rows, row(fmt.Sprintf("child-%04d", i), parent))
	}
	opstest.Seed(t, b, clock, rows)
	p := playOn(t, b, clock, 100, 24, nil)
	p.press(`:tree "the parent"`, "Enter", "G")
	p.sees("└ more children", `all: parent:"the parent"`)
	p.press("Enter")
	p.sees(`/parent:"the parent"`, "child-2000")
	p.misses("[6·tree]")
	p.press("Esc")
	p.sees("> ", "└ more children")
}

// Behind a colon the number of an event leads to it.
func TestEventIsGoneTo(t *testing.T) {
	p := open(t, 80, 24, "order-8790", nil)
	p.press(":event 4", "Enter")
	p.sees("order-8790 › event 4", "ActivityCompleted")
	p.press(":event 17", "Enter")
	p.sees("order-8790 › event 17", "WorkflowFailed")
	p.press(":event 18", "Enter")
	p.sees("has no event 18", "event 17")
	p.press(":event x", "Enter")
	p.sees(`"x" is not the number of an event`)
	p.press(":even", "Tab", "3", "Enter")
	p.sees("order-8790 › event 3")
	p.press("Esc")
	p.sees("[1·overview]")
	p.press("Esc", ":event 4", "Enter")
	p.sees("event means nothing here")
}

func TestTimelineIsZoomed(t *testing.T) {
	p := open(t, 80, 24, "order-8790", nil)
	p.press("3", "j", "j", "[")
	p.sees("at +22.13s")
	p.press("+", "+", "+")
	p.sees("of 5m25s")
	p.press("]")
	p.sees("no edge on this side")
	p.press("m", "[", "m")
	p.press("m", "]")
	p.sees("from the mark")
	p.press("m", "-", "-", "-", "0", "x")
	p.sees("critical path", "100%")
	p.press("x", "i")
	p.sees("idle as it was")
	for _, key := range []string{"h", "l", "+", "h", "h", "l", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "h", "l", "]", "0", "-", "n", "N", "Enter"} {
		p.press(key)
	}
	p.sees("event ")
}

// The critical path is that of the causes: what ran beside it has no part in it.
func TestCriticalPath(t *testing.T) {
	w := newWorkshop(t)
	at := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	w.does(history.Event{At: at(0), Ref: 1, Body: history.ActivityScheduled{Name: "Slow"}}, history.Event{At: at(0), Ref: 2, Body: history.ActivityScheduled{Name: "Fast"}})
	w.does(history.Event{At: at(1), Body: history.TaskStarted{}}, history.Event{At: at(1), Ref: 2, Body: history.ActivityCompleted{Run: history.Run{Attempt: 1, Started: at(0)}}})
	w.does(history.Event{At: at(60), Body: history.TaskStarted{}}, history.Event{At: at(60), Ref: 1, Body: history.ActivityCompleted{Run: history.Run{Attempt: 1, Started: at(15)}}})
	w.clock.Set(at(60))
	p := w.play(80, 24)
	p.press("3", "x")
	p.sees(" 75%", "running Slow", " 25%", "queued Slow", "◆activity Slow")
	p.not("running Fast", "◆activity Fast")
}

func TestDataIsUnfolded(t *testing.T) {
	p := open(t, 80, 24, "order-8790", nil)
	p.press("5")
	p.sees("16 values", `order: "order-8790"`)
	p.press("G")
	p.sees(`message: "Ship: carrier 502 bad gateway"`)
	p.press("/", "dhl", "Enter")
	p.sees(`carrier: "dhl"`)
	p.inLoop(func() {
		d := p.app.top().(*detail)
		if all := d.copies(); all[0].text != `"dhl"` || all[1].text != `{"boxes":1,"carrier":"dhl"}` {
			t.Errorf("what can be copied: %+v", all)
		}
	})
	p.press("Esc", "k", "k", "k", "Enter")
	p.not(`carrier: "dhl"`)
	p.press("g", "z")
	p.not(`order: "order-8790"`)
}

func TestMouseOnTabsAndRows(t *testing.T) {
	p := open(t, 80, 24, "order-8790", nil)
	p.sees("[1·overview]") // a place is known once it has been drawn
	p.inLoop(func() { p.app.top().(clickable).click(16, 2) })
	p.sees("[2·history]")
	p.inLoop(func() { p.app.top().(clickable).click(10, 6) })
	p.sees(">   3-4")
	p.inLoop(func() { p.app.top().(clickable).click(30, 2) })
	p.sees("[3·timeline]")
	p.inLoop(func() { p.app.top().(clickable).click(70, 8) })
	p.sees("> activity ChargeCard")
}

func TestDetailCopies(t *testing.T) {
	p := open(t, 80, 24, "order-8790", nil)
	p.press("2", "g")
	p.inLoop(func() {
		want := map[string]string{
			"instance id": "order-8790", "execution id": "x-order-8790",
			"values of event 2":       `{"order":"order-8790","sku":"A-113","qty":2}`,
			"command that shows this": "wfops shop history order-8790/x-order-8790",
		}
		for _, c := range p.app.top().(copier).copies() {
			if w, ok := want[c.name]; ok && w != c.text {
				t.Errorf("%s is %q, not %q", c.name, c.text, w)
			}
			delete(want, c.name)
		}
		if len(want) > 0 {
			t.Errorf("can't copy %v", want)
		}
	})
}
