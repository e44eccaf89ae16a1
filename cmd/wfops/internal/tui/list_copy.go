package tui

import (
	"encoding/json"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// copies offers what a list is good for elsewhere.
func (l *list) copies() (items []copyItem) {
	if s := l.current(); s != nil {
		items = append(items, copyItem{"id", s.Instance.InstanceID})
		if row, err := json.Marshal(document.OfInstance(s)); err == nil {
			items = append(items, copyItem{"JSON", string(row)})
		}
		items = append(items, copyItem{"command", "wfops " + quoted(l.a.conn.Name) + " get " + operands(reference(s))})
	}
	if len(l.marks) > 0 {
		var ids []string
		for _, s := range l.chosen() {
			ids = append(ids, s.Instance.InstanceID)
		}
		items = append(items, copyItem{"marked ids", strings.Join(ids, "\n")})
	}
	if l.text != "" {
		items = append(items, copyItem{"filter", l.text})
	}
	return append(items, copyItem{"list command", l.twin()})
}

// twin is the command that lists the same.
func (l *list) twin() string {
	command := "wfops " + quoted(l.a.conn.Name) + " list"
	if l.text != "" {
		command += " --filter " + quoted(l.text)
	}
	if l.sort != ops.SortAttention {
		command += " --sort " + string(l.sort)
	}
	if l.up {
		command += " --reverse"
	}
	return command
}

// saved is all that is loaded.
func (l *list) saved() string {
	var b strings.Builder
	for _, line := range view.Layout(view.Instances(l.items, l.a.options()), 0) {
		b.WriteString(strings.TrimRight(text(line), " ") + "\n")
	}
	return b.String()
}
