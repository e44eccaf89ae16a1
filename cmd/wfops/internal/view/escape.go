package view

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Escape returns text without characters that a terminal acts upon: control
// characters of both sets, format characters (which turn the direction of writing, or
// hide), line separators and bytes that are not UTF-8 become \n, \x1b, \u202e. What is
// left takes the room that Width says.
func Escape(text string) string {
	if isSafe(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case isHarmless(r):
			b.WriteString(text[i : i+size])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// EscapeJSON returns JSON that means the same and holds no character that a terminal
// acts upon. It must have no line breaks outside of texts.
func EscapeJSON(doc []byte) []byte {
	return escapeQuoted(doc, func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	})
}

// EscapeYAML is EscapeJSON for YAML in which texts beyond ASCII are in double quotes.
func EscapeYAML(doc []byte) []byte {
	return escapeQuoted(doc, func(r rune) string { return fmt.Sprintf(`\U%08x`, r) })
}

// escapeQuoted escapes what can only occur in a quoted text.
func escapeQuoted(doc []byte, wide func(rune) string) []byte {
	if !bytes.ContainsFunc(doc, isQuotedHarm) {
		return doc
	}
	var b bytes.Buffer
	for _, r := range string(doc) {
		switch {
		case !isQuotedHarm(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(wide(r))
		}
	}
	return b.Bytes()
}

// isQuotedHarm leaves out the control characters that JSON and YAML escape or use
// themselves.
func isQuotedHarm(r rune) bool { return r > '~' && !isHarmless(r) }

func isSafe(text string) bool {
	for i, r := range text {
		if r < ' ' || r > '~' && !isHarmless(r) {
			return false
		}
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return false
		}
	}
	return true
}

// The joiners are format characters that scripts and emoji need.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

func isHarmless(r rune) bool {
	switch {
	case ' ' <= r && r <= '~', r == joiner, r == nonJoiner:
		return true
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
		return false
	case 0xFDD0 <= r && r <= 0xFDEF, r&0xFFFE == 0xFFFE: // no characters
		return false
	}
	return true
}

// Width returns how many cells of a terminal an escaped text takes.
func Width(text string) int { return uniseg.StringWidth(text) }

const ellipsis = "…"

// What stands for our own characters that are no signs, in as many cells as the terminal
// takes for these: where a text was cut, and what is hidden.
var (
	asASCII     = strings.NewReplacer(ellipsis, "~", "•", "*")
	asWideASCII = strings.NewReplacer(ellipsis, "..", "•", "**")
)

// ASCII returns a text with ASCII where something was cut or is hidden. Else what
// strangers write stays as it is.
func ASCII(text string) string {
	if uniseg.EastAsianAmbiguousWidth > 1 {
		return asWideASCII.Replace(text)
	}
	return asASCII.Replace(text)
}

// longestCluster is how many bytes of one character on screen are shown: a letter can
// carry any number of marks.
const longestCluster = 64

// Clip returns text escaped and cut to a width, with an ellipsis if something is
// missing. It looks at no more of the text than it shows.
func Clip(text string, width int) string {
	if width <= 0 {
		return ""
	}
	rest, whole := bounded(text, width)
	rest = settled(Escape(rest))
	var b strings.Builder
	end, room := ellipsis, width-uniseg.EastAsianAmbiguousWidth // which is what it takes
	if room < 0 {
		end = " "
	}
	used, state, cut := 0, -1, 0 // cut is where an ellipsis would still find room
	for rest != "" {
		var cluster string
		var wide int
		cluster, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used += wide; used > width {
			return b.String()[:cut] + end
		}
		if len(cluster) > longestCluster {
			cluster = strings.ToValidUTF8(cluster[:longestCluster], "")
		}
		b.WriteString(cluster)
		if used <= room {
			cut = b.Len()
		}
	}
	if !whole {
		return b.String()[:cut] + end
	}
	return b.String()
}

// bounded cuts off what can't be seen anyhow.
func bounded(text string, width int) (part string, whole bool) {
	limit := (width + 1) * longestCluster
	if len(text) <= limit {
		return text, true
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit], false
}

// settled gives a mark at the beginning something to sit on, so that it does not
// join what stands before the cell.
func settled(text string) string {
	if r, _ := utf8.DecodeRuneInString(text); unicode.In(r, unicode.M) || r == joiner || r == nonJoiner {
		return " " + text
	}
	return text
}

// Pad fills an escaped text with spaces up to a width.
func Pad(text string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-Width(text)))
	if right {
		return space + text
	}
	return text + space
}

// EscapeLines is Escape for a text of many lines.
func EscapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Escape(lines[i])
	}
	return strings.Join(lines, "\n")
}
