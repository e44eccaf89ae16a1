package history

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/wfops/wfops/engine"
)

// The functions here write or read one member each, given its name and where
// its value is. They are what the lists of fields are made of.

func str[S ~string](c *coder, name string, p *S) {
	if !c.writing {
		if c.take(name) {
			*p = S(c.words.of(c.quoted()))
			c.advance()
		}
		return
	}
	if *p != "" {
		c.name(name)
		c.buf = appendString(c.buf, string(*p))
	}
}

func (c *coder) int64(name string, p *int64) {
	if !c.writing {
		if c.take(name) {
			*p = c.integer(64)
			c.advance()
		}
		return
	}
	if *p != 0 {
		c.name(name)
		c.buf = strconv.AppendInt(c.buf, *p, 10)
	}
}

func (c *coder) int(name string, p *int) {
	if !c.writing {
		if c.take(name) {
			*p = int(c.integer(strconv.IntSize))
			c.advance()
		}
		return
	}
	if *p != 0 {
		c.name(name)
		c.buf = strconv.AppendInt(c.buf, int64(*p), 10)
	}
}

func (c *coder) integer(bits int) int64 {
	n, err := strconv.ParseInt(string(c.token()), 10, bits)
	if err != nil {
		c.fail(err)
	}
	return n
}

func (c *coder) float(name string, p *float64) {
	if !c.writing {
		if c.take(name) {
			var err error
			if *p, err = strconv.ParseFloat(string(c.token()), 64); err != nil {
				c.fail(err)
			}
			c.advance()
		}
		return
	}
	if math.IsNaN(*p) || math.IsInf(*p, 0) {
		c.fail(fmt.Errorf("%s is %v, which JSON lacks", name, *p))
		return
	}
	if *p != 0 {
		c.name(name)
		c.buf = strconv.AppendFloat(c.buf, *p, 'g', -1, 64)
	}
}

func (c *coder) bool(name string, p *bool) {
	if !c.writing {
		if c.take(name) {
			switch v := string(c.token()); v {
			case "true":
				*p = true
			case "false":
				*p = false
			default:
				c.fail(fmt.Errorf("%s is %s, expected true or false", name, v))
			}
			c.advance()
		}
		return
	}
	if *p {
		c.name(name)
		c.buf = append(c.buf, "true"...)
	}
}

func (c *coder) time(name string, p *time.Time) {
	if !c.writing {
		if c.take(name) {
			*p = c.readTime()
			c.advance()
		}
		return
	}
	if p.IsZero() {
		return
	}
	t := p.UTC()
	if !storable(t) {
		c.fail(fmt.Errorf("%s is in the year %d, which RFC 3339 can't say", name, t.Year()))
		return
	}
	c.name(name)
	c.buf = append(c.buf, '"')
	c.buf = t.AppendFormat(c.buf, time.RFC3339Nano)
	c.buf = append(c.buf, '"')
}

