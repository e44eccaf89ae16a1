package group_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is a fake whose Create waits for a token for each call, if gate is set,
// and answers each item with its own id, or what answer makes of the call.
type store struct {
	backend.Backend

	gate   chan struct{}
	answer func(ctx context.Context, ids []string) []error

	mu    sync.Mutex
	calls []string
	ctxs  []context.Context
}

func (s *store) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	out := make([]backend.CreateResult, len(cs))
	ids := make([]string, len(cs))
	for i, c := range cs {
		ids[i] = c.Instance.InstanceID
		out[i].Instance = c.Instance
	}
	s.mu.Lock()
	s.calls = append(s.calls, strings.Join(ids, " "))
	s.ctxs = append(s.ctxs, ctx)
	s.mu.Unlock()
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			for i := range out {
				out[i] = backend.CreateResult{Err: fmt.Errorf("fake store: %w", ctx.Err())}
			}
			return out
		}
	}
	if s.answer != nil {
		errs := s.answer(ctx, ids)
		out = out[:len(errs)]
		for i, err := range errs {
			out[i].Err = err
		}
	}
	return out
}

func (s *store) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func creations(ids ...string) []backend.Creation {
	var cs []backend.Creation
	for _, id := range ids {
		cs = append(cs, backend.Creation{Instance: engine.Instance{InstanceID: id}})
	}
	return cs
}

// call is a Create under way.
type call struct {
	ids    []string
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	out    []backend.CreateResult
}

// start runs Create in a goroutine and returns once it waits for something.
// It must be used inside a synctest bubble.
func start(ctx context.Context, b backend.Backend, ids ...string) *call {
	c := &call{ids: ids, done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(ctx)
	go func() {
		defer close(c.done)
		c.out = b.Create(c.ctx, creations(c.ids...))
	}()
	synctest.Wait()
	return c
}

// own fails the test unless the call has ended and got its own answers.
func (c *call) own(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-c.done:
	default:
		t.Fatalf("call %v has not ended", c.ids)
	}
	var got []string
	for _, r := range c.out {
		if r.Err != nil {
			t.Errorf("call %v: %v", c.ids, r.Err)
		}
		got = append(got, r.Instance.InstanceID)
	}
	if !slices.Equal(got, c.ids) {
		t.Errorf("call %v got the answers of %v", c.ids, got)
	}
	c.cancel()
}

func wantCalls(t *testing.T, s *store, want ...string) {
	t.Helper()
	if got := s.log(); !slices.Equal(got, want) {
		t.Errorf("calls of the store:\n got %q\nwant %q", got, want)
	}
}

func TestCallersWhoArriveDuringACallShareTheNext(t *testing.T) {
	for limit, want := range map[int][]string{
		1:    {"first", "a", "b", "c", "d", "e", "f", "g", "h"},
		7:    {"first", "a b c d e f g", "h"},
		1000: {"first", "a b c d e f g h"},
	} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{gate: make(chan struct{})}
				b := group.New(s, group.WithMax(limit))
				calls := []*call{start(t.Context(), b, "first")}
				wantCalls(t, s, "first") // an idle lane does not wait
				for id := range strings.SplitSeq("abcdefgh", "") {
					calls = append(calls, start(t.Context(), b, id))
				}
				close(s.gate)
				for _, c := range calls {
					c.own(t)
				}
				wantCalls(t, s, want...)
			})
		})
	}
}

func TestItemsOfACallerStayInOrderAndTogetherIfTheyFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{gate: make(chan struct{})}
		b := group.New(s, group.WithMax(5))
		calls := []*call{
			start(t.Context(), b, "first"),
			start(t.Context(), b, "a1", "a2", "a3"),
			start(t.Context(), b, "b1", "b2", "b3"),
			start(t.Context(), b, "c1", "c2"),
			start(t.Context(), b, "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", "d12"),
			start(t.Context(), b, "e1", "e2", "e3"),
		}
		close(s.gate)
		for _, c := range calls {
			c.own(t)
		}
		wantCalls(t, s, "first", "a1 a2 a3", "b1 b2 b3 c1 c2",
			"d1 d2 d3 d4 d5", "d6 d7 d8 d9 d10", "d11 d12 e1 e2 e3")
	})
}

func TestALoneCallerLendsItsContext(t *testing.T) {
	type key struct{}
	s := &store{}
	ctx := context.WithValue(t.Context(), key{}, "mine")
	group.New(s).Create(ctx, creations("a", "b"))
	if s.ctxs[0].Value(key{}) != "mine" {
		t.Error("the call of a lone caller should carry its context")
	}
	if out := group.New(s).Create(ctx, nil); len(out) != 0 || len(s.log()) != 1 {
		t.Errorf("no items should mean no call and no answers, got %v and calls %q", out, s.log())
	}
}

func TestNoWriteForADoneContext(t *testing.T) {
	s := &store{}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(engine.ErrLeaseLost)
	out := group.New(s).Create(ctx, creations("a", "b"))
	if len(out) != 2 || !errors.Is(out[0].Err, context.Canceled) || !errors.Is(out[1].Err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled for both items", out)
	}
	if !engine.OutcomeUnknown(out[0].Err) {
		t.Errorf("%v must not look like a refusal by the store", out[0].Err)
	}
	wantCalls(t, s)
}

