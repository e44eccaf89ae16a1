package view_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// hostile are texts that must not reach a terminal as they are.
var hostile = []string{
	"[red]", "[:::https://evil.example]x", "\x1b[2J", "\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\", "\x1b]52;c;aGk=\a", "\x9b31m", "\u009b31m",
	"a\rb", "a\nb", "a\tb", "a\x00b", "\x7f", "\u202eabc", "\u2066x\u2069", "\u200fx", "\u2028x", "\ufeffx", "\xff\xfe", "\xed\xa0\x80", "\U000e0041",
	"\u0301x", "\u200dx", "e" + strings.Repeat("\u0301", 300), "\U0001F468\u200d\U0001F469\u200d\U0001F467", "日本語テキスト", "\uffff", "\ue000",
	strings.Repeat("x", 100_000), strings.Repeat("\x1b", 100_000), strings.Repeat("日", 50_000), strings.Repeat("\u0301", 100_000),
}

// unsafe returns the first thing in text that a terminal would act upon, or "".
func unsafe(text string) string {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return "a byte that is not UTF-8"
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Co) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' {
			return string(r)
		}
	}
	return ""
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"plain [red]": "plain [red]", "ä日�": "ä日�", "\x1b[31mred": `\x1b[31mred`, "a\nb\tc\r": `a\nb\tc\r`, "\u009b1m": `\x9b1m`, "\x9b1m": `\x9b1m`,
		"\u202ex": `\u202ex`, "\U000e0041": `\U000e0041`, "\xffx": `\xffx`, "\u2028": `\u2028`, "": "",
	} {
		if got := view.Escape(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestEscapeJSON(t *testing.T) {
	for _, text := range hostile {
		text = strings.ToValidUTF8(text, "�")
		doc, err := json.Marshal(map[string]string{"a": text})
		if err != nil {
			t.Fatal(err)
		}
		escaped := view.EscapeJSON(doc)
		var back map[string]string
		if err := json.Unmarshal(escaped, &back); err != nil || back["a"] != text {
			t.Errorf("%.50q is %.50q, and that %.50q, %v", text, escaped, back["a"], err)
		}
		if bad := unsafe(string(escaped)); bad != "" {
			t.Errorf("%.50q holds %q", escaped, bad)
		}
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  string
	}{
		{"hello", 5, "hello"}, {"hello", 4, "hel…"}, {"hello", 1, "…"}, {"hello", 0, ""}, {"", 3, ""},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"日本語", 2, "…"},
		{"a\x1bb", 4, `a\x…`}, {"\u0301x", 2, " \u0301x"},
		{"\U0001F468\u200d\U0001F469\u200d\U0001F467ab", 3, "\U0001F468\u200d\U0001F469\u200d\U0001F467…"},
	} {
		if got := view.Clip(tc.text, tc.width); got != tc.want {
			t.Errorf("%q in %d: got %q, want %q", tc.text, tc.width, got, tc.want)
		}
	}
}

// Of a terminal that takes "…" for two cells the room is kept, too; and ASCII takes as
// much as what it stands for.
func TestClipWhereCutsAreWide(t *testing.T) {
	before := uniseg.EastAsianAmbiguousWidth
	t.Cleanup(func() { uniseg.EastAsianAmbiguousWidth = before })
	for _, uniseg.EastAsianAmbiguousWidth = range []int{1, 2} {
		for width := range 8 {
			got := view.Clip("hello 日本語", width)
			if view.Width(got) > width || view.Width(view.ASCII(got)) != view.Width(got) || strings.Contains(view.ASCII(got), "…") {
				t.Errorf("%d cells: %q, in ASCII %q", width, got, view.ASCII(got))
			}
		}
	}
	if got := view.ASCII("app:••@…日"); got != "app:****@..日" {
		t.Errorf("%q", got)
	}
}

func FuzzClip(f *testing.F) {
	for _, text := range hostile {
		if len(text) < 1000 {
			f.Add(text, 7)
		}
	}
	f.Fuzz(func(t *testing.T, text string, width int) {
		width = min(width, 500)
		got := view.Clip(text, width)
		if bad := unsafe(got); bad != "" {
			t.Errorf("%q in %d: %q holds %q", text, width, got, bad)
		}
		if w := view.Width(got); w > max(width, 0) {
			t.Errorf("%q in %d: %q takes %d", text, width, got, w)
		}
		if escaped := view.Escape(text); unsafe(escaped) != "" || view.Escape(escaped) != escaped {
			t.Errorf("%q is escaped as %q, and that as %q", text, escaped, view.Escape(escaped))
		}
	})
}

// Cells must not take longer than what they show.
func TestClipOfHugeTexts(t *testing.T) {
	huge := strings.Repeat("\x1b[31m日", 2<<20)
	if n := testing.AllocsPerRun(5, func() { view.Clip(huge, 80) }); n > 2000 {
		t.Errorf("%v allocations", n)
	}
	if got := view.Width(view.Clip(huge, 80)); got > 80 {
		t.Errorf("it takes %d cells", got)
	}
}
