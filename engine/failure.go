package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Failure is an error that can be stored: it crosses the durable boundary with
// its type name, message, causes and stack. errors.As finds it on the other
// side, and errors.Is finds the sentinels that both sides know.
//
// workflow.Error is another name of this type.
type Failure struct {
	// Type is the Go type of the error without its package, for example
	// "PathError". RetryPolicy.NonRetryable is matched against it.
	Type string `json:"type,omitempty"`
	// Message is the text of the error, causes included.
	Message string `json:"message"`
	// Code names the registered sentinel that the error is, if any.
	Code string `json:"code,omitempty"`
	// Permanent failures are not retried.
	Permanent bool `json:"permanent,omitempty"`
	// Panic tells that the function panicked.
	Panic bool `json:"panic,omitempty"`
	// StackTrace is where it came from, if known.
	StackTrace string `json:"stack,omitempty"`
	// Causes are what the error wraps; more than one for errors.Join.
	Causes []*Failure `json:"causes,omitempty"`

	sentinel error // what Code stands for in this process; see Bind
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Stack returns the stack trace of the place the error came from, or "".
func (f *Failure) Stack() string { return f.StackTrace }

// Unwrap returns the bound sentinel and the causes.
func (f *Failure) Unwrap() []error {
	var errs []error
	if f.sentinel != nil {
		errs = append(errs, f.sentinel)
	}
	for _, c := range f.Causes {
		errs = append(errs, c)
	}
	return errs
}

// As lets errors.As find a *PanicError in the failure of a function that
// panicked, also after it was stored.
func (f *Failure) As(target any) bool {
	p, ok := target.(**PanicError)
	if !ok || !f.Panic {
		return false
	}
	*p = &PanicError{message: f.Message, stack: f.StackTrace}
	return true
}

// PanicError is the error of a workflow or activity that panicked. It is not
// retried.
type PanicError struct {
	message string
	stack   string
}

// NewPanicError returns the error for a recovered value and the stack of the
// place that panicked.
func NewPanicError(recovered any, stack string) *PanicError {
	return &PanicError{message: fmt.Sprintf("panic: %v", recovered), stack: stack}
}

func (p *PanicError) Error() string { return p.message }

// Stack returns the stack trace of the panic.
func (p *PanicError) Stack() string { return p.stack }

// NewError wraps err so that its type, message and causes are stored and, unlike
// NewPermanentError's, retried. It returns nil for nil.
func NewError(err error) error {
	if err == nil {
		return nil
	}
	return Sentinels(nil).Failure(err)
}

// NewPermanentError wraps err so that it is not retried. It returns nil for nil.
func NewPermanentError(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ error }

func (p *permanentError) Unwrap() error { return p.error }

// CanRetry reports whether err may be retried: it is not permanent, not a
// panic and not a cancellation.
func CanRetry(err error) bool {
	var (
		perm  *permanentError
		panic *PanicError
	)
	if err == nil || errors.As(err, &perm) || errors.As(err, &panic) {
		return false
	}
	if errors.Is(err, ErrCanceled) || errors.Is(err, ErrTerminated) {
		return false
	}
	for f := range failures(err) {
		if f.Permanent || f.Panic {
			return false
		}
	}
	return true
}

// failures yields every *Failure in the tree of err.
func failures(err error) func(func(*Failure) bool) {
	return func(yield func(*Failure) bool) { walkFailures(err, yield) }
}

func walkFailures(err error, yield func(*Failure) bool) bool {
	if err == nil {
		return true
	}
	if f, ok := err.(*Failure); ok && !yield(f) { //nolint:errorlint // the walk visits each link itself
		return false
	}
	for _, c := range unwrap(err) {
		if !walkFailures(c, yield) {
			return false
		}
	}
	return true
}

func unwrap(err error) []error {
	switch u := err.(type) { //nolint:errorlint // the walk visits each link itself
	case interface{ Unwrap() error }:
		if c := u.Unwrap(); c != nil {
			return []error{c}
		}
	case interface{ Unwrap() []error }:
		return u.Unwrap()
	}
	return nil
}

// Sentinels maps codes to errors that keep their identity when they are
// stored: errors.Is finds them on the other side if both sides have the code.
// The engine's own sentinels need no entry. A Sentinels is not changed after it
// was given to a client or worker.
type Sentinels map[string]error

// Failure returns the storable form of err, or nil for nil. A *Failure is
// returned as it is.
func (s Sentinels) Failure(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, ok := err.(*Failure); ok { //nolint:errorlint // only the outermost counts here
		return f
	}
	f := &Failure{Type: typeName(err), Message: err.Error(), Code: s.code(err)}
	if f.Code != "" {
		f.sentinel = s.lookup(f.Code)
	}
	if st, ok := err.(interface{ Stack() string }); ok {
		f.StackTrace = st.Stack()
	}
	switch e := err.(type) { //nolint:errorlint // only the outermost counts here
	case *PanicError:
		f.Panic, f.Permanent = true, true
	case *permanentError:
		f.Permanent = true
		if inner := s.Failure(e.error); inner != nil { // the mark is no link of its own
			marked := *inner
			marked.Permanent = true
			return &marked
		}
	}
	for _, c := range unwrap(err) {
		if c != nil {
			f.Causes = append(f.Causes, s.Failure(c))
		}
	}
	return f
}

// Bind makes errors.Is work on a failure that was read from a store, by
// attaching the sentinels that its codes stand for. It changes f and returns
// it as an error, or nil if f is nil.
func (s Sentinels) Bind(f *Failure) error {
	if f == nil {
		return nil
	}
	s.bind(f)
	return f
}

func (s Sentinels) bind(f *Failure) {
	if f.Code != "" {
		f.sentinel = s.lookup(f.Code)
	}
	for _, c := range f.Causes {
		s.bind(c)
	}
}

func (s Sentinels) lookup(code string) error {
	if err, ok := s[code]; ok {
		return err
	}
	return builtin[code]
}

// code returns the code of the sentinel that err itself is, not one of its
// causes. Codes are tried in order, so that the answer does not depend on the
// order of a map.
func (s Sentinels) code(err error) string {
	for _, set := range []Sentinels{s, builtin} {
		for _, code := range slices.Sorted(maps.Keys(set)) {
			if comparableEqual(err, set[code]) {
				return code
			}
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && len(unwrap(err)) == 0 {
		return "wfops.timeout"
	}
	return ""
}

func comparableEqual(a, b error) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b //nolint:errorlint // identity is meant
}

func typeName(err error) string {
	t := reflect.TypeOf(err)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// matches reports whether names holds the type or code of f or of
// one of its causes.
func (f *Failure) matches(names []string) bool {
	if len(names) == 0 {
		return false
	}
	for g := range failures(f) {
		if slices.ContainsFunc(names, func(n string) bool {
			return n == g.Type && n != "" || n == g.Code && n != "" || strings.TrimPrefix(n, "*") == g.Type && g.Type != ""
		}) {
			return true
		}
	}
	return false
}
