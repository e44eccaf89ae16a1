package view

import (
	"bytes"
	"slices"

	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/engine/history"
)

// sealedSize stands for the size of values that have not been opened.
const sealedSize = -1

// known is how many bytes the values of an event have, as far as that can be known.
func (e *line) known() int { return int(max(e.size, 0)) }

// Sealed reports whether an event was added with values that were not opened, see
// values.Sealed.
func (l *Log) Sealed(at Spot) bool { return l.has(at) && l.lines.at(at).size == sealedSize }

// Open shows the values of an event that was added before. Those that are still sealed
// can't be opened: it is not asked for again.
func (l *Log) Open(at Spot, ev *history.Event) {
	if l.Seq(at) != ev.Seq {
		return
	}
	e := l.lines.edit(at)
	if e.head == at {
		l.describe(e, ev)
	} else {
		_, _, what, _ := describe(ev.Body)
		e.text, e.length = l.texts.add(kept(what))
	}
	e.size = max(sizeOf(ev.Body), 0)
}

// isSealed reports whether an event has a value that was not opened.
func isSealed(all []Value) bool {
	return slices.ContainsFunc(all, func(v Value) bool { return bytes.Equal(v.Payload, values.Sealed) })
}
