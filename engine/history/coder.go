package history

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
)

// A coder writes or reads events. One list of fields per type serves both
// directions: writing, a field appends itself unless it is empty; reading, a
// field takes the value if its name is the key that comes next. A list is visited
// until the object is over: once if the keys come in the order of the list, as
// they do in all that was written by Encode.
//
// All methods do nothing after the first error.
type coder struct {
	buf     []byte
	pos     int // of the next byte to read
	writing bool
	frame   frame
	depth   int
	err     error

	// What is used again: memory for writing and for the order of maps, and the
	// strings that were read.
	scratch []byte
	keys    []string
	words   *words
}

// frame is the object that is being written or read.
type frame struct {
	// start is where to cut buf if the object turns out to be empty.
	start int
	// some tells that the object has a member before this one, or, reading, that
	// the visit in progress took one.
	some bool
	// visited tells that the list was visited already.
	visited bool
	// key is the next key to take, if more.
	key  []byte
	more bool
}

// words are short strings that were read: names, kinds, workers and places in code
// come again and again, and once is enough to keep each. A place is taken by the
// latest of those that share it.
type words [256]string

const maxWord = 64

var wordSeed = maphash.MakeSeed()

func (w *words) of(b []byte) string {
	if len(b) > maxWord {
		return string(b)
	}
	s := &w[maphash.Bytes(wordSeed, b)%uint64(len(w))]
	if *s != string(b) {
		*s = string(b)
	}
	return *s
}

// span is a stretch of buf.
type span struct{ from, to int }

const (
	// maxDepth bounds how deep the objects of the format are nested, and how deep
	// a payload may be to be embedded.
	maxDepth = 1000
	// maxScan bounds how deep the values are that are passed over without looking
	// inside. It has room for objects of the format, the arrays between them and an
	// embedded payload, so that whatever Encode writes can be read.
	maxScan = 4 * maxDepth
)

var (
	errTooDeep   = fmt.Errorf("nested more than %d deep", maxDepth)
	errNotUTF8   = errors.New("not UTF-8")
	errTrailing  = errors.New("more bytes after the end of the array")
	errTruncated = errors.New("unexpected end")
)

func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// failAt reports bytes that are not what they should be.
func (c *coder) failAt(pos int, want string) {
	if pos >= len(c.buf) {
		c.fail(errTruncated)
		return
	}
	c.fail(fmt.Errorf("byte %d is %q, expected %s", pos, c.buf[pos], want))
}

// open begins the object that is the value itself, rather than a named member.
// It returns the frame around it, for close, and false if there is no object.
func (c *coder) open() (outer frame, ok bool) {
	outer = c.frame
	if c.err != nil {
		return outer, false
	}
	if c.depth++; c.depth > maxDepth {
		c.fail(errTooDeep)
		return outer, false
	}
	if c.writing {
		c.frame = frame{start: len(c.buf)}
		c.buf = append(c.buf, '{')
		return outer, true
	}
	if !c.literal('{', "an object") {
		return outer, false
	}
	c.frame = frame{more: true}
	if c.space(); c.peek() == '}' {
		c.pos++
		c.frame.more = false
		return outer, true
	}
	c.readKey()
	return outer, true
}

// visit reports whether the list of fields is to be visited, once more.
func (c *coder) visit() bool {
	first := !c.frame.visited
	c.frame.visited = true
	if c.writing {
		return first && c.err == nil
	}
	if !first && !c.frame.some && c.more() { // nobody knows the key
		c.skip()
		c.advance()
	}
	c.frame.some = false
	return c.more()
}

func (c *coder) more() bool { return c.frame.more && c.err == nil }

// close ends the object and goes back to the one around it.
func (c *coder) close(outer frame) {
	if c.writing {
		c.buf = append(c.buf, '}')
	}
	c.depth--
	c.frame = outer
}

// begin is open for the member of that name. An empty object is left out by
// end.
func (c *coder) begin(name string) (outer frame, ok bool) {
	if c.writing {
		cut, some := len(c.buf), c.frame.some
		c.name(name)
		outer, ok = c.open()
		c.frame.start, outer.some = cut, some
		return outer, ok
	}
	if !c.take(name) {
		return frame{}, false
	}
	return c.open()
}

// end is close for a member.
func (c *coder) end(outer frame) {
	if !c.writing {
		c.close(outer)
		c.advance()
		return
	}
	start, empty := c.frame.start, !c.frame.some
	c.close(outer)
	if empty {
		c.buf = c.buf[:start]
		return
	}
	c.frame.some = true
}

