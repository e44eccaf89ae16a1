package backendtest

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Writes makes every write of the port, one after another, on an execution or a new
// one, without a lease, and returns each one's error by the name of its method. It is
// for tests of what a connection may do.
func Writes(ctx context.Context, b backend.Backend, i engine.Instance) iter.Seq2[string, error] {
	h := &hold{task: backend.WorkflowTask{Instance: i, Token: "nobody's"}}
	return func(yield func(string, error) bool) {
		for _, c := range writes {
			if !yield(c.name, c.do(ctx, b, h)) {
				return
			}
		}
	}
}

// Unopened checks a store whose constructor has reported no error though it could not
// open it: every call of the port answers why, and closing it does no harm.
func Unopened(t *testing.T, b backend.Backend, why error) {
	t.Helper()
	if why == nil {
		t.Fatal("it was opened")
	}
	h := &hold{task: backend.WorkflowTask{Instance: newInstance("i"), Token: "nobody's"}}
	for _, c := range allCalls() {
		if err := c.do(t.Context(), b, h); !errors.Is(err, why) {
			t.Errorf("%s: %v, want why the store could not be opened: %v", c.name, err, why)
		}
	}
	b.Subscribe(backend.Topic{Kind: backend.TopicFinished, Name: "i"}).Close()
	if err := b.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// call is one use of a method of the port, on an execution that is there.
type call struct {
	name string
	do   func(ctx context.Context, b backend.Backend, h *hold) error
}

func first[R any](rs []R, err func(R) error) error {
	if len(rs) == 0 {
		return errors.New("no result")
	}
	return err(rs[0])
}

func itself(err error) error { return err }

// writes are all methods that change something: those of Control and Work.
var writes = []call{
	{"Create", func(ctx context.Context, b backend.Backend, _ *hold) error {
		return first(b.Create(ctx, []backend.Creation{creation("new")}), createError)
	}},
	{"Deliver", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Deliver(ctx, []backend.Delivery{{ID: engine.NewID(), To: byID(h.instance()), Event: signal("a")}}), itself)
	}},
	{"Terminate", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Terminate(ctx, []backend.Termination{{To: byID(h.instance()), Event: terminated("x")}}), itself)
	}},
	{"Pause", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Pause(ctx, []backend.PauseChange{{To: byID(h.instance()), Paused: true}}), itself)
	}},
	{"Retry", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Retry(ctx, []backend.RetryRequest{{To: byID(h.instance())}}), itself)
	}},
	{"Remove", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.Remove(ctx, []engine.Instance{h.instance()}), itself)
	}},
	{"ClaimWorkflows", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.ClaimWorkflows(ctx, backend.WorkflowClaim{Worker: worker, Queues: []engine.Queue{queue}, Workflows: []string{workflow}, Max: 1, Lease: long})
		return err
	}},
	{"CommitWorkflows", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.CommitWorkflows(ctx, []backend.WorkflowCommit{h.step()}), commitError)
	}},
	{"ExtendWorkflows", func(ctx context.Context, b backend.Backend, h *hold) error {
		x := backend.WorkflowExtension{Instance: h.instance(), Token: h.task.Token, Lease: long}
		return first(b.ExtendWorkflows(ctx, []backend.WorkflowExtension{x}), commitError)
	}},
	{"ClaimActivities", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.ClaimActivities(ctx, backend.ActivityClaim{Worker: worker, Queues: []engine.Queue{queue}, Activities: []string{"act"}, Max: 1, Lease: long})
		return err
	}},
	{"CommitActivities", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.CommitActivities(ctx, []backend.ActivityCommit{{Instance: h.instance(), Ref: 1, Token: "t"}}), itself)
	}},
	{"ExtendActivities", func(ctx context.Context, b backend.Backend, h *hold) error {
		return first(b.ExtendActivities(ctx, []backend.ActivityExtension{{Instance: h.instance(), Ref: 1, Token: "t"}}), itself)
	}},
	{"Heartbeat", func(ctx context.Context, b backend.Backend, _ *hold) error {
		return b.Heartbeat(ctx, backend.Worker{ID: "new"})
	}},
}

// reads are all methods that only look: those of Read, but for Subscribe, which answers
// nothing.
var reads = []call{
	{"Get", func(ctx context.Context, b backend.Backend, h *hold) error {
		_, err := b.Get(ctx, h.instance())
		return err
	}},
	{"History", func(ctx context.Context, b backend.Backend, h *hold) error {
		_, err := b.History(ctx, h.instance(), 0, 0)
		return err
	}},
	{"Pending", func(ctx context.Context, b backend.Backend, h *hold) error {
		_, err := b.Pending(ctx, h.instance(), 0)
		return err
	}},
	{"List", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.List(ctx, backend.Query{})
		return err
	}},
	{"Count", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Count(ctx, backend.Query{})
		return err
	}},
	{"Queues", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Queues(ctx)
		return err
	}},
	{"Workers", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Workers(ctx)
		return err
	}},
	{"Info", func(ctx context.Context, b backend.Backend, _ *hold) error {
		_, err := b.Info(ctx)
		return err
	}},
}

func allCalls() []call { return append(append([]call{}, writes...), reads...) }
