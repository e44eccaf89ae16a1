package view

import (
	"errors"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
)

// Caret returns two lines that point at what is wrong with a filter, escaped, and cut
// to about the width around it; none if err is of another kind.
func Caret(err error, width int) []string {
	var wrong *filter.Error
	if !errors.As(err, &wrong) {
		return nil
	}
	before := Escape(wrong.Input[:wrong.Offset])
	piece := Escape(wrong.Input[wrong.Offset : wrong.Offset+wrong.Length])
	after := Escape(wrong.Input[wrong.Offset+wrong.Length:])
	if room := max(20, width/2); Width(before) > room {
		before = ellipsis + tail(before, room)
	}
	line := before + piece + after
	if width > 0 {
		line = Clip(line, max(width, Width(before)+2))
	}
	marks := max(1, min(Width(piece), Width(line)-Width(before)))
	return []string{line, strings.Repeat(" ", Width(before)) + strings.Repeat("^", marks)}
}

// tail returns the end of a text that takes about that many cells.
func tail(text string, width int) string {
	for Width(text) > width {
		_, size := firstRune(text)
		text = text[size:]
	}
	return text
}

func firstRune(text string) (r rune, size int) {
	for i, c := range text {
		if i > 0 {
			return r, i
		}
		r = c
	}
	return r, len(text)
}
