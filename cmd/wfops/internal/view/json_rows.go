package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// shownValue is how much of a value is looked at to draw it, beside what is left of
// the screen.
const shownValue = 2000

// deepest is how far values are indented.
const deepest = 40

var (
	signOpened = sign{"▾", "-"}
	signClosed = sign{"▸", "+"}
)

// Folded is the sign of what can be unfolded, or folded.
func (o Options) Folded(closed bool) Cell {
	if closed {
		return o.cell(signClosed, Muted)
	}
	return o.cell(signOpened, Muted)
}

// Row returns a row of the tree, without the first columns of its value.
func (t *JSON) Row(row, left int, o Options) []Cell {
	if row < 0 || row >= len(t.rows) {
		return nil
	}
	n := &t.nodes[t.rows[row]]
	mark := " "
	if n.count > 0 {
		mark = o.Folded(n.closed).Text
	}
	cells := []Cell{{strings.Repeat("  ", min(int(n.depth), deepest)) + mark + " ", Muted}}
	if n.keyEnd > n.key {
		cells = append(cells, Cell{t.name(n), Header}, Cell{": ", Muted})
	}
	return append(cells, t.value(n, left)...)
}

func (t *JSON) name(n *node) string {
	raw := t.doc[n.key:min(n.keyEnd, n.key+shownValue)]
	var name string
	if json.Unmarshal(raw, &name) == nil && name != "" && Escape(name) == name && !strings.ContainsAny(name, ": ") {
		return name
	}
	return string(raw)
}

func (t *JSON) value(n *node, left int) []Cell {
	switch n.kind {
	case '{':
		return t.container(n, "{", "}", "member")
	case '[':
		return t.container(n, "[", "]", "item")
	case '"', lineKind:
		text, shown := t.cut(n, left)
		if n.kind == lineKind && n.parent >= 0 {
			text = unquoted(text)
		}
		if n.kind == '"' && n.count > 0 {
			return []Cell{{fmt.Sprintf("(%d lines) ", n.count), Muted}, {text, Plain}}
		}
		if !shown {
			return []Cell{{fmt.Sprintf("(%s bytes) ", Count(int64(n.to-n.from))), Muted}, {text, Plain}}
		}
		return []Cell{{text, Plain}}
	case 't', 'f', 'n':
		text, _ := t.cut(n, left)
		return []Cell{{text, Waiting}}
	}
	text, _ := t.cut(n, left)
	return []Cell{{text, Running}}
}

// container shows what is in an object or an array as far as a line has room, if it is
// folded.
func (t *JSON) container(n *node, opening, closing, unit string) []Cell {
	switch {
	case n.count == 0 && t.full && int(n.to-n.from) > len(opening+closing):
		return []Cell{{opening + ellipsis, Muted}} // what is in it is beyond what there is room for
	case n.count == 0:
		return []Cell{{opening + closing, Plain}}
	case !n.closed:
		return []Cell{{opening, Plain}}
	}
	text := t.doc[n.from:min(n.to, n.from+shownValue/10)]
	if n.to == 0 { // it was cut off
		text = []byte(opening)
	}
	var line bytes.Buffer
	if json.Compact(&line, text) != nil {
		line.Reset()
		line.Write(text)
		if int(n.to-n.from) > len(text) {
			line.WriteString(ellipsis)
		}
	}
	if n.count != 1 {
		unit += "s"
	}
	return []Cell{{fmt.Sprintf("%d %s  ", n.count, unit), Muted}, {line.String(), Plain}}
}

// cut returns a value without its first columns, and whether that is all of it.
func (t *JSON) cut(n *node, left int) (text string, all bool) {
	raw := t.doc[n.from:n.to]
	for ; left > 0 && len(raw) > 0; left-- {
		_, size := utf8.DecodeRune(raw)
		raw = raw[size:]
	}
	if len(raw) > shownValue {
		return strings.ToValidUTF8(string(raw[:shownValue]), ""), false
	}
	return string(raw), true
}

// unquoted shows a part of a JSON text as what it says.
func unquoted(text string) string {
	var plain string
	if json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil {
		return text
	}
	return strings.ReplaceAll(plain, "\t", "  ")
}

// Text returns what a row holds, whole: a value as it is in the document.
func (t *JSON) Text(row int) string {
	if row < 0 || row >= len(t.rows) {
		return ""
	}
	n := &t.nodes[t.rows[row]]
	return string(t.doc[n.from:max(n.from, n.to)])
}

// Doc returns the whole document.
func (t *JSON) Doc() string { return string(t.doc) }
