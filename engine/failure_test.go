package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
)

var errOutOfStock = errors.New("out of stock")

var sentinels = engine.Sentinels{"shop.out_of_stock": errOutOfStock}

// stored returns what the other side of the durable boundary sees of err.
func stored(t *testing.T, s engine.Sentinels, err error) error {
	t.Helper()
	data, jerr := json.Marshal(s.Failure(err))
	if jerr != nil {
		t.Fatalf("marshal: %v", jerr)
	}
	var f *engine.Failure
	if jerr := json.Unmarshal(data, &f); jerr != nil {
		t.Fatalf("unmarshal %s: %v", data, jerr)
	}
	return s.Bind(f)
}

func asFailure(t *testing.T, err error) *engine.Failure {
	t.Helper()
	var f *engine.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%T is no *Failure", err)
	}
	return f
}

func TestFailureKeepsTypeMessageAndCauses(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "/etc/x", Err: fs.ErrNotExist}
	err := fmt.Errorf("loading: %w", errors.Join(path, errors.New("second")))
	f := asFailure(t, stored(t, nil, err))

	if f.Error() != err.Error() || f.Type != "wrapError" {
		t.Errorf("got %q of type %q", f.Error(), f.Type)
	}
	if len(f.Causes) != 1 || f.Causes[0].Type != "joinError" || len(f.Causes[0].Causes) != 2 {
		t.Fatalf("causes of the join were lost: %+v", f)
	}
	first, second := f.Causes[0].Causes[0], f.Causes[0].Causes[1]
	if first.Type != "PathError" || first.Message != path.Error() || len(first.Causes) != 1 {
		t.Errorf("first cause is %+v", first)
	}
	if second.Message != "second" {
		t.Errorf("second cause is %+v", second)
	}
}

func TestFailureOfNilIsNil(t *testing.T) {
	if f := sentinels.Failure(nil); f != nil {
		t.Errorf("got %v", f)
	}
	if err := sentinels.Bind(nil); err != nil {
		t.Errorf("Bind(nil) is %v", err)
	}
	if engine.NewError(nil) != nil || engine.NewPermanentError(nil) != nil {
		t.Error("NewError(nil) is not nil")
	}
}

func TestStoredFailureIsItself(t *testing.T) {
	f := asFailure(t, stored(t, nil, errors.New("x")))
	if again := sentinels.Failure(f); again != f {
		t.Errorf("a stored failure was converted once more: %+v", again)
	}
	if wrapped := sentinels.Failure(fmt.Errorf("y: %w", f)); len(wrapped.Causes) != 1 || wrapped.Causes[0] != f {
		t.Errorf("a stored failure was not kept as a cause: %+v", wrapped)
	}
}

type stackError struct{}

func (stackError) Error() string { return "with a stack" }
func (stackError) Stack() string { return "main.go:1" }

func TestFailureKeepsStack(t *testing.T) {
	if f := asFailure(t, stored(t, nil, stackError{})); f.Stack() != "main.go:1" {
		t.Errorf("stack is %q", f.Stack())
	}
}

func TestPanicErrorIsFoundAfterStoring(t *testing.T) {
	for name, err := range map[string]error{
		"itself":  engine.NewPanicError("boom", "trace"),
		"wrapped": fmt.Errorf("step: %w", engine.NewPanicError("boom", "trace")),
	} {
		t.Run(name, func(t *testing.T) {
			var p *engine.PanicError
			got := stored(t, nil, err)
			if !errors.As(got, &p) {
				t.Fatalf("no *PanicError in %v", got)
			}
			if p.Error() != "panic: boom" || p.Stack() != "trace" {
				t.Errorf("got %q with stack %q", p.Error(), p.Stack())
			}
			if engine.CanRetry(got) {
				t.Error("a panic may be retried")
			}
		})
	}
	if _, ok := errors.AsType[*engine.PanicError](stored(t, nil, errors.New("no panic"))); ok {
		t.Error("found a *PanicError in an ordinary failure")
	}
}

func TestPermanentMark(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		retry bool
	}{
		"plain":                    {errors.New("x"), true},
		"new error":                {engine.NewError(errors.New("x")), true},
		"permanent":                {engine.NewPermanentError(errors.New("x")), false},
		"permanent, wrapped":       {fmt.Errorf("y: %w", engine.NewPermanentError(errors.New("x"))), false},
		"permanent, joined":        {errors.Join(errors.New("y"), engine.NewPermanentError(errors.New("x"))), false},
		"new error of a permanent": {engine.NewError(engine.NewPermanentError(errors.New("x"))), false},
		"permanent of a stored":    {engine.NewPermanentError(engine.Sentinels(nil).Failure(errors.New("x"))), false},
		"canceled":                 {fmt.Errorf("y: %w", engine.ErrCanceled), false},
		"terminated":               {engine.ErrTerminated, false},
		"timeout":                  {engine.ErrTimeout, true},
		"context canceled":         {context.Canceled, true},
		"nil":                      {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := engine.CanRetry(tc.err); got != tc.retry {
				t.Errorf("CanRetry is %t before storing", got)
			}
			if tc.err == nil {
				return
			}
			after := stored(t, nil, tc.err)
			if got := engine.CanRetry(after); got != tc.retry {
				t.Errorf("CanRetry is %t after storing", got)
			}
			if after.Error() != tc.err.Error() {
				t.Errorf("message changed from %q to %q", tc.err, after)
			}
		})
	}
}

