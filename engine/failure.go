package engine

import (
	"fmt"
	"iter"
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

	// sentinel is what Code stands for in this process, see Sentinels.Bind. The
	// engine's own sentinels need no binding.
	sentinel error
	// origin is the error that NewError was given. It is dropped as soon as the
	// failure is to be stored, so that code which runs on meets the same error as
	// code that is replayed.
	origin error
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Stack returns the stack trace of the place the error came from, or "".
func (f *Failure) Stack() string { return f.StackTrace }

// Unwrap returns the sentinel and the causes.
func (f *Failure) Unwrap() []error {
	if f.origin != nil {
		return []error{f.origin}
	}
	var errs []error
	if f.sentinel != nil {
		errs = append(errs, f.sentinel)
	} else if err := builtin[f.Code]; err != nil {
		errs = append(errs, err)
	}
	for _, c := range f.Causes {
		if c != nil {
			errs = append(errs, c)
		}
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

// all yields f and its causes, theirs included.
func (f *Failure) all() iter.Seq[*Failure] {
	return func(yield func(*Failure) bool) { f.walk(yield) }
}

func (f *Failure) walk(yield func(*Failure) bool) bool {
	if f == nil {
		return true
	}
	if !yield(f) {
		return false
	}
	for _, c := range f.Causes {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// matches reports whether names holds the type or code of f or of one of its
// causes. A pointer type may be given with its star.
func (f *Failure) matches(names []string) bool {
	for link := range f.all() {
		if slices.ContainsFunc(names, func(name string) bool {
			name = strings.TrimPrefix(name, "*")
			return name != "" && (name == link.Type || name == link.Code)
		}) {
			return true
		}
	}
	return false
}

// canRetry is CanRetry for the storable form.
func (f *Failure) canRetry() bool {
	for link := range f.all() {
		if link.Permanent || link.Panic || link.Code == codeCanceled || link.Code == codeTerminated {
			return false
		}
	}
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

// NewError returns err as a *Failure, which is retried unless err or one of its
// causes says otherwise. Until it is stored, errors.Is and errors.As find what
// they find in err. It returns nil for nil.
func NewError(err error) error {
	if err == nil {
		return nil
	}
	return wrap(err)
}

// NewPermanentError is NewError for a *Failure that is not retried.
func NewPermanentError(err error) error {
	if err == nil {
		return nil
	}
	f := wrap(err)
	f.Permanent = true
	return f
}

func wrap(err error) *Failure {
	f := *Sentinels(nil).Failure(err)
	f.origin = err
	return &f
}

// CanRetry reports whether err may be retried: it is not nil, and neither it nor
// one of its causes is permanent, a panic, a cancellation or a termination.
func CanRetry(err error) bool {
	return err != nil && Sentinels(nil).Failure(err).canRetry()
}