func TestEveryKindOfWriteHasALane(t *testing.T) {
	s := &kinds{}
	b := group.New(s)
	ctx := t.Context()
	counts := map[string]int{
		"Deliver":          len(b.Deliver(ctx, make([]backend.Delivery, 2))),
		"CommitWorkflows":  len(b.CommitWorkflows(ctx, make([]backend.WorkflowCommit, 3))),
		"ExtendWorkflows":  len(b.ExtendWorkflows(ctx, make([]backend.WorkflowExtension, 4))),
		"CommitActivities": len(b.CommitActivities(ctx, make([]backend.ActivityCommit, 5))),
		"ExtendActivities": len(b.ExtendActivities(ctx, make([]backend.ActivityExtension, 6))),
	}
	for name, want := range map[string]int{"Deliver": 2, "CommitWorkflows": 3, "ExtendWorkflows": 4, "CommitActivities": 5, "ExtendActivities": 6} {
		if counts[name] != want {
			t.Errorf("%s answered %d items, want %d", name, counts[name], want)
		}
	}
	if want := []string{"Deliver", "CommitWorkflows", "ExtendWorkflows", "CommitActivities", "ExtendActivities"}; !sameSet(s.names, want) {
		t.Errorf("the store saw %v, want %v", s.names, want)
	}
	if err := b.Close(); !errors.Is(err, errKinds) {
		t.Errorf("Close should reach the store, got %v", err)
	}
	if again := group.New(b, group.WithMax(3)); again != b {
		t.Error("a backend that groups already should come back as it is")
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

var errKinds = errors.New("closed by the test")

// kinds counts calls of the five writes that store lacks; all of them fail, so
// that the lanes must find the error in each kind of answer.
type kinds struct {
	backend.Backend

	names []string
}

func (k *kinds) saw(name string) { k.names = append(k.names, name) }

func (k *kinds) Deliver(_ context.Context, ds []backend.Delivery) []error {
	k.saw("Deliver")
	return slices.Repeat([]error{engine.ErrInstanceNotFound}, len(ds))
}

func (k *kinds) CommitWorkflows(_ context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	k.saw("CommitWorkflows")
	return slices.Repeat([]backend.WorkflowCommitted{{Err: engine.ErrLeaseLost}}, len(cs))
}

func (k *kinds) ExtendWorkflows(_ context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	k.saw("ExtendWorkflows")
	return slices.Repeat([]backend.WorkflowCommitted{{Err: engine.ErrLeaseLost}}, len(es))
}

func (k *kinds) CommitActivities(_ context.Context, cs []backend.ActivityCommit) []error {
	k.saw("CommitActivities")
	return slices.Repeat([]error{engine.ErrLeaseLost}, len(cs))
}

func (k *kinds) ExtendActivities(_ context.Context, es []backend.ActivityExtension) []error {
	k.saw("ExtendActivities")
	return slices.Repeat([]error{engine.ErrLeaseLost}, len(es))
}

func (k *kinds) Close() error { return errKinds }

// A store that syncs after its transaction can take the next group meanwhile.
func TestNextGroupWhileTheDiskIsAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := make(chan struct{})
		s := &store{gate: make(chan struct{})}
		s.answer = func(ctx context.Context, ids []string) []error {
			backend.Written(ctx)
			backend.Written(ctx) // once is enough
			<-disk
			return make([]error, len(ids))
		}
		b := group.New(s)
		var done sync.WaitGroup
		create := func(ids ...string) {
			done.Go(func() {
				for i, r := range b.Create(t.Context(), creations(ids...)) {
					if r.Err != nil || r.Instance.InstanceID != ids[i] {
						t.Errorf("%v for %s", r, ids[i])
					}
				}
			})
			synctest.Wait()
		}
		create("a")
		create("b")
		create("c")
		if got := s.log(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("calls %q while the store is busy", got)
		}
		s.gate <- struct{}{}
		synctest.Wait()
		if got := s.log(); !slices.Equal(got, []string{"a", "b c"}) {
			t.Errorf("calls %q once the first was written", got)
		}
		create("d")
		s.gate <- struct{}{}
		synctest.Wait()
		close(disk)
		s.gate <- struct{}{}
		done.Wait()
		if got := s.log(); !slices.Equal(got, []string{"a", "b c", "d"}) {
			t.Errorf("calls %q", got)
		}
		create2 := make(chan []backend.CreateResult, 1)
		go func() { create2 <- b.Create(t.Context(), creations("e")) }()
		s.gate <- struct{}{} // the lane was left idle
		<-create2
	})
}

// A store may tell that something was written when it has answered already. That must
// not make a second leader beside the one there is.
func TestWrittenAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		var before []context.Context
		s.answer = func(ctx context.Context, ids []string) []error {
			for _, late := range before {
				backend.Written(late)
			}
			before = append(before, ctx)
			return make([]error, len(ids))
		}
		b := group.New(s, group.WithMax(1))
		for i, r := range b.Create(t.Context(), creations("a", "b", "c", "d", "e")) {
			if r.Err != nil || r.Instance.InstanceID != string(rune('a'+i)) {
				t.Errorf("item %d: %v", i, r)
			}
		}
		if got := s.log(); !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
			t.Errorf("calls %q", got)
		}
	})
}
