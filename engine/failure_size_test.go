package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wfops/wfops/engine"
)

// maxText is what is kept of a message and of a stack.
const maxText = 64 << 10

// Long texts are cut before they are stored, wherever in the error they are, and
// say so. What is cut already is not cut again, or a failure would change each time
// it is passed on.
func TestFailureTextsAreBounded(t *testing.T) {
	long := strings.Repeat("é", maxText) // two bytes each
	for name, err := range map[string]error{
		"plain":        errors.New(long),
		"cause":        fmt.Errorf("outer: %w", errors.Join(errors.New(long), errOutOfStock)),
		"panic":        engine.NewPanicError(long, long),
		"new error":    engine.NewError(errors.New(long)),
		"permanent":    engine.NewPermanentError(fmt.Errorf("x: %w", errors.New(long))),
		"failure":      &engine.Failure{Message: long, StackTrace: long, Causes: []*engine.Failure{nil, {Message: long}}},
		"wraps one":    fmt.Errorf("x: %w", &engine.Failure{Message: "short", Causes: []*engine.Failure{{StackTrace: long}}}),
		"Error panics": panics{long},
	} {
		t.Run(name, func(t *testing.T) {
			f := sentinels.Failure(err)
			if n := checkTexts(t, f); n == 0 {
				t.Error("nothing was cut, or nothing says so")
			}
			if again := sentinels.Failure(f); again != f {
				t.Error("a failure that was cut is cut again")
			}
			if fmt.Sprint(stored(t, sentinels, err)) != f.Message {
				t.Error("the message changes when it is stored")
			}
		})
	}
}

// checkTexts returns how many texts of f and its causes say that they were cut.
func checkTexts(t *testing.T, f *engine.Failure) (cut int) {
	t.Helper()
	for _, text := range []string{f.Message, f.StackTrace} {
		if len(text) > maxText || !utf8.ValidString(text) {
			t.Errorf("a text of %d bytes is kept, valid UTF-8: %v", len(text), utf8.ValidString(text))
		}
		if strings.Contains(text, "… cut, it has ") {
			cut++
		}
	}
	for _, c := range f.Causes {
		cut += checkTexts(t, c)
	}
	return cut
}

// What is short enough is left alone, and so is what the caller gave.
func TestFailureKeepsShortTexts(t *testing.T) {
	text := strings.Repeat("x", maxText)
	if got := sentinels.Failure(errors.New(text)).Message; got != text {
		t.Errorf("a message at the limit has become %d bytes", len(got))
	}
	f := &engine.Failure{Message: text + "x", Causes: []*engine.Failure{{Message: text + "x"}}}
	if _ = sentinels.Failure(f); len(f.Message) != maxText+1 || len(f.Causes[0].Message) != maxText+1 {
		t.Error("the caller's failure was changed")
	}
}

type panics struct{ v string }

func (p panics) Error() string { panic(p.v) }
