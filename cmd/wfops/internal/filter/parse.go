package filter

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse reads a filter. An error is an *Error, which points at what is wrong.
func Parse(input string) (Filter, error) {
	p := &parser{input: input}
	if len(input) > MaxBytes {
		return Filter{}, p.wrong(MaxBytes, len(input), "a filter has at most %d bytes, this one has %d", MaxBytes, len(input))
	}
	if err := p.readable(); err != nil {
		return Filter{}, err
	}
	var f Filter
	for {
		p.spaces()
		if p.at == len(p.input) {
			return f, nil
		}
		t, err := p.term()
		if err != nil {
			return Filter{}, err
		}
		f.terms = append(f.terms, t)
	}
}

type parser struct {
	input string
	at    int
}

func (p *parser) wrong(from, to int, format string, args ...any) error {
	from = min(from, len(p.input))
	for from > 0 && from < len(p.input) && !utf8.RuneStart(p.input[from]) {
		from--
	}
	return &Error{Input: p.input, Offset: from, Length: max(0, min(to, len(p.input))-from), Message: fmt.Sprintf(format, args...)}
}

// readable refuses what no store could compare with, and what no terminal shows.
func (p *parser) readable() error {
	for i, r := range p.input {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(p.input[i:]); size == 1 {
				return p.wrong(i, i+1, "this byte is not UTF-8")
			}
		}
		if unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' {
			return p.wrong(i, i+utf8.RuneLen(r), "control characters can't be looked for")
		}
	}
	return nil
}

func (p *parser) rest() string { return p.input[p.at:] }

func (p *parser) spaces() {
	p.at = len(p.input) - len(strings.TrimLeftFunc(p.rest(), unicode.IsSpace))
}

func (p *parser) skip(prefix string) bool {
	found := strings.HasPrefix(p.rest(), prefix)
	if found {
		p.at += len(prefix)
	}
	return found
}

// ended reports whether a value can end here.
func (p *parser) ended(list bool) bool {
	r, _ := utf8.DecodeRuneInString(p.rest())
	return p.at == len(p.input) || unicode.IsSpace(r) || list && r == ','
}

func (p *parser) term() (term, error) {
	start := p.at
	t := term{not: p.skip("!")}
	if p.ended(false) {
		return t, p.wrong(start, p.at, "! has to be followed by what must not match")
	}
	if !strings.HasPrefix(p.rest(), `"`) && !strings.HasPrefix(p.rest(), "/") {
		if err := p.key(&t); err != nil {
			return t, err
		}
	}
	if t.key == nil {
		v, err := p.value(nil)
		t.values = []value{v}
		return t, err
	}
	if p.skip("!") {
		t.not = !t.not
	}
	for {
		v, err := p.value(t.key)
		if err != nil {
			return t, err
		}
		t.values = append(t.values, v)
		if !p.skip(",") {
			return t, nil
		}
	}
}

// key reads "key:" if the term has one.
func (p *parser) key(t *term) error {
	start := p.at
	run := p.run(true)
	name, _, found := strings.Cut(run, ":")
	if tagKey, tagged := strings.CutPrefix(run, tagPrefix); tagged && strings.HasPrefix(tagKey, `"`) {
		return p.quotedTag(t)
	}
	if !found {
		return nil
	}
	tag, tagged := strings.CutPrefix(name, tagPrefix)
	if tagged {
		name = tagPrefix
	}
	t.key, t.tag = find(name), tag
	switch {
	case t.key == nil:
		return p.wrong(start, start+len(name), "there is no key %q%s; a word that has a ':' is written in quotes", name, suggest(name, keyNames()))
	case tagged && tag == "":
		return p.wrong(start, start+len(tagPrefix), "a tag is given as tag.KEY:VALUE")
	}
	p.at += strings.IndexByte(run, ':') + 1
	return nil
}

func (p *parser) quotedTag(t *term) error {
	start := p.at
	p.at += len(tagPrefix)
	tag, err := p.quoted()
	if err != nil {
		return err
	}
	if tag == "" || !p.skip(":") {
		return p.wrong(start, p.at, `a tag is given as tag."KEY":VALUE`)
	}
	t.key, t.tag = find(tagPrefix), tag
	return nil
}

