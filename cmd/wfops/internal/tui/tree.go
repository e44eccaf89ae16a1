package tui

import (
	"context"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// tree is an instance with its children.
type tree struct {
	d     *detail
	table table
	root  *ops.Node
	rows  []treeRow
	next  time.Time // when to read it anew: it costs a question for each instance
}

// treeRow is an instance or, if more, those of its children that the tree has no room for.
type treeRow struct {
	node *ops.Node
	more bool
}

func (*tree) scopes() []command.Scope { return nil }
func (*tree) grown()                  {}

func (t *tree) refresh() {
	began := t.d.a.o.Clock()
	if t.d.a.underWay(t.d, "tree") || began.Before(t.next) {
		return
	}
	store, root := t.d.a.conn.Store, t.d.detail.Summary
	ask(t.d.a, t.d, "tree", func(ctx context.Context) (*ops.Node, error) { return store.Tree(ctx, root) }, func(n *ops.Node, err error) {
		now := t.d.a.o.Clock()
		t.next = now.Add(countShare * now.Sub(began))
		if t.d.a.heardOf(err) {
			t.root, t.rows = n, nil
			t.add(n)
			t.table.resize(len(t.rows))
		}
	})
}

// add takes the nodes in the order of the rows.
func (t *tree) add(n *ops.Node) {
	t.rows = append(t.rows, treeRow{node: n})
	for _, child := range n.Children {
		t.add(child)
	}
	if n.More {
		t.rows = append(t.rows, treeRow{n, true})
	}
}

// current is the instance under the cursor, or nil.
func (t *tree) current() *ops.Node {
	if t.table.cursor >= len(t.rows) || t.rows[t.table.cursor].more {
		return nil
	}
	return t.rows[t.table.cursor].node
}

func (t *tree) do(name string) bool {
	if t.table.move(name) {
		return true
	}
	if name != "enter" {
		return false
	}
	if t.table.cursor < len(t.rows) {
		t.enter(t.rows[t.table.cursor])
	}
	return true
}

func (t *tree) enter(row treeRow) {
	switch {
	case row.more:
		t.d.a.openFiltered(filter.ChildrenOf(row.node.Instance.InstanceID))
	case row.node.Instance == t.d.instance():
		t.d.turn(0)
	default:
		t.d.a.show(newDetail(t.d.a, row.node.Summary))
	}
}

func (t *tree) draw(at grid.Area, o view.Options) {
	if t.root == nil {
		at.Line(1, 0, view.Cell{Text: "  reading...", Style: view.Muted})
		return
	}
	all := view.Tree(t.root, o)
	t.table.resize(len(all.Rows))
	t.table.draw(at, o, func(from, to int, _ view.Options) view.Table {
		all.Rows = all.Rows[from:to]
		return all
	}, nil)
	if len(t.rows) == 1 && at.H > 2 {
		at.Line(2, 0, view.Cell{Text: "  it has no children", Style: view.Muted})
	}
}

func (t *tree) click(x, y int) {
	if _, row, ok := t.table.at.Holds(x, y); ok && row > 0 {
		t.table.to(t.table.top + row - 1)
	}
}

// chosen is the instance under the cursor.
func (t *tree) chosen() []backend.Summary {
	if n := t.current(); n != nil {
		return []backend.Summary{n.Summary}
	}
	return nil
}

func (t *tree) copies() []copyItem {
	if n := t.current(); n != nil {
		return []copyItem{{"id of the child", n.Instance.InstanceID}}
	}
	return nil
}
