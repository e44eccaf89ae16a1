package view

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Paragraph divides a text into escaped lines of at most that width, between words
// where it can.
func Paragraph(text string, width int) (lines []string) {
	width = max(1, width)
	line := ""
	for word := range strings.FieldsSeq(Escape(text)) {
		if line != "" && Width(line)+1+Width(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		pieces := pieces(word, width)
		lines, line = append(lines, pieces[:len(pieces)-1]...), pieces[len(pieces)-1]
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// pieces divides a word that is wider than a line.
func pieces(word string, width int) []string {
	all := []string{""}
	used := 0
	for g := uniseg.NewGraphemes(word); g.Next(); {
		if used += g.Width(); used > width && all[len(all)-1] != "" {
			all, used = append(all, ""), g.Width()
		}
		all[len(all)-1] += g.Str()
	}
	return all
}
