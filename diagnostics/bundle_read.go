package diagnostics

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wfops/wfops/engine/history"
)

// ErrBundleTooLarge is the cause of the error for a bundle that unpacks to more
// than MaxBundleBytes, or has an event of more than MaxBundleEvent.
var ErrBundleTooLarge = errors.New("a bundle has at most 1 GiB when unpacked, and at most 64 MiB in one event")

// Read reads a bundle, packed or not. Its error is a *BundleError unless r failed.
// The events are well formed, by history.Check; payloads are not looked at.
func Read(r io.Reader) (Bundle, error) { return read(r, MaxBundleBytes, MaxBundleEvent) }

// ReadFile reads a bundle from a file.
func ReadFile(name string) (b Bundle, err error) {
	f, err := os.Open(name)
	if err != nil {
		return Bundle{}, fmt.Errorf("reading a bundle: %w", err)
	}
	defer func() { _ = f.Close() }() // what was read is whole
	b, err = Read(f)
	if err != nil {
		return Bundle{}, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func read(r io.Reader, limit, value int64) (Bundle, error) {
	buf := bufio.NewReader(r)
	var plain io.Reader = buf
	if magic, err := buf.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(buf)
		if err != nil {
			return Bundle{}, &BundleError{Problem: "it can't be unpacked", Err: err}
		}
		plain = z
	}
	l := &limited{r: plain, left: limit, value: value}
	p := parser{dec: json.NewDecoder(l), limited: l, most: value}
	if err := p.parse(); err != nil {
		return Bundle{}, err
	}
	return p.head.Bundle, nil
}

// limited fails when more than left bytes are read, where an io.LimitedReader would
// make a large bundle look like a truncated one. And it fails when more than value bytes
// are read for one value, all of which a decoder holds in memory.
type limited struct {
	r           io.Reader
	left, value int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.left -= int64(n)
	l.value -= int64(n)
	if min(l.left, l.value) < 0 {
		return 0, ErrBundleTooLarge
	}
	return n, err
}

// parser reads a bundle event by event, so that a large one is not in memory twice.
type parser struct {
	dec     *json.Decoder
	limited *limited
	most    int64 // for one value
	head    head
	seen    map[string]bool
}

// value decodes the next value.
func (p *parser) value(v any) error {
	p.limited.value = p.most
	return p.dec.Decode(v)
}

func (p *parser) parse() error {
	if err := p.delim('{'); err != nil {
		return err
	}
	p.seen = map[string]bool{}
	for p.dec.More() {
		if err := p.member(); err != nil {
			return err
		}
	}
	if err := p.delim('}'); err != nil {
		return err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			return &BundleError{Problem: "something follows its end"}
		}
		return p.broken("it can't be read to its end", err)
	}
	return p.check()
}

// member reads one member of the outer object. The version is looked at as soon as
// it is there: what a newer one holds may not be readable at all.
func (p *parser) member() error {
	t, err := p.dec.Token()
	if err != nil {
		return p.broken("it is no JSON", err)
	}
	name, _ := t.(string)
	if p.seen[name] {
		return &BundleError{Problem: fmt.Sprintf("it has %q twice", name)}
	}
	p.seen[name] = true
	if name == "events" {
		return p.events()
	}
	var raw json.RawMessage
	if err := p.value(&raw); err != nil {
		return p.broken(fmt.Sprintf("%q can't be read", name), err)
	}
	one, err := json.Marshal(map[string]json.RawMessage{name: raw})
	if err != nil {
		return p.broken(fmt.Sprintf("%q can't be read", name), err)
	}
	if err := json.Unmarshal(one, &p.head); err != nil {
		return &BundleError{Problem: fmt.Sprintf("%q is not as it should be", name), Err: err}
	}
	return p.version()
}

func (p *parser) version() error {
	switch h := p.head; {
	case p.seen["format"] && h.Format != bundleFormat:
		return &BundleError{Problem: fmt.Sprintf("its format is %q, not %q", h.Format, bundleFormat)}
	case h.Version > BundleVersion:
		return &BundleError{Problem: fmt.Sprintf("it has version %d of the format, this build reads up to %d; use a newer wfops", h.Version, BundleVersion)}
	case h.Wire > history.Version:
		return &BundleError{Problem: fmt.Sprintf("its events have version %d, this build reads up to %d; use a newer wfops", h.Wire, history.Version)}
	}
	return nil
}

func (p *parser) events() error {
	if err := p.delim('['); err != nil {
		return err
	}
	for p.dec.More() {
		var raw json.RawMessage
		next := int64(len(p.head.Events)) + 1
		if err := p.value(&raw); err != nil {
			return p.broken(fmt.Sprintf("it breaks off after event %d", next-1), err)
		}
		ev, err := readEvent(raw, next)
		if err != nil {
			return err
		}
		p.head.Events = append(p.head.Events, ev)
	}
	return p.delim(']')
}

func readEvent(raw json.RawMessage, next int64) (history.Event, error) {
	var number struct {
		Seq int64 `json:"seq"`
	}
	if err := json.Unmarshal(raw, &number); err != nil {
		return history.Event{}, &BundleError{Seq: next, Problem: "it is no event", Err: err}
	}
	if number.Seq != next {
		return history.Event{}, &BundleError{Problem: fmt.Sprintf("event %d follows event %d; events are missing or out of order", number.Seq, next-1)}
	}
	one := make(history.Encoded, 0, len(raw)+2)
	one = append(append(append(one, '['), raw...), ']')
	events, err := one.Decode(next)
	if err != nil {
		if _, unknown := errors.AsType[*history.UnknownKindError](err); unknown {
			return history.Event{}, &BundleError{Seq: next, Problem: "this build can't read it", Err: err}
		}
		return history.Event{}, &BundleError{Seq: next, Problem: "it is broken", Err: err}
	}
	return events[0], nil
}

func (p *parser) delim(want json.Delim) error {
	t, err := p.dec.Token()
	if err != nil {
		return p.broken(fmt.Sprintf("it breaks off after event %d", len(p.head.Events)), err)
	}
	if t != want {
		return &BundleError{Problem: fmt.Sprintf("it has %v where %v should be", t, want)}
	}
	return nil
}

// broken tells bytes that are no bundle from a reader that failed.
func (p *parser) broken(problem string, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, ErrBundleTooLarge):
		return &BundleError{Problem: "it is too large", Err: ErrBundleTooLarge}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &BundleError{Problem: problem, Err: io.ErrUnexpectedEOF}
	case errors.As(err, &syntax), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return &BundleError{Problem: problem, Err: err}
	}
	return fmt.Errorf("reading a bundle: %w", err)
}

// check looks at the bundle as a whole.
func (p *parser) check() error {
	for _, need := range []string{"format", "version", "instance", "events"} {
		if !p.seen[need] {
			return &BundleError{Problem: fmt.Sprintf("it has no %q", need)}
		}
	}
	if p.head.Instance.ExecutionID == "" {
		return &BundleError{Problem: "its instance has no execution_id"}
	}
	if err := history.Check(p.head.Events); err != nil {
		return &BundleError{Problem: "its events are no history", Err: err}
	}
	for _, ev := range p.head.Events {
		if s, ok := ev.Body.(history.WorkflowStarted); ok && p.head.Workflow == "" {
			p.head.Workflow = s.Workflow
		}
	}
	return nil
}
