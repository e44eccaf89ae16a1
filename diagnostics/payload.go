package diagnostics

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/wfops/wfops/engine"
)

// Change is a place in which two values differ.
type Change struct {
	// Path of the value, for example args[0].lines[2].sku. In a list whose items have
	// ids they are named by these: args[0].lines[id="a"].sku.
	Path string `json:"path"`
	// PathB is where B has the value, if that is elsewhere: an item in front of it was
	// added or removed.
	PathB string `json:"path_b,omitempty"`
	// A and B are the two values as JSON, cut if they are long, with their length and
	// hash; empty where there is none, or if values are not to be shown.
	A string `json:"a,omitempty"`
	B string `json:"b,omitempty"`
	// Words are the two texts word by word, if they have much in common. Long stretches
	// that are the same are cut.
	Words []Word `json:"words,omitempty"`
}

// mostChanges bounds what is listed of one pair of values: more says less.
const mostChanges = 50

// comparer compares values, and keeps what differs and no rule is for.
type comparer struct {
	rules   *ruleSet // or nil
	ignored map[Rule]int
	// discreet keeps values out of paths: items are named by their position, and members
	// that are not called like a field not at all.
	discreet bool
	changes  []Change
	// more were found beyond mostChanges.
	more int
}

// add keeps a change, unless a rule is for it.
func (c *comparer) add(ch Change) (kept bool) {
	if r := c.rules.ignores(ch); r != "" {
		c.ignored[r]++
		return false
	}
	if len(c.changes) >= mostChanges {
		c.more++
		return false
	}
	c.changes = append(c.changes, ch)
	return true
}

// place is where a value is, on each side.
type place struct{ a, b string }

func (p place) in(part string) place { return place{p.a + part, p.b + part} }

func (p place) items(i, j int) place {
	return place{p.a + "[" + strconv.Itoa(i) + "]", p.b + "[" + strconv.Itoa(j) + "]"}
}

func (p place) change() Change {
	ch := Change{Path: p.a}
	if p.b != p.a {
		ch.PathB = p.b
	}
	return ch
}

// payloads compares payloads one by one.
func (c *comparer) payloads(path string, a, b []engine.Payload) {
	for i := range max(len(a), len(b)) {
		at := path + "[" + strconv.Itoa(i) + "]"
		switch {
		case i >= len(a):
			c.add(Change{Path: at, B: shown(b[i])})
		case i >= len(b):
			c.add(Change{Path: at, A: shown(a[i])})
		default:
			c.payload(at, a[i], b[i])
		}
	}
}

// payload compares two payloads as JSON, or else as bytes.
func (c *comparer) payload(path string, a, b engine.Payload) {
	if bytes.Equal(a, b) {
		return
	}
	va, errA := decodeJSON(a)
	vb, errB := decodeJSON(b)
	if errA != nil || errB != nil {
		c.add(Change{Path: path, A: shown(a), B: shown(b)})
		return
	}
	c.values(place{path, path}, va, vb)
}

// decodeJSON keeps numbers as they are written: two ids of twenty digits must not
// become one float.
func decodeJSON(p engine.Payload) (any, error) {
	if len(p) == 0 {
		return nil, nil //nolint:nilnil // no payload is the zero value
	}
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

func (c *comparer) values(at place, a, b any) {
	switch va := a.(type) {
	case map[string]any:
		if vb, ok := b.(map[string]any); ok {
			c.members(at, va, vb)
			return
		}
	case []any:
		if vb, ok := b.([]any); ok {
			c.items(at, va, vb)
			return
		}
	default:
		if isScalar(b) && a == b {
			return
		}
	}
	ch := at.change()
	ch.A, ch.B = text(a), text(b)
	if c.add(ch) {
		sa, isA := a.(string)
		sb, isB := b.(string)
		if isA && isB {
			c.changes[len(c.changes)-1].Words = wordsOf(sa, sb)
		}
	}
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func (c *comparer) members(at place, a, b map[string]any) {
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		part := "." + name
		if !identifier.MatchString(name) {
			if part = "[" + strconv.Quote(name) + "]"; c.discreet {
				part = "[?]"
			}
		}
		va, inA := a[name]
		vb, inB := b[name]
		c.part(at.in(part), va, vb, inA, inB)
	}
}

// part compares what one side may lack.
func (c *comparer) part(at place, a, b any, inA, inB bool) {
	switch {
	case inA && inB:
		c.values(at, a, b)
	case inA:
		c.add(Change{Path: at.a, A: text(a)})
	case inB:
		c.add(Change{Path: at.b, B: text(b)})
	}
}

// maxText is how much of a value is shown.
const maxText = 200

func text(v any) string {
	t, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return short(t)
}

// shown is a payload as text; of one that is none, length and hash.
func shown(p engine.Payload) string {
	if !utf8.Valid(p) {
		return sized(p)
	}
	return short(p)
}

// short cuts what is long. That two long values differ behind the cut shows in the hash.
func short(p []byte) string {
	if len(p) <= maxText {
		return string(p)
	}
	cut := maxText
	for cut > 0 && !utf8.RuneStart(p[cut]) {
		cut--
	}
	return string(p[:cut]) + "… (" + sized(p) + ")"
}

func sized(p []byte) string {
	sum := sha256.Sum256(p)
	return fmt.Sprintf("%d bytes, sha256 %x", len(p), sum[:6])
}
