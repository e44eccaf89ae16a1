package tui

import (
	"fmt"
	"strings"
	"testing"
)

func TestJQLooks(t *testing.T) {
	for _, size := range sizes {
		p := open(t, size[0], size[1], "order-8790", nil)
		p.press("5", "g", "|", `{sku, twice: (.qty * 2)}`, "Enter")
		p.golden(fmt.Sprintf("jq_%d", size[0]))
	}
}

// A value is put through a program; Esc leads back to the whole.
func TestJQ(t *testing.T) {
	p := open(t, 120, 40, "order-8790", nil)
	p.press("5", "g", "|", ".sku", "Enter")
	p.sees("jq .sku", `"A-113"`, "wfops shop data order-8790/x-order-8790 --event 2 --jq '.value | .sku'")
	p.press("|")
	p.sees("jq: .sku")
	p.press("Ctrl-U", ".[]", "Enter")
	p.sees(`"order-8790"`, "2")
	p.press("/", "A-11", "Enter", "n")
	p.press("Esc")
	p.sees("[5·data]", `sku: "A-113"`)
	p.press("j", "j", "j", "j", "j", "|")
	p.sees("Enter reads a value")
	p.press("2", "g", "Enter", "|", ".body.workflow", "Enter")
	p.sees(`"OrderFill"`, "--after 1 -n 1 -o jsonl --jq .body.workflow")
	p.press("Esc")
	p.sees("event 2")
}

// What goes wrong is said, and nothing takes for ever.
func TestJQGoesWrong(t *testing.T) {
	p := open(t, 120, 40, "order-8790", nil)
	p.press("5", "g")
	for program, says := range map[string]string{
		".[": "unexpected", ".sku.x": "expected an object", "empty": "no result", "range(100000)": "the first 10,000 results", "def f: f; f": "not done after 2s", `error("` + "\x1b[31m\u202e" + `")`: "jq: error:",
	} {
		p.inLoop(func() {
			p.app.show(&jqScreen{a: p.app, doc: `{"sku":"a"}`, program: program, twin: func(s string) string { return s }})
		})
		p.settle()
		p.sees(says)
		p.harmless(program, p.grid())
		p.press("Esc")
	}
	if strings.Contains(p.screen(), "› jq") {
		t.Error("Esc does not lead back")
	}
}
