package ops_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// once fails a list.
type once struct {
	backend.Backend

	failures int
}

func (o *once) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	if o.failures--; o.failures == 0 {
		return backend.Page{}, errors.New("connection refused")
	}
	return o.Backend.List(ctx, q)
}

func TestWatch(t *testing.T) {
	b := &once{Backend: seeded(t, row("a", engine.StatusRunning), row("b", engine.StatusRunning), row("d", engine.StatusCompleted)), failures: 2}
	s := ops.New(b, ops.Options{})
	steps := []func(){
		func() {}, // the failure comes next
		func() { _ = apply(t, s, change(ops.ActionPause), "a") },
		func() { _ = apply(t, s, change(ops.ActionTerminate), "b") },
	}
	var seen []string
	soon, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for changes, err := range s.Watch(soon, ops.ListRequest{Filter: parse(t, "is:open"), Sort: ops.SortCreated, Ascending: true}, time.Millisecond) {
		var one []string
		for _, c := range changes {
			one = append(one, string(c.Kind)+" "+c.Summary.Instance.InstanceID)
		}
		seen = append(seen, fmt.Sprint(one, " ", err))
		if len(steps) == 0 {
			break
		}
		steps[0]()
		steps = steps[1:]
	}
	if want := []string{"[added a added b] <nil>", "[] listing instances: connection refused", "[changed a] <nil>", "[gone b] <nil>"}; !slices.Equal(seen, want) {
		t.Errorf("got  %q\nwant %q", seen, want)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for changes, err := range s.Watch(ended, ops.ListRequest{}, time.Hour) {
		t.Errorf("%v, %v", changes, err)
	}
}
