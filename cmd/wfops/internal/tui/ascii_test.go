package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

// Where there is only ASCII, all that is ours is ASCII; a golden file shows what
// strangers wrote only if that is, too.
func TestOnlyASCII(t *testing.T) {
	files, err := filepath.Glob("../*/testdata/*_ascii*.txt")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a golden file
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
				t.Errorf("%s:%d: %s", file, i+1, line)
			}
		}
	}
}

// Who says that the terminal takes "…" for two cells may be wrong: what stands in a line
// behind one would be in the wrong place, such as the clock.
func TestAmbiguousWidth(t *testing.T) {
	before := uniseg.EastAsianAmbiguousWidth
	uniseg.EastAsianAmbiguousWidth = 2
	t.Cleanup(func() { uniseg.EastAsianAmbiguousWidth = before })
	p := play(t, 80, 24, func(o *Options) {
		o.ASCII = true
		o.Connection.Name = strings.Repeat("long/", 30) + "orders.sqlite"
	})
	if top := p.shown(0); !strings.HasPrefix(top, "../orders.sqlite (memory)") || !strings.HasSuffix(top, " 11:42:07Z") {
		t.Errorf("%q", top)
	}
}

// shown is a line as the terminal has it.
func (p *player) shown(y int) string {
	p.Helper()
	var b strings.Builder
	p.inLoop(func() {
		w, _ := p.terminal.Size()
		for x := 0; x < w; {
			text, _, wide := p.terminal.Get(x, y)
			b.WriteString(text)
			x += max(1, wide)
		}
	})
	return b.String()
}
