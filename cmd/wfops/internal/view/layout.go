package view

import (
	"cmp"
	"slices"
	"strings"
)

// gap is the room between two columns.
const gap = 1

// Layout returns the lines of a table, the first of which are the titles, for a
// terminal of that width: columns that find no room are left out, texts are escaped,
// cut and padded. There are no spaces at the ends of lines. A width of 0 means that there is no
// end of room.
func Layout(t Table, width int) [][]Cell {
	widths := t.widths(width)
	lines := make([][]Cell, 0, len(t.Rows)+1)
	titles := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = Cell{c.Title, Header}
	}
	for _, row := range append([][]Cell{titles}, t.Rows...) {
		line := make([]Cell, 0, len(row))
		for i := 0; i < len(row); i++ {
			width, last := widths[i], i
			for t.Columns[i].Spill && width > 0 && last+1 < len(row) && row[last+1].Text == "" {
				if last++; widths[last] > 0 {
					width += gap + widths[last]
				}
			}
			if width > 0 {
				line = append(line, Cell{Pad(Clip(row[i].Text, width), width, t.Columns[i].Right), row[i].Style})
			}
			i = last
		}
		lines = append(lines, trimmed(line))
	}
	return lines
}

// trimmed returns a line without spaces at its end.
func trimmed(line []Cell) []Cell {
	for n := len(line); n > 0; n-- {
		if line[n-1].Text = strings.TrimRight(line[n-1].Text, " "); line[n-1].Text != "" {
			return line[:n]
		}
	}
	return nil
}

// sampled is how many rows the widths of columns go by.
const sampled = 5000

// widths returns the width of each column, 0 for those that are left out.
func (t Table) widths(width int) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = max(1, Width(c.Title), c.Least)
		used := c.Least
		for _, row := range t.Rows[:min(len(t.Rows), sampled)] {
			used = max(used, cellWidth(row[i].Text, width))
		}
		if widths[i] = max(widths[i], used); c.Spare && used == 0 && width > 0 {
			widths[i] = 0
		}
		if c.Max > 0 && width > 0 {
			widths[i] = min(widths[i], max(c.Max, Width(c.Title)))
		}
	}
	if width > 0 {
		t.fit(widths, width)
	}
	return widths
}

// unlimited is how wide a column is where there is no end of room.
const unlimited = 1 << 16

// cellWidth looks at no more of a text than could be shown.
func cellWidth(text string, width int) int {
	if width <= 0 {
		width = unlimited
	}
	return Width(Clip(text, width))
}

// goodToHave is the highest rank of the columns that others must not be cut for.
const goodToHave = 3

// fit makes room: first columns shrink, the widest first, then they go, by rank. Those
// that are good to have go before others get less than what is good for them.
func (t Table) fit(widths []int, width int) {
	order := make([]int, len(widths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.Columns[b].Rank, t.Columns[a].Rank) })
	for _, gone := range order {
		rank := t.Columns[gone].Rank
		if rank == 0 || total(t.least(widths, rank > goodToHave)) <= width {
			break
		}
		widths[gone] = 0
	}
	for _, good := range []bool{true, false} {
		least := t.least(widths, good)
		for over := total(widths) - width; over > 0 && shrink(widths, least, over); {
			over = total(widths) - width
		}
	}
}

// least returns how narrow the columns that are left could be, or how narrow it would be
// good for them to be.
func (t Table) least(widths []int, good bool) []int {
	least := slices.Clone(widths)
	for i, c := range t.Columns {
		if to := c.Min; to > 0 {
			if good {
				to = max(to, c.Good)
			}
			least[i] = min(widths[i], to)
		}
	}
	return least
}

// shrink takes from the widest column that can give, down to the next one's width at
// most, and reports whether there was one.
func shrink(widths, least []int, over int) bool {
	widest, next := -1, 0
	for i, w := range widths {
		switch {
		case w <= least[i]:
		case widest < 0 || w > widths[widest]:
			if widest >= 0 {
				next = widths[widest]
			}
			widest = i
		default:
			next = max(next, w)
		}
	}
	if widest < 0 {
		return false
	}
	widths[widest] -= max(1, min(over, widths[widest]-max(next, least[widest])))
	return true
}

func total(widths []int) int {
	sum := -gap
	for _, w := range widths {
		if w > 0 {
			sum += w + gap
		}
	}
	return sum
}

// Select returns the table with the columns of these keys, in this order, and the
// keys that there are none for.
func (t Table) Select(keys []string) (selected Table, unknown []string) {
	var picked []int
	for _, key := range keys {
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Key == key })
		if i < 0 {
			unknown = append(unknown, key)
			continue
		}
		picked = append(picked, i)
	}
	return t.pick(picked), unknown
}

// Sorted returns the table with a mark on the column that its rows are in the order of,
// by rising values or by falling ones. No lack of room takes it away.
func (t Table) Sorted(key string, rising bool, o Options) Table {
	mark := o.cell(signFalling, Header).Text
	if rising {
		mark = o.cell(signRising, Header).Text
	}
	t.Columns = slices.Clone(t.Columns)
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Key == key {
			c.Title, c.Rank, c.Wide, c.Spare = c.Title+mark, 0, false, false
		}
	}
	return t
}

// Keys returns what the columns are called.
func (t Table) Keys() []string {
	keys := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		keys[i] = c.Key
	}
	return keys
}

// Narrow returns the table without the columns of wide tables.
func (t Table) Narrow() Table {
	return t.without(func(c Column) bool { return c.Wide })
}

// Words returns the table without the columns that are for eyes only.
func (t Table) Words() Table {
	return t.without(func(c Column) bool { return c.Sign })
}

// Without returns the table without the column of a key.
func (t Table) Without(key string) Table {
	return t.without(func(c Column) bool { return c.Key == key })
}

func (t Table) without(drop func(Column) bool) Table {
	var picked []int
	for i, c := range t.Columns {
		if !drop(c) {
			picked = append(picked, i)
		}
	}
	return t.pick(picked)
}

func (t Table) pick(columns []int) Table {
	var p Table
	for _, i := range columns {
		p.Columns = append(p.Columns, t.Columns[i])
	}
	for _, row := range t.Rows {
		cells := make([]Cell, len(columns))
		for j, i := range columns {
			cells[j] = row[i]
		}
		p.Rows = append(p.Rows, cells)
	}
	return p
}
