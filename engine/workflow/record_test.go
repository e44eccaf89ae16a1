package workflow_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

func TestSideEffect(t *testing.T) {
	calls := 0
	f := func(ctx workflow.Context) (any, error) {
		return workflow.SideEffect(ctx, func(workflow.Context) int { calls++; return calls }).Get(ctx)
	}
	live := newSession(t).start(f)
	live.wantResult(1)
	live.wantLog("side effect 1 false")
	replay := newSession(t)
	replay.replaying, replay.sides = true, []engine.Payload{engine.Payload("1")}
	replay.start(f).wantResult(1)
	if calls != 1 {
		t.Fatalf("called %d times", calls)
	}
}

type writeOnly struct{}

func (writeOnly) MarshalJSON() ([]byte, error)  { return []byte(`"x"`), nil }
func (*writeOnly) UnmarshalJSON(b []byte) error { return errors.New("no way back") }

func TestSideEffectThatCanNotBeRecorded(t *testing.T) {
	for name, f := range map[string]func(workflow.Context) error{
		"not encodable": func(ctx workflow.Context) error {
			_, err := workflow.SideEffect(ctx, func(workflow.Context) chan int { return make(chan int) }).Get(ctx)
			return err
		},
		"not decodable": func(ctx workflow.Context) error {
			_, err := workflow.SideEffect(ctx, func(workflow.Context) writeOnly { return writeOnly{} }).Get(ctx)
			return err
		},
		"mutable": func(ctx workflow.Context) error {
			_, err := workflow.MutableSideEffect(ctx, "m", func(workflow.Context) writeOnly { return writeOnly{} }, nil).Get(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t).start(func(ctx workflow.Context) (any, error) { return nil, f(ctx) })
			s.wantError(engine.ErrInvalidArgument)
		})
	}
}

func TestUndecodableSideEffectBlocks(t *testing.T) {
	s := newSession(t)
	s.replaying, s.sides = true, []engine.Payload{engine.Payload(`"secret"`)}
	s.do(func(ctx workflow.Context) {
		workflow.SideEffect(ctx, func(workflow.Context) int { return 1 })
	})
	if s.blocked == nil || s.blocked.Event != "SideEffectRecorded" || !strings.Contains(s.blocked.Message, "the recorded value of a side effect") {
		t.Fatalf("reason %+v", s.blocked)
	}
}

func TestPanicInASideEffect(t *testing.T) {
	newSession(t).do(func(ctx workflow.Context) {
		workflow.SideEffect(ctx, func(workflow.Context) int { panic("boom") })
	}).wantPanic("boom")
}

func TestMutableSideEffectRecordsChanges(t *testing.T) {
	values := []int{1, 1, 2, 2, 1}
	s := newSession(t).do(func(ctx workflow.Context) {
		for _, want := range values {
			got, err := workflow.MutableSideEffect(ctx, "m", func(workflow.Context) int { return want }, nil).Get(ctx)
			if got != want || err != nil {
				t.Errorf("got %d, %v; want %d", got, err, want)
			}
		}
	})
	s.wantResult(nil)
	s.wantLog("mutable m 1", "mutable m 2", "mutable m 1")
}

func TestMutableSideEffectWithOwnEquality(t *testing.T) {
	near := func(a, b int) bool { return a-b < 10 && b-a < 10 }
	var got []int
	s := newSession(t).do(func(ctx workflow.Context) {
		for _, v := range []int{100, 105, 120} {
			r, _ := workflow.MutableSideEffect(ctx, "m", func(workflow.Context) int { return v }, near).Get(ctx)
			got = append(got, r)
		}
	})
	s.wantResult(nil)
	if len(got) != 3 || got[0] != 100 || got[1] != 100 || got[2] != 120 {
		t.Fatalf("got %v", got)
	}
}

func TestMutableSideEffectOfAnotherType(t *testing.T) {
	s := newSession(t)
	s.mutable["m"] = engine.Payload(`"a string"`)
	s.start(func(ctx workflow.Context) (any, error) {
		return workflow.MutableSideEffect(ctx, "m", func(workflow.Context) int { return 1 }, nil).Get(ctx)
	})
	s.wantResult(1)
}

func TestVersion(t *testing.T) {
	s := newSession(t)
	s.versions["old"] = workflow.DefaultVersion
	s.start(func(ctx workflow.Context) (any, error) {
		return []any{
			workflow.Version(ctx, "new", workflow.DefaultVersion, 3), workflow.Version(ctx, "old", workflow.DefaultVersion, 3),
			workflow.Patched(ctx, "fresh"), workflow.Patched(ctx, "old"),
		}, nil
	})
	s.wantResult([]any{3, -1, true, false})
}

func TestInvalidVersion(t *testing.T) {
	for name, f := range map[string]func(workflow.Context){
		"empty id":    func(ctx workflow.Context) { workflow.Version(ctx, "", 1, 2) },
		"wrong order": func(ctx workflow.Context) { workflow.Version(ctx, "c", 2, 1) },
		"too low":     func(ctx workflow.Context) { workflow.Version(ctx, "c", -2, 1) },
	} {
		t.Run(name, func(t *testing.T) { newSession(t).do(f).wantPanic("invalid argument") })
	}
}

func TestRandomValuesAreTheSameOnReplay(t *testing.T) {
	var runs [2][]any
	for i := range runs {
		newSession(t).do(func(ctx workflow.Context) {
			runs[i] = []any{workflow.NewUUID(ctx), workflow.NewUUID(ctx), workflow.Rand(ctx).Int(), workflow.Rand(ctx).Int()}
		}).wantResult(nil)
	}
	for i, v := range runs[0] {
		if runs[1][i] != v {
			t.Errorf("value %d: %v and %v", i, v, runs[1][i])
		}
	}
	if runs[0][0] == runs[0][1] || runs[0][2] == runs[0][3] {
		t.Errorf("values repeat: %v", runs[0])
	}
	if id := runs[0][0].(string); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("%q is no UUID of version 4", id)
	}
}
