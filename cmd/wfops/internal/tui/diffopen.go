package tui

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// openDiff compares what is named, or what is chosen: two that are marked, or the one
// under the cursor with another, which is asked for.
func (a *app) openDiff(args ...string) bool {
	chosen := a.top().chosen()
	switch {
	case len(args) == 2:
		a.show(newDiff(a, [2]string{args[0], args[1]}))
	case len(args) > 2:
		a.say(view.Bad, "diff takes two: an id or a file each")
	case len(args) == 1 && len(chosen) == 1:
		a.show(newDiff(a, [2]string{executionName(chosen[0]), args[0]}))
	case len(args) == 0 && len(chosen) == 2:
		a.show(newDiff(a, [2]string{executionName(chosen[0]), executionName(chosen[1])}))
	case len(args) == 0 && len(chosen) == 1:
		a.diffWith(chosen[0])
	case len(chosen) > 2:
		a.say(view.Waiting, fmt.Sprintf("%d are marked: mark two, or none to compare the one under the cursor", len(chosen)))
	default:
		a.say(view.Waiting, "name two: diff A B")
	}
	return true
}

// executionName names an execution: the id alone may by now stand for the next one.
func executionName(s backend.Summary) string {
	return s.Instance.InstanceID + "/" + s.Instance.ExecutionID
}

// diffWith asks what an instance is to be compared with. What went well with the same
// workflow is proposed.
func (a *app) diffWith(s backend.Summary) {
	store, owner := a.conn.Store, a.top()
	ask(a, owner, "diff with", func(ctx context.Context) (string, error) { return lastGood(ctx, store, s) }, func(good string, err error) {
		if err != nil {
			a.heardOf(err)
		}
		if a.over != nil || a.top() != owner {
			return
		}
		a.over = newPrompt("diff "+view.Clip(s.Instance.InstanceID, 32)+" with: ", good, func(text string, final bool) {
			if final && text != "" {
				a.show(newDiff(a, [2]string{executionName(s), text}))
			}
		})
	})
}

// lastGood returns the id of the newest completed instance of the same workflow, or
// "".
func lastGood(ctx context.Context, store *ops.Store, s backend.Summary) (string, error) {
	f, err := filter.Parse("status:" + string(engine.StatusCompleted) + " type:" + filter.Quote(s.Workflow))
	if err != nil { // a name that can't be asked for
		return "", nil //nolint:nilerr // nothing can be proposed, and something can be typed
	}
	page, err := store.List(ctx, ops.ListRequest{Filter: f, Sort: ops.SortCreated, Limit: 2})
	for i := range page.Items {
		if page.Items[i].Instance != s.Instance {
			return page.Items[i].Instance.InstanceID, err
		}
	}
	return "", err
}
