package tui

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
)

// What is copied as a command is pasted into a shell, which has to see the words as they
// are; and on its way there no terminal may act upon them, for example take the end of
// what is pasted for reached.
func TestCommandsCanBePasted(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	texts := map[string]string{
		"paste ends": "\x1b[201~\nreboot\n", "octal": "\x1b7 \x010", "space": "a b", "quote": "it's", "double": `a"b`, "dollar": "$(id)`id`", "back": `a\b\`, "bang": "!x",
		"dash": "-rf", "flag": "--yes", "slash": "a/b", "unicode": "é日本👩‍👧", "breaks": "a\nb\tc\r'\\",
	}
	for name, text := range opstest.Hostile() {
		texts[name] = strings.ReplaceAll(text, "\x00", "") // which no argument can have
	}
	for name, text := range texts {
		line := "printf '%s|' " + operands(text, "x")
		for _, r := range line {
			if r < ' ' || 0x7f <= r && r < 0xa0 {
				t.Errorf("%s: %q would act upon a terminal", name, line)
			}
		}
		line = strings.Replace(line, " -- ", " ", 1)                            // printf has taken its own
		out, err := exec.CommandContext(t.Context(), bash, "-c", line).Output() //nolint:gosec // what is tested
		if err != nil || string(out) != text+"|x|" {
			t.Errorf("%s: %s prints %q, want %q: %v", name, line, out, text, err)
		}
	}
	if got := operands("go", "-x"); got != "-- go -x" {
		t.Errorf("%s: -x is a flag", got)
	}
}

func TestCommandOfAList(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.inLoop(func() {
		l := p.app.top().(*list)
		l.narrow("is:open")
		l.sort, l.up = ops.SortCreated, true
		if got, want := l.twin(), "wfops shop list --filter is:open --sort created --reverse"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		done := p.get("order-8788")
		if got, want := reference(&done), "order-8788/x-order-8788"; got != want {
			t.Errorf("%s may be a later execution than %s", got, want)
		}
	})
}

func TestChangesOfOddIDsAreScripted(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.inLoop(func() {
		got := p.app.scripted(ops.Change{Action: ops.ActionPause, Reason: "a b"}, []engine.Instance{{InstanceID: "-x"}, {InstanceID: "y"}})
		if want := "wfops shop pause --reason 'a b' -- -x y"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// A row of a comparison is looked at to take it elsewhere.
func TestRowOfADiffIsCopied(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press(":diff order-8790 order-8788", "Enter", "Enter")
	p.sees("1 differ")
	p.inLoop(func() {
		items := p.app.copies()
		if len(items) != 2 || !strings.Contains(items[0].text, `  A "order-8790"`+"\n"+`  B "order-8788"`) || items[1].text != "wfops diff order-8790 order-8788" {
			t.Errorf("%+v", items)
		}
	})
}
