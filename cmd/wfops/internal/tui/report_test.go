package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func TestReportLooks(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			p := play(t, size[0], size[1], nil)
			p.press("r")
			p.golden(fmt.Sprintf("report_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		p := play(t, 80, 24, func(o *Options) { o.ASCII = true })
		p.press("r")
		p.golden("report_ascii")
	})
}

// An operator sees on the blocked order what changed and where, without any program.
func TestBlockedOrderIsExplained(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("r")
	p.sees("≠ DIVERGED  ORDER  at event 3 of 5", "history says   activity ReserveStock  at fill.go:71", "your code did  activity FraudCheck  at fill.go:88", "likely cause: ORDER", "have changed places since build 41fd",
		"restore the order", "1 of 2 open OrderFill blocked by the same", "found by worker w-7f, build 9c1e", "nothing was written", "wfops why order-8702")
	p.press("n", "n")
	p.inLoop(func() {
		if line := p.app.top().(*report).line(); line.Seq != 5 {
			t.Errorf("the cursor is on %+v", line)
		}
	})
	p.press("n")
	p.sees("round again")
	p.press("d")
	p.sees("A history of order-8702", "activity FraudCheck", "these are the rows that the worker has stored", ">")
	p.press("Esc", "Enter")
	p.sees("order-8702")
	p.press("Esc", "Esc", "Enter", ":", "why", "Enter")
	p.sees("DIVERGED  ORDER")
	p.press("G")
	p.sees("fill.go:88")
}

func TestWhyOfWhatIsNotBlocked(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press(":", "why order-8790", "Enter")
	p.sees("order-8790 is failed and not blocked")
	p.press("Esc", ":", "why nobody", "Enter")
	p.sees(`there is no instance "nobody"`)
	p.press("Esc", ":", "why a b", "Enter")
	p.sees("name one instance")
	p.press(":", "replay --wit x", "Enter")
	p.sees("there is no --wit here")
	p.press(":", "replay --with", "Enter")
	p.sees("behind --with something is missing")
	p.press(":", "replay --filter status:nonsense --with x", "Enter")
	p.sees("status is one of running")
}

// The line of code is shown, and opened in the editor, if the code is here.
func TestReportOpensTheCode(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil { //nolint:gosec // a script is run
			t.Fatal(err)
		}
		return path
	}
	var code strings.Builder
	for n := range 100 {
		fmt.Fprintf(&code, "\tline%d()\n", n+1)
	}
	write("go.mod", "module shop\n\ngo 1.26\n")
	file := write("order/fill.go", code.String())
	opened := filepath.Join(dir, "opened")
	editor := write("bin/editor", "#!/bin/sh\necho \"$@\" > "+opened+"\n")
	t.Chdir(dir)
	p := play(t, 80, 24, func(o *Options) {
		o.Getenv = func(name string) string { return map[string]string{"EDITOR": editor}[name] }
	})
	p.press("r")
	p.sees("the code as it is here", "88      line88()", "86      line86()")
	p.press("e")
	got, err := os.ReadFile(opened) //nolint:gosec // a file of the test
	if want := "+88 " + file + "\n"; err != nil || string(got) != want {
		t.Errorf("the editor was given %q, %v, want %q", got, err, want)
	}
}

func TestReportSaysThatTheCodeIsElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	p := play(t, 100, 24, nil)
	p.press("r", "e")
	p.sees("fill.go:88 of shop/order.Fill: the file is not below this folder")
}

// The history is written where tests look for fixtures.
func TestReportExportsAFixture(t *testing.T) {
	t.Chdir(t.TempDir())
	p := play(t, 100, 24, nil)
	p.press("r", "E")
	p.sees("testdata/histories")
	p.press("Enter")
	p.sees("written: testdata/histories/order-8702")
	if files, err := filepath.Glob("testdata/histories/*"); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestReportIsCopied(t *testing.T) {
	p := play(t, 100, 24, nil)
	p.press("r")
	p.inLoop(func() {
		items := p.app.top().(copier).copies()
		if !strings.Contains(items[0].text, "likely cause: ORDER") || items[1].text != "wfops why order-8702" || items[2].text != "fill.go:88" {
			t.Errorf("%q", items)
		}
	})
}

// A reason can be without a report, or of no use: then what there is is shown.
func TestReportOfLittle(t *testing.T) {
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	row := func(id, block string) opstest.Row {
		return opstest.Row{Summary: backend.Summary{
			Instance: engine.Instance{InstanceID: id}, Workflow: "Order \"odd\" *", Queue: "default", Status: engine.StatusBlocked, Created: now, Updated: now, BlockClass: "DECODE", Block: []byte(block),
		}, Events: []history.Event{{At: now, Ref: 1, Body: history.TimerScheduled{}}}}
	}
	opstest.Seed(t, b, clock, []opstest.Row{
		row("broken", `"no reason"`), row("short", `{"class":"DECODE","message":"result of Charge: no JSON","seq":3,"event":"ActivityCompleted"}`),
		row("same", `{"class":"DECODE","message":"result of Charge: no JSON","seq":3,"event":"ActivityCompleted"}`), row("odd", `{"class":"DECODE","report":{"rows":[{"op":"new","first":true},{}],"cause":{},"divergence":{}}}`),
	})
	p := playOn(t, b, clock, 80, 24, nil)
	p.press(":", "why short", "Enter")
	p.sees("UNANSWERABLE  DECODE  at event 3", "result of Charge: no JSON", "found by a worker", "3 of 4 open")
	p.press("Esc", ":", "why broken", "Enter")
	p.sees("can't be read")
	p.press("Esc", ":", "why odd", "Enter", "d", "Esc", "n", "N", "Enter")
	p.sees("odd")
}
