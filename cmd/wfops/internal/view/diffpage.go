package view

import (
	"slices"
	"sort"
	"strconv"

	"github.com/wfops/wfops/diagnostics"
)

// DiffPage is a comparison as a screen shows it: it knows which lines there are, what
// each is about, and what is folded. Lines are made when they are asked for, so that
// long histories cost no more than short ones.
type DiffPage struct {
	// Rows are those of the comparison. They are not changed.
	Rows []diagnostics.DiffRow
	// Code tells that B is what code does when it is replayed: it has commands and
	// places, no outcomes and no times.
	Code bool
	// First is the row in which code and history part, or -1. What follows it is what
	// the code would do if it had gone on.
	First int
	// Level is what rows are of. Events have places in the code, and no times of their own.
	Level diagnostics.Level

	lines  []DiffLine
	differ []int // rows that are not the same
	// open and toggled say which runs of rows that are the same are shown: all or none,
	// but for those that begin at a row in toggled.
	open    bool
	toggled map[int]bool
	// closed rows do not show what has changed in them.
	closed map[int]bool
	// only leaves out rows that are the same.
	only       bool
	seqA, seqB int // widths
}

// DiffLine is what a line of a DiffPage is about.
type DiffLine struct {
	// Row is the first row that the line is about.
	Row int
	// Folded is how many rows the line stands for; 0 if it shows the row itself.
	Folded int
	// Change is which of the row's changes the line shows, from 1; 0 for the row.
	Change int
}

// NewReplayPage returns the page of a history and what code does, see ReplayRows.
func NewReplayPage(rows []diagnostics.DiffRow, first int) *DiffPage {
	p := NewDiffPage(rows)
	p.Code, p.First = true, first
	return p
}

// NewDiffPage returns the page of these rows, with all that is the same folded.
func NewDiffPage(rows []diagnostics.DiffRow) *DiffPage {
	p := &DiffPage{Rows: rows, First: -1, toggled: map[int]bool{}, closed: map[int]bool{}}
	var lastA, lastB int64
	for i := range rows {
		if rows[i].Op != diagnostics.DiffSame {
			p.differ = append(p.differ, i)
		}
		if a := rows[i].A; a != nil {
			lastA = max(lastA, a.Seq)
		}
		if b := rows[i].B; b != nil {
			lastB = max(lastB, b.Seq)
		}
	}
	p.seqA, p.seqB = len(strconv.FormatInt(lastA, 10)), len(strconv.FormatInt(lastB, 10))
	p.build()
	return p
}

// build finds out which lines there are.
func (p *DiffPage) build() {
	p.lines = p.lines[:0]
	for i := 0; i < len(p.Rows); {
		if p.Rows[i].Op != diagnostics.DiffSame {
			p.row(i)
			i++
			continue
		}
		end := p.runEnd(i)
		p.run(i, end)
		i = end
	}
}

func (p *DiffPage) row(i int) {
	p.lines = append(p.lines, DiffLine{Row: i})
	if p.closed[i] {
		return
	}
	for c := range p.Rows[i].Changes {
		p.lines = append(p.lines, DiffLine{Row: i, Change: c + 1})
	}
}

// run adds rows that are the same. Where they are folded those at the ends stay, as
// what surrounds a difference.
func (p *DiffPage) run(from, to int) {
	switch {
	case p.only:
		return
	case p.isOpen(from) || to-from <= folded:
		for i := from; i < to; i++ {
			p.lines = append(p.lines, DiffLine{Row: i})
		}
		return
	}
	if from > 0 {
		p.lines = append(p.lines, DiffLine{Row: from})
		from++
	}
	last := to
	if to < len(p.Rows) {
		last--
	}
	p.lines = append(p.lines, DiffLine{Row: from, Folded: last - from})
	if last < to {
		p.lines = append(p.lines, DiffLine{Row: last})
	}
}

// isOpen reports whether the run that begins at a row is shown.
func (p *DiffPage) isOpen(begin int) bool { return p.open != p.toggled[begin] }

func (p *DiffPage) runEnd(i int) int {
	for i < len(p.Rows) && p.Rows[i].Op == diagnostics.DiffSame {
		i++
	}
	return i
}

func (p *DiffPage) runBegin(i int) int {
	for i > 0 && p.Rows[i-1].Op == diagnostics.DiffSame {
		i--
	}
	return i
}

// Len is how many lines there are.
func (p *DiffPage) Len() int { return len(p.lines) }

// Line tells what a line is about.
func (p *DiffPage) Line(at int) DiffLine { return p.lines[at] }

