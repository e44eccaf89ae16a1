package view

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// JSON is a document as a tree that can be folded. It refers to the bytes of the
// document and never copies them, so that a large one costs little more than itself.
type JSON struct {
	// Note says what of the document is not in the tree, or that it is no JSON.
	Note string

	doc   []byte
	nodes []node
	rows  []int32
	most  int  // nodes
	full  bool // there is more than it holds
}

// node is a value, with its name if it is in an object.
type node struct {
	key, keyEnd int32 // where in the document; both 0 if it has none
	from, to    int32
	parent      int32
	behind      int32 // the node behind all that are in this one
	count       int32
	depth       int16
	kind        byte // the first byte of the value; lineKind for a line of a text
	closed      bool
}

// Limits of a tree.
const (
	mostNodes = 400_000
	mostDepth = 1000
	openUpTo  = 300 // nodes are shown at once, else two levels
	lineKind  = '|'
)

// ParseJSON returns the tree of a document, which nobody changes afterwards. What is no
// JSON is shown as lines of text.
func ParseJSON(doc []byte) *JSON { return parseJSON(doc, mostNodes) }

func parseJSON(doc []byte, most int) *JSON {
	t := &JSON{doc: doc, most: most}
	p := jsonParser{t: t, dec: json.NewDecoder(bytes.NewReader(doc))}
	p.dec.UseNumber()
	switch err := p.value(-1, 0, 0); {
	case t.full:
		t.Note = fmt.Sprintf("the first %s values; the rest of %s bytes is not shown", Count(int64(len(t.nodes))), Count(int64(len(doc))))
	case err != nil || len(bytes.TrimSpace(doc[p.dec.InputOffset():])) > 0:
		t.nodes = nil
		t.asText()
	default:
		t.unescape()
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		n.closed = n.kind == '"' || len(t.nodes) > openUpTo && n.depth > 0
	}
	t.arrange()
	return t
}

type jsonParser struct {
	t   *JSON
	dec *json.Decoder
}

// value reads one value with all that is in it.
func (p *jsonParser) value(parent int32, key, keyEnd int32) error {
	if len(p.t.nodes) >= p.t.most {
		p.t.full = true
		return errFull
	}
	from := p.skip()
	token, err := p.dec.Token()
	if err != nil {
		return err
	}
	at := int32(len(p.t.nodes)) //nolint:gosec // at most mostNodes
	n := node{key: key, keyEnd: keyEnd, from: from, parent: parent, kind: p.t.doc[from]}
	if parent >= 0 {
		n.depth = p.t.nodes[parent].depth + 1
		p.t.nodes[parent].count++
	}
	p.t.nodes = append(p.t.nodes, n)
	if d, ok := token.(json.Delim); ok {
		if n.depth == mostDepth {
			p.t.full = true
			return errFull
		}
		err = p.members(at, d == '{')
	}
	here := &p.t.nodes[at]
	here.to = int32(p.dec.InputOffset()) //nolint:gosec // documents are smaller
	here.behind = int32(len(p.t.nodes))  //nolint:gosec // at most mostNodes
	p.t.strings(at)
	return err
}

var errFull = fmt.Errorf("the tree is full")

func (p *jsonParser) members(at int32, object bool) error {
	for p.dec.More() {
		var key, keyEnd int32
		if object {
			key = p.skip()
			if _, err := p.dec.Token(); err != nil {
				return err
			}
			keyEnd = int32(p.dec.InputOffset()) //nolint:gosec // documents are smaller
		}
		if err := p.value(at, key, keyEnd); err != nil {
			return err
		}
	}
	_, err := p.dec.Token()
	return err
}

// skip returns where the next token begins.
func (p *jsonParser) skip() int32 {
	at := int(p.dec.InputOffset())
	for at < len(p.t.doc)-1 && strings.IndexByte(" \t\r\n,:", p.t.doc[at]) >= 0 {
		at++
	}
	return int32(min(at, max(0, len(p.t.doc)-1))) //nolint:gosec // documents are smaller
}

// strings gives a text of several lines a node for each of them, such as a stack.
func (t *JSON) strings(at int32) {
	n := t.nodes[at]
	if n.kind != '"' {
		return
	}
	text := t.doc[n.from:n.to]
	if !bytes.Contains(text, []byte(`\n`)) || len(text) < 2 {
		return
	}
	from := n.from + 1
	for i := n.from + 1; i < n.to-1; i++ {
		if t.doc[i] != '\\' {
			continue
		}
		if i++; t.doc[i] == 'n' {
			t.line(at, from, i-1)
			from = i + 1
		}
	}
	if from > n.from+1 && from < n.to-1 {
		t.line(at, from, n.to-1)
	}
	t.nodes[at].behind = int32(len(t.nodes)) //nolint:gosec // at most mostNodes and some lines
}

func (t *JSON) line(parent, from, to int32) {
	if len(t.nodes) >= t.most {
		t.full = true
		return
	}
	t.nodes[parent].count++
	t.nodes = append(t.nodes, node{from: from, to: to, parent: parent, depth: t.nodes[parent].depth + 1, kind: lineKind, behind: int32(len(t.nodes)) + 1}) //nolint:gosec // at most mostNodes
}

