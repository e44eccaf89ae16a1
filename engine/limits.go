package engine

import "strings"

// The limits of one history, unless settings say otherwise.
const (
	DefaultHistoryEvents = 250_000
	DefaultHistoryBytes  = 250 << 20
)

// maxLineBytes bounds what a list shows of an error or a status.
const maxLineBytes = 500

// FirstLine returns what a list shows of a text: its first line, cut at 500 bytes.
func FirstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if len(line) > maxLineBytes {
		line = strings.ToValidUTF8(line[:maxLineBytes], "") + "…"
	}
	return line
}
