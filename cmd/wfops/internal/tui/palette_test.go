package tui

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPalette(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press(":", "ord")
	p.golden("palette_80")
	p.sees("order", "get order-8788")
	p.press("Ctrl-U", "get order-87", "Tab")
	p.sees(":get order-87")
	p.press("Esc", ":get order-8841", "Enter")
	p.sees("order-8841", "1·overview")
	p.press(":list status:failed", "Enter")
	p.sees("workflows /status:failed", "order-8790")
	p.misses("1·overview", "kyc-5520")
	p.press(`:list err:"502 bad gateway"`, "Enter")
	p.sees(`/err:"502 bad gateway"`, "order-8791")
	p.press(":list --filter 'is:open type:Kyc*'", "Enter")
	p.sees("/is:open type:Kyc*", "kyc-5531")
	p.press(":order created", "Enter")
	p.sees("sort created")
	p.press(":order size", "Enter")
	p.sees(`there is no order "size"`)
	p.press(":get nobody", "Enter")
	p.sees(`there is no instance "nobody"`)
	p.press(":get order", "Enter")
	p.sees("several instances begin with")
	p.press(":nonsense-zzz", "Enter")
	p.sees(`there is no command "nonsense-zzz"`)
	p.press(`:get "x`, "Enter")
	p.sees("the closing quote is missing")
	p.press(":wid", "Enter") // means what it means most likely
	p.inLoop(func() {
		if !p.app.top().(*list).wide {
			t.Error(":wid does not mean :wide")
		}
	})
	p.press(":q", "Enter")
	if err := p.end(); err != nil {
		t.Error(err)
	}
}

func TestPaletteLooks(t *testing.T) {
	for name, typed := range map[string]string{"set": "set ", "ids": "signal decision kyc", "filter": "list status:f"} {
		p := play(t, 80, 24, nil)
		p.press(":", typed)
		p.golden("palette_" + name)
	}
}

func TestWhatWasTypedIsRecalled(t *testing.T) {
	dir, change := stateful(t, nil)
	p := play(t, 80, 24, change)
	p.press(":list status:failed", "Enter", ":list", "Enter", ":signal secret-name kyc-5520", "Enter", "Esc", ":get kyc-5520", "Enter")
	p.press(":", "Up")
	p.sees(":get kyc-5520")
	p.press("Up")
	p.sees(":signal")
	p.press("Up", "Up")
	p.sees(":list status:failed")
	p.press("Down", "Down", "Down", "Down")
	p.misses(":get kyc-5520")
	p.press("Esc")
	text := private(t, filepath.Join(dir, recallFile))
	if strings.Contains(text, "secret") || text != "list status:failed\nlist\nsignal\nget kyc-5520\n" {
		t.Errorf("%q was kept", text)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	again := play(t, 80, 24, change)
	again.press(":", "Up", "Up", "Up", "Up")
	again.sees(":list status:failed")
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                   nil,
		"  a  b ":            {"a", "b"},
		`'a b' "c d"e f\ g`:  {"a b", "c de", "f g"},
		`"a'b" 'c"d\' "\""`:  {"a'b", `c"d\`, `"`},
		`'' ""`:              {"", ""},
		"日本 x":               {"日本", "x"},
		"diff A B":           {"diff", "A", "B"},
		`signal go 'it''s'`:  {"signal", "go", "its"},
		"tab\tand\nnew line": {"tab", "and", "new", "line"},
	} {
		if got, err := words(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`"a`, `'a`, `a\`} {
		if _, err := words(text); err == nil {
			t.Errorf("%q is whole", text)
		}
	}
	for _, word := range []string{"", "a", "a b", "it's", `"$(x)\`, "日本", "order-1/x"} {
		if got, err := words(quoted(word)); err != nil || len(got) != 1 || got[0] != word {
			t.Errorf("%q is quoted as %s, which is %q, %v", word, quoted(word), got, err)
		}
	}
}
