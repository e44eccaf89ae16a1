package tui

import (
	"context"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// detail is one instance.
type detail struct {
	a      *app
	detail ops.Detail
	pager  pager
}

func newDetail(a *app, s backend.Summary) *detail {
	return &detail{a: a, detail: ops.Detail{Summary: s}}
}

func (*detail) scopes() []command.Scope     { return []command.Scope{command.ScopeDetail} }
func (d *detail) title() string             { return d.detail.Instance.InstanceID }
func (*detail) facts() []view.Cell          { return nil }
func (d *detail) do(name string) bool       { return d.pager.move(name) }
func (d *detail) chosen() []backend.Summary { return []backend.Summary{d.detail.Summary} }

func (d *detail) refresh() {
	store, i := d.a.conn.Store, d.detail.Instance
	ask(d.a, d, "detail", func(ctx context.Context) (ops.Detail, error) { return store.Detail(ctx, i) }, func(answer ops.Detail, err error) {
		if d.a.heardOf(err) {
			d.detail = answer
		}
	})
}

func (d *detail) draw(at grid.Area, o view.Options) {
	d.pager.set(view.Layout(view.Detail(d.detail, o), at.W))
	d.pager.draw(at)
}