// run returns the text up to the next space, or comma, without taking it.
func (p *parser) run(commas bool) string {
	end := strings.IndexFunc(p.rest(), func(r rune) bool { return unicode.IsSpace(r) || !commas && r == ',' })
	if end < 0 {
		return p.rest()
	}
	return p.rest()[:end]
}

// value reads one alternative of a key, or a free word if k is nil.
func (p *parser) value(k *key) (value, error) {
	start := p.at
	var v value
	var err error
	switch {
	case strings.HasPrefix(p.rest(), `"`):
		v.text, err = p.quoted()
	case strings.HasPrefix(p.rest(), "/"):
		v.re, err = p.regexp()
	default:
		v.text = p.run(k == nil)
		v.star = k != nil && strings.Contains(v.text, "*")
		if k != nil && k.waits {
			v.text = p.untilQuote(v.text)
		}
		if strings.HasPrefix(v.text, "!") {
			err = p.wrong(start, start+1, "a second ! has no meaning; a text that begins with it is written in quotes")
		}
		p.at += len(v.text)
	}
	if err != nil {
		return v, err
	}
	if k != nil {
		if err := k.check(p, start, &v); err != nil {
			return v, err
		}
	}
	switch {
	case v.text == "" && v.re == nil && v.kind == "":
		return v, p.wrong(start, p.at, "a value is missing")
	case !p.ended(k != nil):
		return v, p.wrong(p.at, p.at+1, "a space has to follow")
	}
	return v, nil
}

// untilQuote cuts a run before a quote, where a name of its own begins.
func (*parser) untilQuote(run string) string {
	if at := strings.IndexAny(run, `"/`); at >= 0 && strings.HasSuffix(run[:at], ":") {
		return run[:at]
	}
	return run
}

func (p *parser) quoted() (string, error) {
	start := p.at
	var b strings.Builder
	escaped := false
	for i := p.at + 1; i < len(p.input); i++ {
		switch c := p.input[i]; {
		case escaped || c != '"' && c != '\\':
			b.WriteByte(c)
			escaped = false
		case c == '\\':
			escaped = true
		default:
			p.at = i + 1
			return b.String(), nil
		}
	}
	return "", p.wrong(start, len(p.input), "the closing quote is missing")
}

// Quote returns a text as a value that stands for nothing but itself.
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// Word is Quote, but for words that need no quotes.
func Word(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.'
	}
	if text != "" && strings.TrimFunc(text, plain) == "" {
		return text
	}
	return Quote(text)
}

// ChildrenOf returns the filter for the children of an instance.
func ChildrenOf(id string) string { return "parent:" + Word(id) }

func (p *parser) regexp() (*regexp.Regexp, error) {
	start := p.at
	var b strings.Builder
	for i := p.at + 1; i < len(p.input); i++ {
		c := p.input[i]
		switch {
		case c == '\\' && i+1 < len(p.input):
			if i++; p.input[i] != '/' {
				b.WriteByte(c)
			}
			b.WriteByte(p.input[i])
			continue
		case c != '/':
			b.WriteByte(c)
			continue
		}
		p.at = i + 1
		if b.Len() == 0 {
			return nil, p.wrong(start, p.at, "the expression is empty")
		}
		re, err := regexp.Compile(b.String())
		if err != nil {
			return nil, p.wrong(start, p.at, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		return re, nil
	}
	return nil, p.wrong(start, len(p.input), "the closing / is missing")
}

// isBare reports whether text reads the same without quotes.
func isBare(text string, word bool) bool {
	switch {
	case text == "", strings.HasPrefix(text, "!"), strings.HasPrefix(text, `"`), strings.HasPrefix(text, "/"),
		strings.HasPrefix(text, tagPrefix+`"`), strings.ContainsFunc(text, unicode.IsSpace):
		return false
	case word:
		return !strings.Contains(text, ":")
	}
	return !strings.ContainsAny(text, `,<>=:"/*`)
}

// isTagKey reports whether the key of a tag needs no quotes.
func isTagKey(key string) bool { return isBare(key, true) }
