package values

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"unicode/utf8"

	"github.com/wfops/wfops/engine"
)

// Node is a part of a payload, for eyes.
type Node struct {
	// Depth is how far inside it is, 0 for the payload itself.
	Depth int
	// Key is the name of a member or the index of an item, Path leads to it from the
	// payload.
	Key, Path string
	// Text is a scalar as JSON, or what stands for an object or an array with something
	// in it: its parts follow.
	Text string
	// Inner tells that parts follow.
	Inner bool
}

// deepest is how far inside parts are told apart. What is deeper is a text.
const deepest = 100

// Walk yields the parts of a payload in the order in which they are stored. It reads
// as it goes, so that who stops early pays for no more; what is not JSON is one part.
func Walk(p engine.Payload) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if !json.Valid(p) || !utf8.Valid(p) {
			yield(Node{Text: opaque(p)})
			return
		}
		d := json.NewDecoder(bytes.NewReader(p))
		d.UseNumber()
		w := walker{d: d, yield: yield}
		w.value(Node{})
	}
}

// opaque shows bytes as a text, whatever they are.
func opaque(p []byte) string {
	if utf8.Valid(p) {
		return string(p)
	}
	return fmt.Sprintf("%d bytes: %s", len(p), p)
}

type walker struct {
	d     *json.Decoder
	yield func(Node) bool
}

// value reads the next value, which is where n says, and reports whether to go on.
func (w *walker) value(n Node) bool {
	if n.Depth >= deepest {
		var rest json.RawMessage
		if err := w.d.Decode(&rest); err != nil {
			return false // it was valid before
		}
		n.Text = string(rest)
		return w.yield(n)
	}
	token, err := w.d.Token()
	if err != nil {
		return false // it was valid before
	}
	open, isOpen := token.(json.Delim)
	switch {
	case !isOpen:
		n.Text = scalar(token)
		return w.yield(n)
	case !w.d.More():
		_, err = w.d.Token()
		n.Text = open.String() + closing(open)
		return w.yield(n) && err == nil
	}
	n.Text, n.Inner = open.String()+"…"+closing(open), true
	return w.yield(n) && w.parts(n, open == '[')
}

func closing(open json.Delim) string {
	if open == '[' {
		return "]"
	}
	return "}"
}

func (w *walker) parts(of Node, array bool) bool {
	for i := 0; w.d.More(); i++ {
		n := Node{Depth: of.Depth + 1, Key: strconv.Itoa(i), Path: of.Path + item(i)}
		if !array {
			token, err := w.d.Token()
			name, isName := token.(string)
			if err != nil || !isName {
				return false // it was valid before
			}
			n.Key, n.Path = name, of.Path+member(name)
		}
		if !w.value(n) {
			return false
		}
	}
	_, err := w.d.Token()
	return err == nil
}

// scalar writes what is no object and no array as JSON.
func scalar(token json.Token) string {
	text, isText := token.(string)
	if !isText {
		if token == nil {
			return "null"
		}
		return fmt.Sprint(token)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return strconv.Quote(text) // texts always encode
	}
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}