// asText makes lines of a document that is no JSON.
func (t *JSON) asText() {
	t.Note = fmt.Sprintf("no JSON: %s bytes of text", Count(int64(len(t.doc))))
	if !utf8.Valid(t.doc) {
		t.Note = fmt.Sprintf("no JSON: %s bytes that are no text", Count(int64(len(t.doc))))
	}
	for from := 0; from < len(t.doc); {
		if len(t.nodes) == t.most {
			t.Note += fmt.Sprintf("; only %s lines are shown", Count(int64(t.most)))
			return
		}
		to := len(t.doc)
		if n := bytes.IndexByte(t.doc[from:], '\n'); n >= 0 {
			to = from + n
		}
		t.nodes = append(t.nodes, node{from: int32(from), to: int32(to), parent: -1, kind: lineKind, behind: int32(len(t.nodes)) + 1}) //nolint:gosec // documents are smaller
		from = to + 1
	}
}

// unescape shows bytes that are stored in a JSON escape as what they are.
func (t *JSON) unescape() {
	var escaped struct {
		Bytes *string `json:"$bytes"`
	}
	if len(t.nodes) != 2 || json.Unmarshal(t.doc, &escaped) != nil || escaped.Bytes == nil {
		return
	}
	if plain, err := base64.StdEncoding.DecodeString(*escaped.Bytes); err == nil {
		t.doc, t.nodes = plain, nil
		t.asText()
	}
}

// arrange finds out which nodes are shown.
func (t *JSON) arrange() {
	t.rows = t.rows[:0]
	for i := int32(0); int(i) < len(t.nodes); {
		t.rows = append(t.rows, i)
		if n := &t.nodes[i]; n.closed && n.behind > i {
			i = n.behind
			continue
		}
		i++
	}
}

// Len is how many rows there are.
func (t *JSON) Len() int { return len(t.rows) }

// Toggle folds what a row holds, or unfolds it; of a value that holds nothing, what it
// is in. It returns the row that the cursor is then to be on.
func (t *JSON) Toggle(row int) int {
	if row < 0 || row >= len(t.rows) {
		return row
	}
	i := t.rows[row]
	if t.nodes[i].count == 0 {
		if i = t.nodes[i].parent; i < 0 {
			return row
		}
	}
	t.nodes[i].closed = !t.nodes[i].closed
	t.arrange()
	return t.rowOf(i)
}

// ToggleAll folds all but the outermost value, or unfolds everything.
func (t *JSON) ToggleAll() {
	closed := len(t.rows) == len(t.nodes)
	for i := range t.nodes {
		t.nodes[i].closed = closed && t.nodes[i].depth > 0
	}
	t.arrange()
}

func (t *JSON) rowOf(node int32) int {
	for row, i := range t.rows {
		if i == node {
			return row
		}
	}
	return 0
}

// Find is Next that goes on at the other end.
func (t *JSON) Find(from int, back bool, wanted string) (row int, ok bool) {
	if row, ok = t.Next(from, back, wanted); ok {
		return row, true
	}
	end := -1
	if back {
		end = t.Len()
	}
	return t.Next(end, back, wanted)
}

// Next returns the row of the next name or value that holds a text, behind a row or
// before it, and unfolds what it is in.
func (t *JSON) Next(from int, back bool, wanted string) (row int, ok bool) {
	if len(t.nodes) == 0 || wanted == "" {
		return from, false
	}
	low, direction := []byte(strings.ToLower(wanted)), 1
	if back {
		direction = -1
	}
	at := len(t.nodes) // behind the last row
	switch {
	case from < 0:
		at = -1
	case from < len(t.rows):
		at = int(t.rows[from])
	}
	for at += direction; at >= 0 && at < len(t.nodes); at += direction {
		if !t.holds(int32(at), low) { //nolint:gosec // at most mostNodes
			continue
		}
		for up := t.nodes[at].parent; up >= 0; up = t.nodes[up].parent {
			t.nodes[up].closed = false
		}
		t.arrange()
		return t.rowOf(int32(at)), true //nolint:gosec // at most mostNodes
	}
	return from, false
}

// Wants reports whether a row holds a text, as far as it can be seen at once.
func (t *JSON) Wants(row int, wanted string) bool {
	return wanted != "" && row < len(t.rows) && t.within(t.rows[row], []byte(strings.ToLower(wanted)), shownValue)
}

func (t *JSON) holds(i int32, low []byte) bool { return t.within(i, low, len(t.doc)) }

// within looks at no more than some bytes of the value.
func (t *JSON) within(i int32, low []byte, bound int) bool {
	n := &t.nodes[i]
	if has(t.doc[n.key:n.keyEnd], low) {
		return true
	}
	if n.kind == '{' || n.kind == '[' || n.count > 0 {
		return false
	}
	return has(t.doc[n.from:min(int(n.to), int(n.from)+bound)], low)
}

// has reports whether text has low in it, in any case. It copies no more than a part of
// the text at a time.
func has(text, low []byte) bool {
	const part = 4096
	for len(text) > part+len(low) {
		if bytes.Contains(bytes.ToLower(text[:part+len(low)]), low) {
			return true
		}
		text = text[part:]
	}
	return bytes.Contains(bytes.ToLower(text), low)
}
