package filter

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine/backend"
)

// MaxBytes is how long a filter may be.
const MaxBytes = 4 << 10

// Filter is a parsed filter. The zero value matches everything. It is safe for
// concurrent use.
type Filter struct {
	terms []term
}

// term is one condition. Its values are alternatives.
type term struct {
	not bool
	key *key // nil for free words
	// tag is the key of a tag, for keys that have one.
	tag    string
	values []value
}

// value is one alternative of a term.
type value struct {
	// text is without quotes and escapes.
	text string
	// star tells that '*' in text is any run of characters.
	star bool
	re   *regexp.Regexp
	// bound is how the text was compared, for keys with a measure.
	bound bound
	// kind is what kind of thing is waited for; text is its name then, if one is given.
	kind string
}

// bound compares with a duration or a number.
type bound struct {
	op       op
	duration time.Duration
	number   int
}

// op is an operator in front of a measure.
type op string

const (
	opNone    op = ""
	opGreater op = ">"
	opAtLeast op = ">="
	opLess    op = "<"
	opAtMost  op = "<="
	opEqual   op = "="
)

// ops in the order in which they are looked for: the longer first.
var ops = []op{opAtLeast, opAtMost, opGreater, opLess, opEqual}

// holds compares a difference, have minus want, with zero.
func (o op) holds(difference int) bool {
	switch o {
	case opGreater:
		return difference > 0
	case opAtLeast:
		return difference >= 0
	case opLess:
		return difference < 0
	case opAtMost:
		return difference <= 0
	case opEqual, opNone:
		return difference == 0
	}
	return false
}

// Match reports whether s is one of the instances that f asks for, at the store's
// time now.
func (f Filter) Match(s *backend.Summary, now time.Time) bool {
	for i := range f.terms {
		if !f.terms[i].match(s, now) {
			return false
		}
	}
	return true
}

func (t *term) match(s *backend.Summary, now time.Time) bool {
	found := slices.ContainsFunc(t.values, func(v value) bool {
		if t.key == nil {
			return v.inAny(s)
		}
		return t.key.match(t, v, s, now)
	})
	return found != t.not
}

// inAny looks for a free word.
func (v value) inAny(s *backend.Summary) bool {
	texts := [...]string{s.Instance.InstanceID, s.Workflow, s.LastError, s.StatusLine, "", ""}
	if s.Waiting != nil {
		texts[4] = s.Waiting.Name
	}
	if s.Note != nil {
		texts[5] = s.Note.Reason
	}
	return slices.ContainsFunc(texts[:], v.within)
}

// within reports whether text holds v.
func (v value) within(text string) bool {
	if v.re != nil {
		return v.re.MatchString(text)
	}
	if hasCapital(v.text) {
		return strings.Contains(text, v.text)
	}
	return strings.Contains(lower(text), v.text)
}

// is reports whether v stands for the whole of text.
func (v value) is(text string) bool {
	switch {
	case v.re != nil:
		return v.re.MatchString(text)
	case v.star:
		return like(v.text, text)
	}
	return v.text == text
}

// plain reports whether v is a text that a store can compare with.
func (v value) plain() bool { return v.re == nil && !v.star }

func hasCapital(s string) bool { return s != lower(s) }

// lower maps ASCII letters only, as the stores do.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// like matches a pattern in which "*" is any run of characters.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, parts[last])
}

// String returns a filter that parses to f again.
func (f Filter) String() string {
	terms := make([]string, len(f.terms))
	for i, t := range f.terms {
		terms[i] = t.String()
	}
	return strings.Join(terms, " ")
}

func (t term) String() string {
	var b strings.Builder
	if t.not {
		b.WriteByte('!')
	}
	if t.key != nil {
		b.WriteString(t.key.name)
		if t.key.tagged {
			b.WriteString(quote(t.tag, isTagKey))
		}
		b.WriteByte(':')
	}
	for i, v := range t.values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(t.show(v))
	}
	return b.String()
}

func (t term) show(v value) string {
	var text string
	switch {
	case v.re != nil:
		text = "/" + strings.ReplaceAll(v.re.String(), "/", `\/`) + "/"
	case v.bound.op != opNone:
		return string(v.bound.op) + v.text
	case v.star: // which quotes would take away; it was read without them
		text = v.text
	case v.text != "":
		text = quote(v.text, func(s string) bool { return isBare(s, t.key == nil) })
	}
	if v.kind != "" && text != "" {
		return v.kind + ":" + text
	}
	return v.kind + text
}

// quote returns text in quotes unless it reads the same without.
func quote(text string, bare func(string) bool) string {
	if bare(text) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
