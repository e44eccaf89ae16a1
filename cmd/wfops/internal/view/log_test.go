package view_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// scribe writes histories by chance.
type scribe struct {
	*rand.Rand

	events []history.Event
	at     time.Time
	open   []history.Event // commands that wait for an answer
	refs   int64
}

// written returns a well-formed history of about n events.
func written(t *testing.T, seed uint64, n int) []history.Event {
	t.Helper()
	s := &scribe{Rand: rand.New(rand.NewPCG(seed, 1)), at: now.Add(-2 * time.Hour)} //nolint:gosec // chance, not secrets
	s.add(0, history.TaskStarted{Worker: "w-1", Build: "9c1e"})
	s.add(0, history.WorkflowStarted{Workflow: "Order", Args: []engine.Payload{engine.Payload(`{"n":1}`)}})
	for len(s.events) < n {
		s.step()
	}
	if s.IntN(2) == 0 {
		s.add(0, history.WorkflowFailed{Failure: &engine.Failure{Type: "E", Message: "over"}})
	}
	if err := history.Check(s.events); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return s.events
}

func (s *scribe) add(ref int64, b history.Body) {
	s.at = s.at.Add(time.Duration(s.IntN(9_000)) * time.Millisecond)
	s.events = append(s.events, history.Event{Seq: int64(len(s.events)) + 1, At: s.at, Ref: ref, Body: b})
}

func (s *scribe) command(b history.Body) {
	s.refs++
	s.add(s.refs, b)
	s.open = append(s.open, s.events[len(s.events)-1])
}

func (s *scribe) step() {
	name := string(rune('A' + s.IntN(5)))
	value := engine.Payload(fmt.Sprintf(`{"name":%q,"n":%d}`, name, s.IntN(100)))
	switch s.IntN(9) {
	case 0:
		s.add(0, history.TaskStarted{Worker: "w-2"})
	case 1:
		s.add(0, history.SignalReceived{Name: name, Arg: value})
	case 2:
		s.command(history.TimerScheduled{Name: name, Duration: time.Minute})
	case 3:
		s.command(history.ChildScheduled{Workflow: name, Instance: engine.Instance{InstanceID: name}})
	case 4:
		s.add(0, history.VersionMarked{ChangeID: name, Version: 2})
	case 5, 6:
		s.command(history.ActivityScheduled{Name: name, Args: []engine.Payload{value}, Site: history.Site{File: "order.go", Line: 7, Function: "shop.Order"}})
	default:
		s.answer()
	}
}

// answer answers a command, or tells of an attempt of it. It may answer again later.
func (s *scribe) answer() {
	if len(s.open) == 0 {
		return
	}
	i := s.IntN(len(s.open))
	c := s.open[i]
	run := history.Run{Attempt: 1, Started: s.at, Worker: "w-1"}
	failure := &engine.Failure{Type: "CarrierError", Message: []string{"502", "timeout"}[s.IntN(2)]}
	switch c.Body.(type) {
	case history.TimerScheduled:
		s.add(c.Ref, []history.Body{history.TimerFired{}, history.TimerCanceled{}}[s.IntN(2)])
	case history.ChildScheduled:
		s.add(c.Ref, []history.Body{history.ChildCompleted{Result: engine.Payload("1")}, history.ChildFailed{Failure: failure}, history.ChildCancelRequested{}}[s.IntN(3)])
	default:
		s.add(c.Ref, []history.Body{
			history.ActivityCompleted{Result: engine.Payload("1"), Run: run}, history.ActivityFailed{Failure: failure, Run: run},
			history.ActivityAttemptFailed{Failure: failure, Run: run}, history.ActivityAttemptFailed{Failure: failure, Run: run}, history.ActivityCanceled{},
		}[s.IntN(5)])
	}
	if s.IntN(3) == 0 {
		s.open = slices.Delete(s.open, i, i+1)
	}
}

func logOf(events []history.Event) *view.Log {
	l := &view.Log{}
	for i := range events {
		l.Add(&events[i])
	}
	return l
}