// endKept is end for an object that is kept when it is empty, because a
// pointer to it is not nil.
func (c *coder) endKept(outer frame) {
	if c.writing {
		c.close(outer)
		c.frame.some = true
		return
	}
	c.end(outer)
}

// name writes the key of a member.
func (c *coder) name(name string) {
	if c.frame.some {
		c.buf = append(c.buf, ',')
	}
	c.frame.some = true
	c.buf = append(c.buf, '"')
	c.buf = append(c.buf, name...)
	c.buf = append(c.buf, '"', ':')
}

// take reports whether the value of that name comes next. A null is passed
// over: it means the same as a missing member.
func (c *coder) take(name string) bool {
	if !c.takeAny(name) {
		return false
	}
	if !c.null() {
		return true
	}
	c.advance()
	return false
}

func (c *coder) takeAny(name string) bool {
	if !c.more() || string(c.frame.key) != name {
		return false
	}
	c.frame.some = true
	return true
}

// advance goes from the end of a member to the key of the next one.
func (c *coder) advance() {
	if c.err != nil {
		return
	}
	c.space()
	switch c.peek() {
	case ',':
		c.pos++
		c.readKey()
	case '}':
		c.pos++
		c.frame.more = false
	default:
		c.failAt(c.pos, `"," or "}"`)
	}
}

func (c *coder) readKey() {
	c.space()
	c.frame.key = c.quoted()
	c.literal(':', `":"`)
	c.space()
}

// openArray begins an array and reports whether it has a first element.
func (c *coder) openArray() bool {
	if !c.literal('[', "an array") {
		return false
	}
	if c.space(); c.peek() != ']' {
		return true
	}
	c.pos++
	return false
}

// nextElement reports whether the array goes on after an element.
func (c *coder) nextElement() bool {
	if c.err != nil {
		return false
	}
	c.space()
	switch c.peek() {
	case ',':
		c.pos++
		c.space()
		return true
	case ']':
		c.pos++
	default:
		c.failAt(c.pos, `"," or "]"`)
	}
	return false
}

func (c *coder) null() bool {
	if c.err != nil || len(c.buf)-c.pos < 4 || string(c.buf[c.pos:c.pos+4]) != "null" {
		return false
	}
	c.pos += 4
	return true
}

// literal reads one byte, with white space before it.
func (c *coder) literal(b byte, want string) bool {
	if c.err != nil {
		return false
	}
	c.space()
	if c.peek() != b {
		c.failAt(c.pos, want)
		return false
	}
	c.pos++
	return true
}

func (c *coder) peek() byte {
	if c.pos < len(c.buf) {
		return c.buf[c.pos]
	}
	return 0
}

func (c *coder) space() { c.pos = skipSpace(c.buf, c.pos) }

// skip passes over a value, checking that it is JSON.
func (c *coder) skip() {
	if c.err != nil {
		return
	}
	end, ok := scanValue(c.buf, c.pos, maxScan)
	if !ok {
		c.failAt(end, "JSON")
		return
	}
	c.pos = end
}

// raw takes a value as it is.
func (c *coder) raw(name string, s *span) {
	if c.writing || !c.take(name) {
		return
	}
	s.from = c.pos
	c.skip()
	s.to = c.pos
	c.advance()
}

// quoted reads a string. Without escapes in it, it returns a part of buf.
func (c *coder) quoted() []byte {
	if c.err != nil {
		return nil
	}
	if c.peek() != '"' {
		c.failAt(c.pos, "a string")
		return nil
	}
	end, escaped, ok := scanString(c.buf, c.pos)
	if !ok {
		c.failAt(end, "part of a string")
		return nil
	}
	s := c.buf[c.pos+1 : end-1]
	c.pos = end
	if escaped {
		return unescape(s)
	}
	return s
}

// token reads a number, or true or false.
func (c *coder) token() []byte {
	if c.err != nil {
		return nil
	}
	start := c.pos
	end, ok := scanValue(c.buf, start, maxScan)
	if !ok || c.buf[start] == '"' || c.buf[start] == '{' || c.buf[start] == '[' {
		c.failAt(min(start, end), "a number, true or false")
		return nil
	}
	c.pos = end
	return c.buf[start:end]
}

// sorted returns the keys of m in order, in memory that the next call reuses.
func (c *coder) sorted(m map[string]string) []string {
	c.keys = c.keys[:0]
	for k := range m {
		c.keys = append(c.keys, k)
	}
	slices.Sort(c.keys)
	return c.keys
}
