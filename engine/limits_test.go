package engine_test

import (
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
)

func TestFirstLine(t *testing.T) {
	long := strings.Repeat("x", 499)
	for text, want := range map[string]string{
		"":            "",
		"one":         "one",
		"one\ntwo":    "one",
		long + "xy":   long + "x…",
		long + "é":    long + "…",
		long + "x\ny": long + "x",
	} {
		if got := engine.FirstLine(text); got != want {
			t.Errorf("FirstLine(%.10q… of %d bytes) = %q, want %q", text, len(text), got, want)
		}
	}
}
