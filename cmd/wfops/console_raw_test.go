package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// ours are the sequences that the console writes: modes, the cursor, colors and
// attributes, erasing, and which letters there are. No titles, no links (one of them
// ends a link, and begins none), no clipboard, no questions.
var ours = regexp.MustCompile(`^(` + strings.Join([]string{
	`\x1b\[\??[0-9;]*[hl]`, `\x1b\[[0-9;]*[HJKmABCDGdXP]`, `\x1b\[[0-9;]* q`, `\x1b\[[0-9;]*t`, `\x1b\[>4;[0-9]m`, `\x1b\[[=<>][0-9]*u`,
	`\x1b\]8;;\x1b\\`, `\x1b[()][0AB]`, `\x1b[=>78]`, "[\r\n\b\x0e\x0f]",
}, "|") + `)`)

// foreign returns the first thing in what was written to a terminal that is neither
// text nor a sequence of ours.
func foreign(raw string) (what string) {
	for raw != "" {
		if m := ours.FindString(raw); m != "" {
			raw = raw[len(m):]
			continue
		}
		r, size := utf8.DecodeRuneInString(raw)
		if !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' || r == utf8.RuneError && size == 1 {
			return raw[:min(40, len(raw))]
		}
		raw = raw[size:]
	}
	return ""
}

func TestForeignSequencesAreFound(t *testing.T) {
	for _, text := range opstest.Hostile() {
		harmful := strings.ContainsFunc(text, func(r rune) bool { return r == '\u0085' || r == '\u009b' || r == '\u202e' || r == '\u200b' }) ||
			strings.Contains(text, "\x1b]") || strings.Contains(text, "\x1bP")
		if found := foreign("\x1b[1;1H" + text); harmful && found == "" {
			t.Errorf("%q would pass", text)
		}
	}
	if found := foreign("\x1b[?1049h\x1b[38;5;2m✗ 日本\x1b(B\x1b[m"); found != "" {
		t.Errorf("%q is ours", found)
	}
}

// What goes to a real terminal is text and the sequences of the console itself, on
// whatever screen strangers' texts are shown.
func TestConsoleWritesNothingOfStrangers(t *testing.T) {
	path := t.TempDir() + "/evil.db"
	now := time.Now().UTC()
	clock := opstest.NewClock(now)
	b, err := sqlite.Open(t.Context(), path, sqlite.WithClock(clock.Now), sqlite.WithSynchronous(sqlite.Normal))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	texts := opstest.Hostile()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		opstest.Evil(t, b, clock, now, texts[name])
	}
	clock.Set(now)
	for _, theme := range []string{"NO_COLOR=", "NO_COLOR=1"} {
		term := terminal(t, 160, 50, path, theme)
		raw := term.Raw()
		term.Run("wfops --read-only")
		term.Sees("^Space mark", "1 of 15")
		for range 3 {
			for _, keys := range [][]string{{"j"}, {"Enter"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}, {"6"}, {"7"}, {"w"}, {"G"}, {"Escape"}, {"Q"}, {"Escape"}, {"W"}, {"Escape"}, {"H"}, {"Escape"}, {"r"}, {"Escape"}, {"?"}, {"Escape"}, {"PPage"}} {
				term.Press(keys...)
				screen := term.Screen()
				if strings.ContainsFunc(screen, func(r rune) bool { return r == '\x1b' || r == '\u202e' }) {
					t.Errorf("after %s: %q", keys, screen)
				}
			}
			term.Press("C-d")
		}
		term.Until("the list is on top again", func(screen string) bool {
			if strings.Contains(screen, "Space mark") {
				return true
			}
			term.Press("Escape")
			return false
		})
		term.quits()
		out := string(raw())
		if _, out, _ = strings.Cut(out, "\x1b[?1049h"); out == "" {
			t.Fatal("nothing was noted")
		}
		if what := foreign(out); what != "" {
			t.Errorf("the terminal was sent %q", what)
		}
		if color := regexp.MustCompile(`\x1b\[([0-9;]*;)?(3[0-8]|4[0-8]|9[0-7])(;[0-9;]*)?m`).FindString(out); theme == "NO_COLOR=1" && color != "" {
			t.Errorf("colors were sent in spite of NO_COLOR: %q", color)
		}
	}
	if got, err := b.Count(t.Context(), backend.Query{}); err != nil || got[engine.StatusBlocked] != int64(len(texts)) {
		t.Errorf("%v, %v", got, err)
	}
}