// Find returns the line that shows a row, or stands for it, or the one behind the
// place where it would be.
func (p *DiffPage) Find(row int) int {
	at := sort.Search(len(p.lines), func(i int) bool { return p.lines[i].Row+max(1, p.lines[i].Folded) > row })
	return max(0, min(at, len(p.lines)-1))
}

// Fold folds or unfolds what a line is about: a run of rows that are the same, or the
// changes of a row.
func (p *DiffPage) Fold(at int) {
	if at < 0 || at >= len(p.lines) {
		return
	}
	of, row := p.closed, p.lines[at].Row
	if p.Rows[row].Op == diagnostics.DiffSame {
		of, row = p.toggled, p.runBegin(row)
	}
	if of[row] = !of[row]; !of[row] {
		delete(of, row)
	}
	p.build()
}

// FoldAll shows all that is the same, or folds it.
func (p *DiffPage) FoldAll() {
	p.open = !p.open
	clear(p.toggled)
	p.build()
}

// Only leaves out what is the same altogether, or brings it back.
func (p *DiffPage) Only() {
	p.only = !p.only
	p.build()
}

// Same is how many rows are the same, and whether they are left out.
func (p *DiffPage) Same() (n int, leftOut bool) { return len(p.Rows) - len(p.differ), p.only }

// FindSeq returns the row of an event of A, or of B, or of one before.
func (p *DiffPage) FindSeq(of *diagnostics.DiffRow) (row int) {
	side := func(r *diagnostics.DiffRow) *diagnostics.Step { return r.A }
	if of.A == nil {
		side = func(r *diagnostics.DiffRow) *diagnostics.Step { return r.B }
	}
	wanted, best := side(of), int64(0)
	for i := range p.Rows {
		if s := side(&p.Rows[i]); s != nil && s.Seq <= wanted.Seq && s.Seq > best {
			row, best = i, s.Seq
		}
	}
	return row
}

// Like folds what another page of the same two has folded.
func (p *DiffPage) Like(other *DiffPage) {
	p.open, p.only = other.open, other.only
	p.build()
}

// Differences is how many rows differ, and which of them is the last one at or before
// a row, from 1.
func (p *DiffPage) Differences(row int) (all, at int) {
	at, found := slices.BinarySearch(p.differ, row)
	if found {
		at++
	}
	return len(p.differ), at
}

// Next returns the row of the next difference behind a row, or before it. Behind the
// last one comes the first.
func (p *DiffPage) Next(row int, back bool) (next int, wrapped, ok bool) {
	if len(p.differ) == 0 {
		return 0, false, false
	}
	at, found := slices.BinarySearch(p.differ, row)
	switch {
	case back:
		at--
	case found:
		at++
	}
	n := len(p.differ)
	wrapped = at < 0 || at >= n
	return p.differ[(at+n)%n], wrapped, true
}

// Minimap shows where the differences are, in at most so many cells, and which cell a
// row is in.
func (p *DiffPage) Minimap(width, row int, o Options) (cells []Cell, at int) {
	n := len(p.Rows)
	width = min(width, n)
	if width <= 0 {
		return nil, 0
	}
	for c := range width {
		from, to := c*n/width, (c+1)*n/width
		mark, style, rank := signSame, Muted, 0
		first, _ := slices.BinarySearch(p.differ, from)
		for _, i := range p.differ[first:] {
			if i >= to {
				break
			}
			if r := diffRank(p.Rows[i].Op); r > rank {
				mark, style = diffSign(p.Rows[i].Op)
				rank = r
			}
		}
		if from <= p.First && p.First < to {
			mark, style = signBlocked, Attention
		}
		cells = append(cells, o.cell(mark, style))
		if from <= row && row < to {
			at = c
		}
	}
	return cells, at
}

// diffRank says which of two differences in one place is shown.
func diffRank(op diagnostics.DiffOp) int {
	return slices.Index([]diagnostics.DiffOp{diagnostics.DiffSame, diagnostics.DiffMoved, diagnostics.DiffChanged, diagnostics.DiffOnlyA, diagnostics.DiffOnlyB}, op)
}

// sign is that of a row.
func (p *DiffPage) sign(row int) (sign, Style) {
	if row == p.First {
		return signBlocked, Attention
	}
	return diffSign(p.Rows[row].Op)
}

// bare rows have no times.
func (p *DiffPage) bare() bool { return p.Code || p.Level.Unit() == diagnostics.LevelEvent.Unit() }

// foldText says what a line stands for: so many steps, from one to another.
func (p *DiffPage) foldText(n int, first, last *diagnostics.Step) string {
	unit := p.Level.Unit()
	if n == 1 {
		return "1 " + unit + " is the same"
	}
	return strconv.Itoa(n) + " " + unit + "s are the same (" + seqOf(first) + "-" + seqOf(last) + ")"
}