var (
	firstStorable = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	afterStorable = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

func storable(t time.Time) bool { return firstStorable <= t.Unix() && t.Unix() < afterStorable }

func (c *coder) readTime() time.Time {
	var t time.Time
	q := c.quoted()
	if c.err != nil {
		return t
	}
	if err := t.UnmarshalText(q); err != nil {
		c.fail(err)
		return t
	}
	if t = t.UTC(); !storable(t) {
		c.fail(fmt.Errorf("%q leaves the years 0 to 9999 in UTC", q))
	}
	return t
}

func (c *coder) duration(name string, p *time.Duration) {
	if !c.writing {
		if c.take(name) {
			if q := c.quoted(); c.err == nil {
				var err error
				if *p, err = time.ParseDuration(string(q)); err != nil {
					c.fail(err)
				}
			}
			c.advance()
		}
		return
	}
	if *p != 0 {
		c.name(name)
		c.buf = append(c.buf, '"')
		c.buf = append(c.buf, p.String()...)
		c.buf = append(c.buf, '"')
	}
}

func (c *coder) strings(name string, p *[]string) {
	if !c.writing {
		if c.take(name) {
			*p = nil
			for more := c.openArray(); more; more = c.nextElement() {
				*p = append(*p, string(c.quoted()))
			}
			c.advance()
		}
		return
	}
	if len(*p) == 0 {
		return
	}
	c.name(name)
	for i, s := range *p {
		c.buf = appendString(append(c.buf, "[,"[min(i, 1)]), s)
	}
	c.buf = append(c.buf, ']')
}

func stringMap[M ~map[string]string](c *coder, name string, p *M) {
	if !c.writing {
		if c.take(name) {
			*p = c.readMap()
			c.advance()
		}
		return
	}
	if len(*p) == 0 {
		return
	}
	c.name(name)
	for i, k := range c.sorted(*p) {
		c.buf = appendString(append(c.buf, "{,"[min(i, 1)]), k)
		c.buf = appendString(append(c.buf, ':'), (*p)[k])
	}
	c.buf = append(c.buf, '}')
}

func (c *coder) readMap() map[string]string {
	var m map[string]string
	f, ok := c.open()
	if !ok {
		return nil
	}
	for c.more() {
		key := c.words.of(c.frame.key)
		value := string(c.quoted())
		if m == nil {
			m = map[string]string{}
		}
		m[key] = value
		c.advance()
	}
	c.close(f)
	return m
}

// A payload is embedded as it is if it is JSON without white space around it.
// Everything else, and JSON that could be taken for the escape, is escaped:
//
//	{"$bytes":"base64"}   these bytes
//	{"$bytes":null}       a nil payload, where it can't be left out
//
// So null is the payload of these four bytes.
const escapeKey = `"$bytes"`

var (
	errEscape = errors.New(`a member besides "$bytes"`)
	nilEscape = `{` + escapeKey + `:null}`
)

func (c *coder) payload(name string, p *engine.Payload) {
	if !c.writing {
		if c.takeAny(name) {
			*p = c.readPayload()
			c.advance()
		}
		return
	}
	if *p != nil {
		c.name(name)
		c.writePayload(*p)
	}
}

func (c *coder) payloads(name string, p *[]engine.Payload) {
	if !c.writing {
		if c.take(name) {
			*p = nil
			for more := c.openArray(); more; more = c.nextElement() {
				*p = append(*p, c.readPayload())
			}
			c.advance()
		}
		return
	}
	if len(*p) == 0 {
		return
	}
	c.name(name)
	for i, v := range *p {
		c.buf = append(c.buf, "[,"[min(i, 1)])
		c.writePayload(v)
	}
	c.buf = append(c.buf, ']')
}

func (c *coder) writePayload(p engine.Payload) {
	switch {
	case p == nil:
		c.buf = append(c.buf, nilEscape...)
	case embeddable(p):
		c.buf = append(c.buf, p...)
	default:
		c.buf = append(c.buf, `{`+escapeKey+`:"`...)
		c.buf = base64.StdEncoding.AppendEncode(c.buf, p)
		c.buf = append(c.buf, `"}`...)
	}
}

func embeddable(p []byte) bool {
	end, ok := scanValue(p, 0, maxDepth)
	return ok && end == len(p) && !escapes(p) && utf8.Valid(p)
}

// escapes reports whether a JSON value is read as an escape. White space counts
// for nothing, so that a history may be reformatted without getting another
// meaning.
func escapes(p []byte) bool {
	return p[0] == '{' && bytes.HasPrefix(p[skipSpace(p, 1):], []byte(escapeKey))
}

func (c *coder) readPayload() engine.Payload {
	start := c.pos
	if c.skip(); c.err != nil {
		return nil
	}
	raw := c.buf[start:c.pos:c.pos]
	if !escapes(raw) {
		return engine.Payload(raw)
	}
	end := c.pos
	c.pos = start
	p := c.readEscape()
	if c.err == nil && c.pos != end {
		c.fail(errEscape)
	}
	return p
}

func (c *coder) readEscape() engine.Payload {
	c.literal('{', "an object")
	c.space()
	c.quoted()
	c.literal(':', `":"`)
	c.space()
	var p engine.Payload
	if !c.null() {
		q := c.quoted()
		p = make(engine.Payload, base64.StdEncoding.DecodedLen(len(q)))
		n, err := base64.StdEncoding.Decode(p, q)
		if err != nil {
			c.fail(err)
		}
		p = p[:n]
	}
	c.literal('}', `"}"`)
	return p
}
