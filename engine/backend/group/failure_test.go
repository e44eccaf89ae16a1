package group_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend/group"
)

var errLost = errors.New("connection lost")

// whole fails a call as a whole if cond holds for its ids.
func whole(err error, cond func(ids []string) bool) func(context.Context, []string) []error {
	return func(_ context.Context, ids []string) []error {
		if cond(ids) {
			return slices.Repeat([]error{err}, len(ids))
		}
		return make([]error, len(ids))
	}
}

func TestFailuresOfAGroup(t *testing.T) {
	has := func(id string) func([]string) bool {
		return func(ids []string) bool { return slices.Contains(ids, id) }
	}
	many := func(ids []string) bool { return len(ids) > 1 }
	always := func([]string) bool { return true }
	tests := []struct {
		name   string
		answer func(context.Context, []string) []error
		calls  []string // after "first"
		failed string   // ids that end with an error
		is     error
	}{
		{"a deadlock of the group is gone item by item", whole(errLost, many), []string{"a b c d e", "a", "b", "c", "d", "e"}, "", nil},
		{"one item that the store chokes on fails alone", whole(errLost, has("c")), []string{"a b c d e", "a", "b", "c", "d", "e"}, "c", errLost},
		{"a store that is down is not asked for each item", whole(errLost, always), []string{"a b c d e", "a", "b", "c"}, "abcde", errLost},
		{"a refusal is final", whole(fmt.Errorf("driver: %w", engine.ErrReadOnly), many), []string{"a b c d e"}, "abcde", engine.ErrReadOnly},
		{
			"one refused item fails alone",
			func(_ context.Context, ids []string) []error {
				errs := make([]error, len(ids))
				errs[1] = engine.ErrInstanceAlreadyExists
				return errs
			},
			[]string{"a b c d e"}, "b", engine.ErrInstanceAlreadyExists,
		},
		{
			"a panic is an error of the item that causes it",
			func(_ context.Context, ids []string) []error {
				if slices.Contains(ids, "d") {
					panic(errLost.Error())
				}
				return make([]error, len(ids))
			},
			[]string{"a b c d e", "a", "b", "c", "d", "e"}, "d", nil,
		},
		{
			"too few answers are an error",
			func(_ context.Context, ids []string) []error { return make([]error, min(len(ids), 1)) },
			[]string{"a b c d e", "a", "b", "c", "d", "e"}, "", nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{gate: make(chan struct{})}
				b := group.New(s)
				first := start(t.Context(), b, "first")
				var calls []*call
				for id := range strings.SplitSeq("a b c d e", " ") {
					calls = append(calls, start(t.Context(), b, id))
				}
				s.gate <- struct{}{}
				first.own(t)
				s.answer = tt.answer
				close(s.gate)
				for _, c := range calls {
					if !strings.Contains(tt.failed, c.ids[0]) {
						c.own(t)
						continue
					}
					<-c.done
					if err := c.out[0].Err; err == nil || tt.is != nil && !errors.Is(err, tt.is) {
						t.Errorf("%v: got %v, want %v", c.ids, err, tt.is)
					}
				}
				wantCalls(t, s, append([]string{"first"}, tt.calls...)...)
			})
		})
	}
}

func TestAPanicForOneCallerIsAnErrorThatTellsWhere(t *testing.T) {
	s := &store{answer: func(context.Context, []string) []error { panic("broken") }}
	b := group.New(s)
	for range 2 { // the lane goes on
		out := b.Create(t.Context(), creations("a"))
		if err := out[0].Err; err == nil || !strings.Contains(err.Error(), "broken") || !strings.Contains(err.Error(), "group_test.go") {
			t.Errorf("got %v, want the panic with its stack", err)
		}
	}
}

// A test's fake may end its goroutine (t.FailNow does). The goroutine of whoever
// leads is gone then, but nobody else may be stuck.
func TestAnEndedGoroutineStrandsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		b := group.New(s)
		first := start(t.Context(), b, "first")
		a, c := start(context.Background(), b, "a"), start(t.Context(), b, "c")
		s.gate <- struct{}{}
		first.own(t)
		s.answer = func(context.Context, []string) []error { runtime.Goexit(); return nil }
		s.gate <- struct{}{}
		for _, m := range []*call{a, c} {
			<-m.done
			if m.out[0].Err == nil {
				t.Errorf("%v got no error", m.ids)
			}
		}
		s.answer = nil
		close(s.gate)
		start(t.Context(), b, "later").own(t)
	})
}
