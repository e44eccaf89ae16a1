package diagnostics

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Scale maps time to cells of a line and back.
type Scale struct {
	width int
	// stops are where the speed changes: at is the time since the beginning, x the
	// place in cells. Both grow from stop to stop.
	stops []stop
	from  time.Time
	gaps  []Gap
}

type stop struct {
	at time.Duration
	x  float64
}

// Gap is an idle stretch that is drawn shorter than it was.
type Gap struct {
	Interval
	// First and Last cell of the gap.
	First, Last int
}

const (
	gapCells = 6  // of a compressed gap, unless there is no room
	gapShare = 10 // an idle stretch of more than 1/gapShare of the time is compressed
	gapRoom  = 3  // all gaps together take at most 1/gapRoom of the cells
)

// NewScale returns the scale of a window of time on width cells, at least 1. Long
// stretches of idle, if any is given, are compressed. Idle stretches do not overlap
// and are in order.
func NewScale(window Interval, width int, idle []Interval) *Scale {
	s := &Scale{width: max(width, 1), from: window.From}
	total := max(window.Length(), 1)
	gaps := chosen(window, s.width, idle)
	cells := 0
	if len(gaps) > 0 {
		cells = max(1, min(gapCells, s.width/gapRoom/len(gaps)))
	}
	active := total
	for _, g := range gaps {
		active -= g.Length()
	}
	room := float64(s.width - cells*len(gaps))
	x, at := 0.0, time.Duration(0)
	s.stops = append(s.stops, stop{})
	to := func(until time.Duration, by float64) {
		if until > at {
			x, at = x+by, until
			s.stops = append(s.stops, stop{at, x})
		}
	}
	for _, g := range gaps {
		begin := g.From.Sub(window.From)
		to(begin, room*share(begin-at, active))
		first := x
		to(g.To.Sub(window.From), float64(cells))
		s.gaps = append(s.gaps, Gap{Interval: g, First: int(first), Last: int(first) + cells - 1})
	}
	to(total, room*share(total-at, active))
	s.stops[len(s.stops)-1].x = float64(s.width) // what rounding has lost
	return s
}

func share(part, whole time.Duration) float64 {
	if whole <= 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// chosen are the stretches to compress: long ones, that get shorter by it, as many as
// there is room for, and not all of the window.
func chosen(window Interval, width int, idle []Interval) []Interval {
	var long []Interval
	for _, i := range idle {
		i.From, i.To = latest(i.From, window.From), earliest(i.To, window.To)
		if i.Length() > window.Length()/gapShare && float64(width)*share(i.Length(), window.Length()) > gapCells {
			long = append(long, i)
		}
	}
	most := width / gapRoom
	if len(long) > most {
		slices.SortFunc(long, func(a, b Interval) int { return cmp.Compare(b.Length(), a.Length()) })
		long = long[:most]
		slices.SortFunc(long, func(a, b Interval) int { return a.From.Compare(b.From) })
	}
	return long
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Gaps are the compressed stretches.
func (s *Scale) Gaps() []Gap { return s.gaps }

// Project returns the cell of a time: 0 for what is before the window, the last one
// for what is after it.
func (s *Scale) Project(t time.Time) int {
	return min(max(int(s.place(t.Sub(s.from))), 0), s.width-1)
}

func (s *Scale) place(at time.Duration) float64 {
	i := sort.Search(len(s.stops), func(i int) bool { return s.stops[i].at > at })
	switch {
	case i == 0:
		return 0
	case i == len(s.stops):
		return s.stops[i-1].x
	}
	a, b := s.stops[i-1], s.stops[i]
	return a.x + (b.x-a.x)*share(at-a.at, b.at-a.at)
}

// Unproject returns the time in the middle of a cell. It inverts Project to within
// one cell.
func (s *Scale) Unproject(cell int) time.Time {
	x := float64(min(max(cell, 0), s.width-1)) + 0.5
	i := sort.Search(len(s.stops), func(i int) bool { return s.stops[i].x > x })
	i = min(max(i, 1), len(s.stops)-1)
	a, b := s.stops[i-1], s.stops[i]
	return s.from.Add(a.at + time.Duration(float64(b.at-a.at)*(x-a.x)/(b.x-a.x)))
}