func rowTexts(l *view.Log, o view.Options) string {
	var b strings.Builder
	for _, row := range l.Rows(0, l.Len(), o).Rows {
		for _, c := range row {
			b.WriteString(c.Text + "|")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Every event is in one place: when everything is unfolded each has a row, and all are
// there.
func TestLogHoldsEachEventOnce(t *testing.T) {
	for seed := range uint64(60) {
		events := written(t, seed, 60)
		l := logOf(events)
		l.Unfold(true)
		if l.Len() != len(events) {
			t.Fatalf("seed %d: %d rows of %d events", seed, l.Len(), len(events))
		}
		seen := map[int64]int{}
		for row := range l.Len() {
			seen[l.Seq(l.At(row))]++
		}
		for _, e := range events {
			if seen[e.Seq] != 1 {
				t.Fatalf("seed %d: event %d (%s) is on %d rows", seed, e.Seq, e.Kind(), seen[e.Seq])
			}
			if at, ok := l.PlaceOf(e.Seq); !ok || l.Seq(at) != e.Seq {
				t.Fatalf("seed %d: event %d is said to be at %v", seed, e.Seq, at)
			}
		}
		if got := len(l.Rows(0, l.Len(), view.Options{Now: now}).Rows); got != l.Len() {
			t.Fatalf("seed %d: %d rows are drawn of %d", seed, got, l.Len())
		}
	}
}

// However steps are folded, a row leads to a place and back, and what is drawn of some
// rows is what they are among all.
func TestLogFolds(t *testing.T) {
	for seed := range uint64(25) {
		l, chance := logOf(written(t, seed, 60)), rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // chance, not secrets
		o := view.Options{Now: now}
		for range 12 {
			at := l.At(chance.IntN(l.Len()))
			before := l.Len()
			l.Toggle(at)
			once := l.Len()
			if l.Toggle(at); l.Len() != before {
				t.Fatalf("seed %d: folded and unfolded, %d rows became %d and %d", seed, before, once, l.Len())
			}
			l.Toggle(at)
			all := l.Rows(0, l.Len(), o).Rows
			if len(all) != l.Len() {
				t.Fatalf("seed %d: %d rows are drawn of %d", seed, len(all), l.Len())
			}
			for row := range l.Len() {
				if back := l.Row(l.At(row)); back != row {
					t.Fatalf("seed %d: row %d is at %v, which is on row %d", seed, row, l.At(row), back)
				}
				if part := l.Rows(row, row+1, o).Rows; fmt.Sprint(part[0]) != fmt.Sprint(all[row]) {
					t.Fatalf("seed %d: row %d alone is %v, and among all %v", seed, row, part[0], all[row])
				}
			}
		}
	}
}

// A log that was looked at while it grew is the one that was read at once.
func TestLogGrows(t *testing.T) {
	for seed := range uint64(50) {
		events, grown := written(t, seed, 60), &view.Log{}
		for i := range events {
			grown.Add(&events[i])
			grown.Len()
		}
		o := view.Options{Now: now}
		if got, want := rowTexts(grown, o), rowTexts(logOf(events), o); got != want {
			t.Fatalf("seed %d: grown\n%s\nat once\n%s", seed, got, want)
		}
	}
}

// The steps that a log draws in time are those of the whole history.
func TestChartDrawsTheSteps(t *testing.T) {
	for seed := range uint64(50) {
		events := written(t, seed, 60)
		tl, c := diagnostics.NewTimeline(events, now), view.NewChart(logOf(events))
		if c.Len() != len(tl.Spans) {
			t.Fatalf("seed %d: %d lines of %d steps", seed, c.Len(), len(tl.Spans))
		}
		if b := c.Bounds(now); !b.From.Equal(tl.From) || !b.To.Equal(tl.To) {
			t.Fatalf("seed %d: from %v to %v, and not %v to %v", seed, b.From, b.To, tl.From, tl.To)
		}
		for i := range tl.Spans {
			got, want := c.Span(i, now), tl.Spans[i]
			if got.Seq != want.Seq || got.End != want.End || got.Outcome != want.Outcome || fmt.Sprint(got.Parts) != fmt.Sprint(want.Parts) {
				t.Fatalf("seed %d: step %d is %+v, and not %+v", seed, i, got, want)
			}
			if at := c.Spot(i); c.Line(at) != i {
				t.Fatalf("seed %d: line %d is at %v, which is on line %d", seed, i, at, c.Line(at))
			}
		}
		for _, idle := range [][]diagnostics.Interval{c.Idle(now), logOf(events).Trail(now).Idle()} {
			if got, want := fmt.Sprint(idle), fmt.Sprint(tl.Idle()); got != want {
				t.Fatalf("seed %d: idle %s, and not %s", seed, got, want)
			}
		}
	}
}

// Whatever part of the time is shown, lines take the room that there is, and a cell
// stands for a time that is drawn in it.
func TestChartFits(t *testing.T) {
	for seed := range uint64(20) {
		c, chance := view.NewChart(logOf(written(t, seed, 40))), rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // chance, not secrets
		all := c.Bounds(now)
		for range 20 {
			from := all.From.Add(time.Duration(chance.Int64N(int64(all.Length()))))
			part := diagnostics.Interval{From: from, To: from.Add(time.Duration(chance.Int64N(int64(all.Length())) + int64(time.Millisecond)))}
			width, o := 1+chance.IntN(150), view.Options{Now: now, ASCII: chance.IntN(2) == 0}
			w := view.NewWindow(part, c.Names(0, c.Len()), width, c.Idle(now))
			want := w.Names + 1 + w.Bars
			if got := view.Width(textOf(c.Axis(w, o))); got != want+len(" TOOK") {
				t.Fatalf("seed %d: the axis of %d cells takes %d, not %d", seed, width, got, want+5)
			}
			for line := range c.Len() {
				if got := view.Width(textOf(c.Row(line, w, o))); got < want || got > want+9 {
					t.Fatalf("seed %d: a line takes %d, the bars end at %d", seed, got, want)
				}
			}
			for cell := range w.Bars {
				if back := w.Scale.Project(w.Scale.Unproject(cell)); back < cell-1 || back > cell+1 {
					t.Fatalf("seed %d: cell %d stands for a time that is drawn in cell %d", seed, cell, back)
				}
			}
		}
	}
}

func textOf(cells []view.Cell) string {
	var b strings.Builder
	for _, c := range cells {
		b.WriteString(c.Text)
	}
	return b.String()
}

// A search comes by everything that is wanted, once, in either direction.
func TestLogFinds(t *testing.T) {
	for seed := range uint64(30) {
		l := logOf(written(t, seed, 60))
		for _, w := range []view.Wanted{{}, {Text: "CARRIER"}, {Text: "no such"}, {Text: "no such", Also: view.Found{3, 17}}} {
			all := map[int64]bool{}
			for seq := int64(1); seq <= l.Events; seq++ {
				if at, _ := l.PlaceOf(seq); l.Has(at, w) && w.Text != "" {
					all[seq] = true
				}
			}
			want := len(all)
			if w.Text == "" {
				want = l.Problems()
			}
			for _, back := range []bool{false, true} {
				seen, at := map[int64]bool{}, view.Spot(0)
				for range want {
					next, _, ok := l.Find(at, back, w)
					if !ok {
						t.Fatalf("seed %d: %v: found %d of %d", seed, w, len(seen), want)
					}
					at, seen[l.Seq(next)] = next, true
					l.Show(at)
					if !l.Wants(l.Row(at), w) {
						t.Fatalf("seed %d: %v: the row of %v does not stand out", seed, w, at)
					}
				}
				if len(seen) != want {
					t.Fatalf("seed %d: %v: came by %d of %d", seed, w, len(seen), want)
				}
			}
			if _, _, ok := l.Find(0, false, w); ok != (want > 0) {
				t.Fatalf("seed %d: %v: found: %t of %d", seed, w, ok, want)
			}
		}
	}
}

// The critical path of a log is that of the whole history, also if it has gone on since.
func TestLogHasThePath(t *testing.T) {
	for seed := range uint64(200) {
		events := written(t, seed, 20+int(seed)) //nolint:gosec // small
		half := len(events) / 2
		l := logOf(events[:half])
		trail, first := l.Trail(now), make(chan *view.Path)
		go func() { first <- trail.Path() }() // beside the loop
		for i := range events[half:] {
			l.Add(&events[half+i])
		}
		l.Toggle(1)
		for _, c := range []struct {
			got  *view.Path
			want diagnostics.Path
		}{{<-first, diagnostics.NewTimeline(events[:half], now).Path}, {l.Trail(now).Path(), diagnostics.NewTimeline(events, now).Path}} {
			if got, want := fmt.Sprint(byName(c.got.Shares)), fmt.Sprint(byName(c.want.Shares)); got != want {
				t.Fatalf("seed %d: the time went into\n%s\nand not\n%s", seed, got, want)
			}
			steps := map[int64]bool{}
			for _, s := range c.want.Stretches {
				steps[s.Seq] = steps[s.Seq] || s.Kind != diagnostics.PartTask
			}
			for seq := range l.Events + 1 {
				if c.got.Has(seq) != steps[seq] {
					t.Fatalf("seed %d: the path goes through event %d: %t", seed, seq, steps[seq])
				}
			}
		}
	}
}

// byName brings what took the same time into one order. Its percentages may be rounded
// differently.
func byName(all []diagnostics.Share) []string {
	var texts []string
	for _, s := range all {
		texts = append(texts, fmt.Sprint(s.Kind, s.Name, s.Took))
	}
	slices.Sort(texts)
	return texts
}

// bytesOfEvent is how much room an event of a usual history may take: those of a
// history of 200,000 events are in 25 MiB.
const bytesOfEvent = 130

func TestLogIsSmall(t *testing.T) {
	const activities = 10_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := &view.Log{}
	add := func(ref int64, at time.Time, b history.Body) {
		l.Add(&history.Event{Seq: l.Events + 1, At: at, Ref: ref, Body: b})
	}
	for ref := int64(1); ref <= activities; ref++ {
		at := now.Add(time.Duration(ref) * time.Second)
		args := []engine.Payload{engine.Payload(fmt.Sprintf(`"ord-%d"`, ref)), engine.Payload(`{"amount":129.9,"currency":"EUR"}`)}
		add(0, at, history.TaskStarted{Worker: "host-1234-a1b2", Build: "v1.4.2-0a1b2c3d"})
		add(ref, at, history.ActivityScheduled{Name: "ChargeCard", Args: args, Site: history.Site{Function: "example.com/shop.Checkout", File: "checkout.go", Line: 42}})
		add(ref, at, history.ActivityCompleted{Result: engine.Payload(`{"id":"ord-17","total":129.9,"items":["a","b"]}`), Run: history.Run{Attempt: 1, Started: at, Worker: "host-1234-a1b2"}})
	}
	l.Len()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := int64(after.HeapAlloc-before.HeapAlloc) / l.Events; got > bytesOfEvent { //nolint:gosec // far below the bound
		t.Errorf("an event takes %d bytes, and may take %d", got, bytesOfEvent)
	}
	runtime.KeepAlive(l)
}
