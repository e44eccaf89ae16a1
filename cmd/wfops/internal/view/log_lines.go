package view

import (
	"slices"
	"strings"

	"github.com/wfops/wfops/engine/history"
)

// lines is a list that grows without being copied: it is long, and two of it would be
// in memory for a while. A frozen copy of it shares its blocks.
type lines struct {
	blocks []*[blockSize]line
	// frozen is how many of the first blocks a copy may have, and mine which of them have
	// been copied since.
	frozen int
	mine   map[int]bool
	n      int
}

const blockSize = 256

func (l *lines) add(e line) {
	if l.n%blockSize == 0 {
		l.blocks = append(l.blocks, new([blockSize]line))
	}
	l.n++
	*l.edit(Spot(l.n)) = e //nolint:gosec // histories have fewer events
}

func (l *lines) at(at Spot) *line { return &l.blocks[(at-1)/blockSize][(at-1)%blockSize] }

// edit returns a line that is going to be changed.
func (l *lines) edit(at Spot) *line {
	if b := int(at-1) / blockSize; b < l.frozen && !l.mine[b] {
		copied := *l.blocks[b]
		l.blocks[b], l.mine[b] = &copied, true
	}
	return l.at(at)
}

// freeze returns what the list is now, for somebody who reads it beside the loop.
func (l *lines) freeze() lines {
	l.frozen, l.mine = len(l.blocks), map[int]bool{}
	return lines{blocks: slices.Clone(l.blocks), n: l.n}
}

// texts are what lines say. Each was part of a page of events, and would keep all of
// that in memory.
type texts struct{ blocks []*strings.Builder }

// text is where a text begins: its block, and its place in that.
type text uint32

const textBits = 14

// keptText is how much of a text is kept, in bytes: what is added to say that it was
// longer makes less than 256 of it.
const keptText = 160

func (t *texts) add(what string) (text, uint8) {
	last := len(t.blocks) - 1
	if last < 0 || t.blocks[last].Len()+len(what) > 1<<textBits {
		last++
		t.blocks = append(t.blocks, &strings.Builder{})
		t.blocks[last].Grow(1 << textBits)
	}
	b := t.blocks[last]
	at := text(last<<textBits | min(b.Len(), 1<<textBits-1)) //nolint:gosec // that is 4 GiB
	b.WriteString(what)
	return at, uint8(len(what)) //nolint:gosec // see keptText
}

func (t *texts) text(at text, length uint8) string {
	if length == 0 {
		return ""
	}
	return t.blocks[at>>textBits].String()[at&(1<<textBits-1):][:length]
}

// words are texts that occur again and again. The first is empty.
type words struct {
	all   []string
	index map[string]word
	kinds []history.Kind
}

type word uint32

func (w *words) word(text string) word {
	if w.index == nil {
		w.index, w.all = map[string]word{"": 0}, []string{""}
	}
	i, ok := w.index[text]
	if !ok {
		text = strings.Clone(text)
		i = word(len(w.all)) //nolint:gosec // histories have fewer events
		w.all, w.index[text] = append(w.all, text), i
	}
	return i
}

func (w *words) text(of word) string {
	if of == 0 {
		return ""
	}
	return w.all[of]
}

func (w *words) kind(k history.Kind) uint8 {
	i := slices.Index(w.kinds, k)
	if i < 0 {
		i, w.kinds = len(w.kinds), append(w.kinds, k)
	}
	return uint8(i) //nolint:gosec // there are some thirty
}
