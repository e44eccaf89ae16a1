package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// check opens a place, for reading only, and asks it about itself.
func (p *places) check(ctx context.Context, name string) (c view.Checked) {
	began := p.s.clock()
	defer func() { c.Took = p.s.clock().Sub(began) }()
	target, _, err := p.target(ctx, name, connect.Options{ReadOnly: true})
	if err != nil {
		c.Err = err
		return c
	}
	b, err := p.s.env.Open(ctx, target)
	if err != nil {
		c.Err = err
		return c
	}
	shut := p.keep(b.Close)
	defer func() {
		if err := shut(); c.Err == nil {
			c.Err = err
		}
	}()
	t := trial{Checked: &c, store: ops.New(b, ops.Options{ReadOnly: true, File: target.IsBundle(), Clock: p.s.env.Clock})}
	c.Err = t.run(ctx)
	return c
}

// trial collects what a store says.
type trial struct {
	*view.Checked

	store *ops.Store
}

func (t *trial) add(name string, style view.Style, format string, args ...any) {
	t.Checks = append(t.Checks, view.Check{Name: name, Style: style, Text: fmt.Sprintf(format, args...)})
}

func (t *trial) run(ctx context.Context) error {
	info, took, skew, err := t.store.Ping(ctx)
	if err != nil {
		return err
	}
	t.add("reachable", view.Good, "answers in %s", took.Round(100*time.Microsecond))
	t.add("schema", view.Good, "%d, which this wfops understands", info.Schema)
	t.add("software", view.Good, "%s %s, %s", info.Kind, info.Version, info.Durability)
	t.add("access", view.Good, "reading works; whether it may be written was not tried")
	switch {
	case t.store.IsFile(): // which has none
	case skew == 0:
		t.add("clock", view.Good, "as here")
	default:
		t.add("clock", view.Waiting, "%s off this machine's", skew.Round(time.Millisecond))
	}
	if err := t.workers(ctx); err != nil {
		return err
	}
	return t.instances(ctx, info)
}

func (t *trial) workers(ctx context.Context) error {
	if t.store.IsFile() {
		return nil
	}
	workers, err := t.store.Workers(ctx)
	if err != nil {
		return err
	}
	lost := 0
	for _, w := range workers {
		if w.Lost {
			lost++
		}
	}
	style := view.Good
	if lost > 0 {
		style = view.Waiting
	}
	t.add("workers", style, "%d alive, %d lost", len(workers)-lost, lost)
	t.Summary = view.HowMany(int64(len(workers)-lost), "worker") + also(int64(lost), "lost") + ", "
	return nil
}

// instances counts. A store that is too large to do so in time can be used all the
// same.
func (t *trial) instances(ctx context.Context, info backend.Info) error {
	census, err := t.store.Census(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		t.add("instances", view.Good, "too many to count in time")
		t.Summary += info.Kind
		return nil
	case err != nil:
		return err
	}
	blocked := census.ByStatus["blocked"]
	style := view.Good
	if blocked > 0 {
		style = view.Waiting
	}
	t.add("instances", style, "%s, of which %s running, %s blocked, %s failed within a day",
		view.Count(census.Total), view.Count(census.ByStatus["running"]), view.Count(blocked), view.Count(census.FailedLately))
	t.Summary += view.HowMany(census.Total, "instance") + also(blocked, "blocked")
	return nil
}

// also adds what is odd about what was counted.
func also(n int64, what string) string {
	if n == 0 {
		return ""
	}
	return " (" + view.Count(n) + " " + what + ")"
}
