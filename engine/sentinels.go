package engine

import (
	"context"
	"fmt"
	"reflect"
	"strings"
)

// Sentinels maps codes to errors that keep their identity when they are
// stored: errors.Is finds them on the other side if both sides have the code.
// The engine's own sentinels, context.Canceled and context.DeadlineExceeded need
// no entry. A Sentinels is not changed after it was given to a client or worker.
type Sentinels map[string]error

const (
	codeCanceled   = "wfops.canceled"
	codeTerminated = "wfops.terminated"
	codeDeadline   = "wfops.deadline"
)

// builtin are the sentinels that keep their identity across the durable
// boundary without being registered, by the code that is stored for them.
var builtin = Sentinels{
	"wfops.invalid_argument": ErrInvalidArgument,
	"wfops.not_found":        ErrInstanceNotFound,
	"wfops.already_exists":   ErrInstanceAlreadyExists,
	"wfops.not_registered":   ErrNotRegistered,
	codeCanceled:             ErrCanceled,
	codeTerminated:           ErrTerminated,
	"wfops.timeout":          ErrTimeout,
	"wfops.worker_lost":      ErrWorkerLost,
	"wfops.context_canceled": context.Canceled,
	// A deadline of Go code is a timeout of ours as well.
	codeDeadline: fmt.Errorf("%w: %w", ErrTimeout, context.DeadlineExceeded),
}

// maxLinks bounds how many errors of one tree are kept. Trees that are larger
// come from code that wraps in a loop, or whose Unwrap runs in a circle.
const maxLinks = 100

// maxText bounds the message and the stack of one error that are kept: they are
// stored with every event that tells of it, and read by every replay.
const maxText = 64 << 10

// Failure returns the storable form of err, or nil for nil. A *Failure that did
// not come from NewError is returned as it is. Of a tree of more than a hundred
// errors it keeps that many, and of a message or a stack of more than 64 KiB the
// beginning, with a note that it was cut. It calls the methods of err, and
// survives their panics.
func (s Sentinels) Failure(err error) *Failure {
	if err == nil {
		return nil
	}
	c := conversion{sentinels: s, left: maxLinks}
	return c.failure(err)
}

// conversion is one tree of errors on its way to its storable form.
type conversion struct {
	sentinels Sentinels
	left      int
}

func (c *conversion) failure(err error) *Failure {
	c.left--
	if f, ok := err.(*Failure); ok && f != nil { //nolint:errorlint // each link is converted for itself
		return c.strip(f)
	}
	f := &Failure{Type: typeName(err)}
	for _, cause := range c.describe(f, err) {
		if cause != nil && c.left > 0 {
			f.Causes = append(f.Causes, c.failure(cause))
		}
	}
	return f
}

// strip converts what NewError wrapped once more, because it did not know the
// registered sentinels.
func (c *conversion) strip(f *Failure) *Failure {
	if f.origin == nil {
		return bounded(f)
	}
	stripped := *c.failure(f.origin)
	stripped.Permanent = stripped.Permanent || f.Permanent
	return &stripped
}

// bounded returns f, or a copy with shorter texts if f holds some that are too
// long.
func bounded(f *Failure) *Failure {
	long := false
	for link := range f.all() {
		long = long || len(link.Message) > maxText || len(link.StackTrace) > maxText
	}
	if !long {
		return f
	}
	short := *f
	short.Message, short.StackTrace, short.Causes = cut(f.Message), cut(f.StackTrace), nil
	for _, cause := range f.Causes {
		if cause != nil {
			short.Causes = append(short.Causes, bounded(cause))
		}
	}
	return &short
}

// cut returns text, or its beginning and a note if it is too long. What it returns
// is never cut again.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	note := fmt.Sprintf("\n… cut, it has %d bytes in all", len(text))
	return strings.ToValidUTF8(text[:maxText-len(note)], "") + note
}

// describe fills in f from err and returns what err wraps. Methods of errors are
// foreign code, and those of a nil pointer in an error tend to panic: what was
// found out until then is kept.
func (c *conversion) describe(f *Failure, err error) (causes []error) {
	defer func() {
		if r := recover(); r != nil && f.Message == "" {
			f.Message = cut(fmt.Sprintf("%T, whose Error method panicked: %v", err, r))
		}
	}()
	f.Message = cut(err.Error())
	if st, ok := err.(interface{ Stack() string }); ok {
		f.StackTrace = cut(st.Stack())
	}
	if _, ok := err.(*PanicError); ok { //nolint:errorlint // each link is converted for itself
		f.Panic, f.Permanent = true, true
	}
	f.Code, f.sentinel = c.sentinels.find(err)
	return unwrap(err)
}

// Bind makes errors.Is work on a failure that was read from a store, by
// attaching the sentinels that its codes stand for. It changes f and returns
// it as an error, or nil if f is nil.
func (s Sentinels) Bind(f *Failure) error {
	if f == nil {
		return nil
	}
	if len(s) > 0 {
		for link := range f.all() {
			if err, ok := s[link.Code]; ok {
				link.sentinel = err
			}
		}
	}
	return f
}

// find returns the sentinel that err itself is, not one of its causes, and its
// code. Registered ones come first; of several the one with the least code, so
// that the answer does not depend on the order of a map.
func (s Sentinels) find(err error) (code string, sentinel error) {
	for _, set := range [...]Sentinels{s, builtin} {
		for name, candidate := range set {
			if is(err, candidate) && (sentinel == nil || name < code) {
				code, sentinel = name, candidate
			}
		}
		if sentinel != nil {
			return code, sentinel
		}
	}
	if is(err, context.DeadlineExceeded) {
		return codeDeadline, builtin[codeDeadline]
	}
	return "", nil
}

// is is errors.Is for one link of a chain.
func is(err, target error) bool {
	if target == nil {
		return false
	}
	if reflect.TypeOf(target).Comparable() && err == target { //nolint:errorlint // identity is meant
		return true
	}
	m, ok := err.(interface{ Is(error) bool })
	return ok && m.Is(target)
}

func unwrap(err error) []error {
	switch u := err.(type) { //nolint:errorlint // each link is converted for itself
	case interface{ Unwrap() error }:
		return []error{u.Unwrap()}
	case interface{ Unwrap() []error }:
		return u.Unwrap()
	}
	return nil
}

func typeName(err error) string {
	t := reflect.TypeOf(err)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