func TestMarkIsNoLinkOfItsOwn(t *testing.T) {
	f := sentinels.Failure(engine.NewPermanentError(errOutOfStock))
	if f.Type != "errorString" || f.Code != "shop.out_of_stock" || !f.Permanent || len(f.Causes) != 0 {
		t.Errorf("got %+v", f)
	}
}

func TestNewErrorKeepsIdentity(t *testing.T) {
	for name, mark := range map[string]func(error) error{"NewError": engine.NewError, "NewPermanentError": engine.NewPermanentError} {
		t.Run(name, func(t *testing.T) {
			err := mark(&fs.PathError{Op: "open", Path: "x", Err: errOutOfStock})
			var path *fs.PathError
			if !errors.Is(err, errOutOfStock) || !errors.As(err, &path) {
				t.Error("before it is stored, the error it was made of is not found")
			}
			if f := asFailure(t, err); f.Type != "PathError" {
				t.Errorf("type is %q", f.Type)
			}
			if !errors.Is(stored(t, sentinels, err), errOutOfStock) {
				t.Error("after it was stored, its registered sentinel is not found")
			}
			live := error(sentinels.Failure(err))
			if errors.As(live, &path) {
				t.Error("code that runs on finds an error that replayed code can't find")
			}
		})
	}
}

type nilPointerError struct{ text string }

func (e *nilPointerError) Error() string { return e.text }

type panickyUnwrap struct{}

func (panickyUnwrap) Error() string { return "fine so far" }
func (panickyUnwrap) Unwrap() error { panic("no") }

type circular struct{}

func (circular) Error() string { return "circle" }
func (circular) Unwrap() error { return circular{} }

// uncomparable panics when two of it are compared.
type uncomparable struct{ any }

func (uncomparable) Error() string { return "uncomparable" }

func TestFailureSurvivesForeignCode(t *testing.T) {
	var nilPointer *nilPointerError
	var nilFailure *engine.Failure
	slice := uncomparable{[]int{1}}
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"nil pointer":     {nilPointer, "whose Error method panicked"},
		"nil failure":     {nilFailure, "whose Error method panicked"},
		"panicky Unwrap":  {panickyUnwrap{}, "fine so far"},
		"wrapped nil":     {fmt.Errorf("x: %w", nilPointer), "x: "},
		"joined nil":      {errors.Join(nil, errors.New("y")), "y"},
		"own circle":      {circular{}, "circle"},
		"not comparable":  {slice, "uncomparable"},
		"nil in Errorf":   {fmt.Errorf("z: %w", error(nil)), "z: "},
		"null byte, not8": {errors.New("a\x00\xff"), "a\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			after := stored(t, engine.Sentinels{"u": uncomparable{[]int{1}}}, tc.err)
			if !strings.Contains(after.Error(), tc.want) {
				t.Errorf("message is %q", after.Error())
			}
			if !engine.CanRetry(tc.err) || !engine.CanRetry(after) {
				t.Error("may not be retried")
			}
		})
	}
}

func TestFailureIsBounded(t *testing.T) {
	deep := errors.New("x")
	for range 1000 {
		deep = fmt.Errorf("%w", deep)
	}
	var many []error
	for i := range 1000 {
		many = append(many, fmt.Errorf("error %d", i))
	}
	for name, err := range map[string]error{"deep": deep, "wide": errors.Join(many...)} {
		t.Run(name, func(t *testing.T) {
			f := sentinels.Failure(err)
			if n := links(f); n != 100 {
				t.Errorf("kept %d links", n)
			}
		})
	}
}

func links(f *engine.Failure) int {
	n := 1
	for _, c := range f.Causes {
		n += links(c)
	}
	return n
}

func TestFailureSkipsNilCauses(t *testing.T) {
	f := &engine.Failure{Message: "x", Causes: []*engine.Failure{nil, {Message: "y", Code: "shop.out_of_stock"}}}
	if err := sentinels.Bind(f); !errors.Is(err, errOutOfStock) || !engine.CanRetry(err) {
		t.Error("a nil cause hides the others")
	}
}
