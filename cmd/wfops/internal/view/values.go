package view

import (
	"strconv"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/values"
)

// Values is the table of payloads with a line for each part that has no parts of its
// own. more tells that there is no room for all of them; a limit of 0 has room.
func Values(all []values.Value, limit int) (t Table, more bool) {
	t = Table{Columns: []Column{
		{Key: "path", Title: "PATH", Min: 16},
		{Key: "event", Title: "EVENT", Right: true, Rank: 2},
		{Key: "name", Title: "NAME", Min: 8, Max: 32, Rank: 1},
		{Key: "value", Title: "VALUE", Min: 20},
	}}
	for _, v := range all {
		for n := range values.Walk(v.Payload) {
			if n.Inner {
				continue
			}
			if limit > 0 && len(t.Rows) >= limit {
				return t, true
			}
			t.Rows = append(t.Rows, []Cell{{v.Path + n.Path, Plain}, {positive(v.Event), Muted}, {v.Name, Plain}, valueCell(v, n)})
		}
	}
	return t, false
}

// ValueTree is the table of payloads as trees, a line for each part.
func ValueTree(all []values.Value, limit int) (t Table, more bool) {
	t = Table{Columns: []Column{
		{Key: "data", Title: "DATA", Min: 16, Max: 60},
		{Key: "value", Title: "VALUE", Min: 20},
		{Key: "event", Title: "EVENT", Right: true, Rank: 2},
		{Key: "name", Title: "NAME", Min: 8, Max: 32, Rank: 1},
	}}
	for _, v := range all {
		for n := range values.Walk(v.Payload) {
			if limit > 0 && len(t.Rows) >= limit {
				return t, true
			}
			key, event, name, style := n.Key, "", "", Plain
			if n.Depth == 0 {
				key, event, name, style = v.Path, strconv.FormatInt(v.Event, 10), v.Name, Header
			}
			t.Rows = append(t.Rows, []Cell{{strings.Repeat("  ", n.Depth) + key, style}, valueCell(v, n), {event, Muted}, {name, Plain}})
		}
	}
	return t, false
}

func valueCell(v values.Value, n values.Node) Cell {
	switch {
	case n.Inner:
		return Cell{n.Text, Muted}
	case v.Failure:
		return Cell{n.Text, Bad}
	}
	return Cell{n.Text, Plain}
}
