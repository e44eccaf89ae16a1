package history

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"unicode/utf8"
)

// Version is the version of the wire format that Encode writes: an array of
//
//	{"kind":"TimerScheduled","at":"2026-01-02T03:04:05.123456789Z","ref":3,"body":{"duration":"1m30s"}}
//
// Members that are empty are left out. Times are RFC 3339 in UTC, durations are
// written as by time.Duration. Payloads that are JSON stand for themselves, byte
// by byte; others are {"$bytes":"base64"}, and a nil payload among others is
// {"$bytes":null}.
const Version = 1

// Encoded is a run of consecutive events in wire format: a JSON array. It does
// not hold the events' sequence numbers; those follow from where it is stored.
// Nobody changes the bytes of an Encoded after it was made.
type Encoded []byte

// UnknownKindError tells of an event that this build does not know: most likely
// it was written by a newer one.
type UnknownKindError struct {
	Kind Kind
	// Seq of the event, or 0 in an inbox.
	Seq int64
}

func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("event %d is of the unknown kind %q; a newer version of wfops may have written it", e.Seq, string(e.Kind))
}

// DecodeError tells of bytes that are not in wire format.
type DecodeError struct {
	// Seq of the event, or 0 in an inbox.
	Seq int64
	// Kind of the event, or empty if the bytes don't get as far as that.
	Kind Kind
	Err  error
}

func (e *DecodeError) Error() string {
	if e.Kind == "" {
		return fmt.Sprintf("event %d can't be decoded: %v", e.Seq, e.Err)
	}
	return fmt.Sprintf("event %d (%s) can't be decoded: %v", e.Seq, e.Kind, e.Err)
}

// Unwrap returns what is wrong with the bytes.
func (e *DecodeError) Unwrap() error { return e.Err }

var coders = sync.Pool{New: func() any { return &coder{words: new(words)} }}

// maxPooled keeps one huge chunk from holding memory for ever.
const maxPooled = 64 << 10

// Encode returns the wire format of events, without their Seq; nil for none.
//
// Payloads keep every byte. Times are stored in UTC and lose their monotonic
// reading; empty slices and maps come back as nil; bytes of strings that are not
// UTF-8 are replaced by U+FFFD. It returns an error for an event without a
// body, for a pointer to a body, for a year outside 0 to 9999, for a number that
// JSON lacks and for failures nested more than a thousand deep.
func Encode(events ...Event) (Encoded, error) {
	if len(events) == 0 {
		return nil, nil
	}
	c := coders.Get().(*coder) //nolint:errcheck // the pool holds nothing else
	c.writing = true
	c.buf = c.scratch[:0]
	defer func() {
		if cap(c.buf) <= maxPooled {
			c.scratch = c.buf
		}
		c.release()
	}()
	for i := range events {
		c.buf = append(c.buf, "[,"[min(i, 1)])
		c.writeEvent(&events[i])
		if c.err != nil {
			return nil, fmt.Errorf("encoding event %d (%s): %w", events[i].Seq, kindName(events[i].Body), c.err)
		}
	}
	c.buf = append(c.buf, ']')
	return slices.Clone(c.buf), nil
}

// release gives c back to the pool, without what belongs to a caller.
func (c *coder) release() {
	*c = coder{scratch: c.scratch, keys: c.keys[:0], words: c.words}
	coders.Put(c)
}

func kindName(b Body) string {
	if b == nil {
		return "no body"
	}
	return reflect.TypeOf(b).String()
}

var (
	errNoBody  = errors.New("an event needs a body")
	errNoKind  = errors.New("it has no kind")
	errPointer = errors.New("a body is given by value, not as a pointer")
)

func (c *coder) writeEvent(e *Event) {
	if e.Body == nil {
		c.fail(errNoBody)
		return
	}
	if reflect.TypeOf(e.Body).Kind() == reflect.Pointer {
		c.fail(errPointer)
		return
	}
	f, _ := c.open()
	kind := e.Body.Kind()
	str(c, "kind", &kind)
	c.time("at", &e.At)
	c.int64("ref", &e.Ref)
	if body, ok := c.begin("body"); ok {
		e.Body.encode(c)
		c.end(body)
	}
	c.close(f)
}

// Decode returns the events, numbered from first on; with first 0 they are
// inbox events and all have the Seq 0. Unknown fields are ignored: the format
// only grows. The error is an *UnknownKindError or a *DecodeError. Payloads
// share memory with e.
func (e Encoded) Decode(first int64) ([]Event, error) {
	switch {
	case len(e) == 0:
		return nil, nil
	case !utf8.Valid(e):
		return nil, &DecodeError{Seq: first, Err: errNotUTF8}
	}
	c := coders.Get().(*coder) //nolint:errcheck // the pool holds nothing else
	defer c.release()
	c.buf = e
	seq := first
	var events []Event
	for more := c.openArray(); more; more = c.nextElement() {
		if events == nil {
			events = make([]Event, 0, 1+bytes.Count(e, betweenEvents))
		}
		ev, err := c.readEvent(seq)
		if err != nil {
			return nil, err
		}
		events = append(events, ev)
		if first != 0 {
			seq++
		}
	}
	if c.space(); c.err == nil && c.pos < len(e) {
		c.fail(errTrailing)
	}
	if c.err != nil {
		return nil, &DecodeError{Seq: seq, Err: c.err}
	}
	return events, nil
}

// betweenEvents is where Encode begins another event.
var betweenEvents = []byte(`},{"kind":`)

// DecodeOne returns the single event of an inbox row.
func (e Encoded) DecodeOne() (Event, error) {
	events, err := e.Decode(0)
	if err != nil {
		return Event{}, err
	}
	if len(events) != 1 {
		return Event{}, &DecodeError{Err: fmt.Errorf("an inbox row holds one event, not %d", len(events))}
	}
	return events[0], nil
}

// readEvent reads the body when it comes to it if it knows the kind by then. It may
// not: tools that reformat JSON like to sort it.
func (c *coder) readEvent(seq int64) (Event, error) {
	e := Event{Seq: seq}
	var kind, read Kind
	var body span
	var reader func(*coder) Body
	if f, ok := c.open(); ok {
		for c.visit() {
			str(c, "kind", &kind)
			c.time("at", &e.At)
			c.int64("ref", &e.Ref)
			if reader = readers[kind]; reader == nil {
				c.raw("body", &body)
			} else if c.take("body") {
				body.from, read = c.pos, kind
				e.Body = reader(c)
				body.to = c.pos
				c.advance()
			}
		}
		c.close(f)
	}
	if c.err != nil {
		return e, &DecodeError{Seq: seq, Kind: kind, Err: c.err}
	}
	if kind == "" {
		return e, &DecodeError{Seq: seq, Err: errNoKind}
	}
	if reader == nil {
		return e, &UnknownKindError{Kind: kind, Seq: seq}
	}
	if read != kind {
		e.Body = c.readBody(body, reader)
	}
	if c.err != nil {
		return e, &DecodeError{Seq: seq, Kind: kind, Err: c.err}
	}
	return e, nil
}

var emptyBody = []byte("{}")

func (c *coder) readBody(at span, reader func(*coder) Body) Body {
	if at.to == 0 {
		return reader(&coder{buf: emptyBody})
	}
	after := c.pos
	c.pos = at.from
	c.depth++ // the event, which was left already; Encode counts it
	b := reader(c)
	c.depth--
	c.pos = after
	return b
}
