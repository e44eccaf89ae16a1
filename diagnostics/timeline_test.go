package diagnostics_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

func timelineOf(t *testing.T, flow any, w world) diagnostics.Timeline {
	t.Helper()
	b := record(t, flow, w)
	last := b.Events[len(b.Events)-1].At
	tl := diagnostics.NewTimeline(b.Events, last.Add(time.Minute))
	checkTimeline(t, tl)
	return tl
}

// checkTimeline checks what holds for any history.
func checkTimeline(t *testing.T, tl diagnostics.Timeline) {
	t.Helper()
	for _, s := range tl.Spans {
		at := s.Began
		for _, p := range s.Parts {
			if !p.From.Equal(at) || p.To.Before(p.From) {
				t.Errorf("step %d: parts leave a gap: %+v", s.Seq, s.Parts)
			}
			at = p.To
		}
		if s.Outcome != diagnostics.OutcomePending && !at.Equal(s.Ended) && s.Kind != diagnostics.StepEffect {
			t.Errorf("step %d ends at %v, its parts at %v", s.Seq, s.Ended, at)
		}
	}
	at, percent := tl.From, 0
	for _, s := range tl.Path.Stretches {
		if !s.From.Equal(at) || !s.To.After(s.From) {
			t.Errorf("the path leaves a gap: %+v", tl.Path.Stretches)
		}
		at = s.To
	}
	var took time.Duration
	for _, s := range tl.Path.Shares {
		took, percent = took+s.Took, percent+s.Percent
	}
	if total := tl.To.Sub(tl.From); total > 0 && (!at.Equal(tl.To) || took != total || percent != 100) {
		t.Errorf("the path takes %v of %v, %d %%, ends at %v and not %v", took, total, percent, at, tl.To)
	}
}

func pathText(tl diagnostics.Timeline) string {
	var words []string
	for _, s := range tl.Path.Stretches {
		if s.Kind == diagnostics.PartTask {
			continue
		}
		w := string(s.Kind)
		if s.Name != "" {
			w += " " + s.Name
		}
		words = append(words, fmt.Sprintf("%s %v", w, s.To.Sub(s.From)))
	}
	return strings.Join(words, ", ")
}

func deadline(ctx workflow.Context, _ int) (int, error) {
	clock, stop := workflow.WithCancel(ctx)
	timer := workflow.ScheduleTimer(clock, time.Hour)
	slow := workflow.ExecuteActivity[int](ctx, ao, "slow", 1)
	fast := workflow.ExecuteActivity[int](ctx, ao, "fast", 1)
	_, _ = fast.Get(ctx)
	_, _ = slow.Get(ctx)
	workflow.ExecuteActivity[int](ctx, ao, "beside", 1)
	workflow.Select(ctx, workflow.Await(timer, nil), workflow.Receive(workflow.NewSignalChannel[int](ctx, "go"), nil))
	stop()
	return workflow.ExecuteActivity[int](ctx, ao, "last", 1).Get(ctx)
}

func TestCriticalPathGoesByCauses(t *testing.T) {
	tl := timelineOf(t, deadline, world{
		args: []any{1}, delays: map[string]time.Duration{"slow": 5 * time.Second, "beside": 50 * time.Second},
		events: []delivery{signal(20*time.Second, "go", 1)}, retries: map[string]int{"last": 1},
	})
	want := "queued slow 100ms, running slow 5s, signal wait go 14.898s, queued last 100ms, failed last 1s, backoff last 1s, queued last 100ms, running last 1s"
	if got := pathText(tl); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if s := tl.Path.Shares[0]; s.Kind != diagnostics.PartSignal || s.Percent != 64 {
		t.Errorf("shares %+v", tl.Path.Shares)
	}
}

func TestCriticalPathOfWhatIsOpen(t *testing.T) {
	for name, c := range map[string]struct {
		flow any
		w    world
		want string
	}{
		"activity": {seq, world{silent: []string{"charge"}}, "queued reserve 100ms, running reserve 1s, queued charge 1m0s"},
		"signal":   {seqNeverEnds, world{}, "queued reserve 100ms, running reserve 1s, queued charge 100ms, running charge 1s, queued ship 100ms, running ship 1s, signal wait 1m0s"},
		"retrying": {seq, world{retries: map[string]int{"charge": 2}, steps: 3}, "queued reserve 100ms, running reserve 1s, queued charge 100ms, failed charge 1s, backoff charge 1s, queued charge 59s"},
		"child":    {wide, world{silent: []string{"parcel", "timer"}, events: []delivery{signal(9*time.Second, "go", 1)}}, "queued part 100ms, running part 1s, signal wait go 7.899s, child parcel 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			c.w.args = []any{1}
			tl := timelineOf(t, c.flow, c.w)
			if got := pathText(tl); got != c.want || !tl.Open {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSpansShowAttempts(t *testing.T) {
	tl := timelineOf(t, seq, world{args: []any{1}, retries: map[string]int{"charge": 2}})
	var words []string
	for _, s := range tl.Spans {
		if s.Name != "charge" {
			continue
		}
		for _, p := range s.Parts {
			words = append(words, fmt.Sprintf("%s %d %v", p.Kind, p.Attempt, p.To.Sub(p.From)))
		}
	}
	want := "queued 1 100ms, failed 1 1s, backoff 1 1s, queued 2 100ms, failed 2 1s, backoff 2 1s, queued 3 100ms, running 3 1s"
	if got := strings.Join(words, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Workers' clocks may be wrong; parts keep their order all the same.
func TestSpansSurviveWrongClocks(t *testing.T) {
	b := record(t, seq, world{args: []any{1}, retries: map[string]int{"charge": 2}})
	for i := range b.Events {
		if r, ok := b.Events[i].Body.(history.ActivityAttemptFailed); ok {
			r.Run.Started = r.Run.Started.Add(-time.Hour)
			r.Next = r.Next.Add(time.Hour)
			b.Events[i].Body = r
		}
	}
	checkTimeline(t, diagnostics.NewTimeline(b.Events, time.Time{}))
}

func TestTimelineOfAnyHistory(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, n))
		w := world{args: []any{1}, steps: 1 + rnd.IntN(20), retries: map[string]int{"a": rnd.IntN(3)}}
		for i := range rnd.IntN(4) {
			w.events = append(w.events, signal(time.Duration(i*700+300)*time.Millisecond, "go", 1))
		}
		timelineOf(t, program(generate(rnd, 2, 6)), w)
		if t.Failed() {
			t.Fatalf("seed %d, history %d", seed, n)
		}
	}
	if tl := diagnostics.NewTimeline(nil, epoch); len(tl.Spans) > 0 {
		t.Error("spans of nothing")
	}
	ended := []history.Event{{Seq: 1, At: epoch, Body: history.WorkflowTerminated{}}}
	checkTimeline(t, diagnostics.NewTimeline(ended, epoch.Add(time.Hour)))
}

func TestIdleIsWhatNobodyWorksIn(t *testing.T) {
	tl := timelineOf(t, deadline, world{args: []any{1}, events: []delivery{signal(time.Hour/2, "go", 1)}})
	var long []string
	for _, i := range tl.Idle() {
		if i.Length() > time.Second {
			long = append(long, fmt.Sprint(i.From.Sub(tl.From).Round(time.Second), i.Length().Round(time.Second)))
		}
	}
	if got := strings.Join(long, ", "); got != "2s 29m58s" {
		t.Errorf("idle: %s", got)
	}
}

// Project and Unproject invert each other to within one cell, keep the order, and
// compressed gaps take their share of the cells and no more.
func TestScaleLaws(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(5000) {
		rnd := rand.New(rand.NewPCG(seed, n))
		length := time.Duration(1 + rnd.Int64N(1<<uint(1+rnd.IntN(50))))
		window := diagnostics.Interval{From: epoch, To: epoch.Add(length)}
		width := 1 + rnd.IntN(200)
		checkScale(t, diagnostics.NewScale(window, width, randomIdle(rnd, length)), window, width)
		if t.Failed() {
			t.Fatalf("seed %d, scale %d: %v on %d cells", seed, n, length, width)
		}
	}
}

func randomIdle(rnd *rand.Rand, length time.Duration) []diagnostics.Interval {
	var idle []diagnostics.Interval
	at := time.Duration(0)
	for range rnd.IntN(5) {
		from := at + time.Duration(rnd.Int64N(int64(length-at)/2+1))
		to := from + time.Duration(rnd.Int64N(int64(length-from)+1))
		if to > from {
			idle = append(idle, diagnostics.Interval{From: epoch.Add(from), To: epoch.Add(to)})
		}
		at = to
	}
	return idle
}

func checkScale(t *testing.T, s *diagnostics.Scale, window diagnostics.Interval, width int) {
	t.Helper()
	for c := range width {
		at := s.Unproject(c)
		if at.Before(window.From) || at.After(window.To) {
			t.Errorf("cell %d is outside of the window: %v", c, at.Sub(window.From))
		}
		// A window of fewer nanoseconds than cells has cells without a time.
		if got := s.Project(at); window.Length() > time.Duration(width)*1000 && (got < c-1 || got > c+1) {
			t.Errorf("cell %d becomes %d", c, got)
		}
	}
	last := 0
	for i := range 50 {
		at := window.From.Add(window.Length() * time.Duration(i) / 49)
		c := s.Project(at)
		if c < last || c < 0 || c >= width {
			t.Errorf("time %d is in cell %d after %d, of %d", i, c, last, width)
		}
		last = c
		if again := s.Project(s.Unproject(c)); window.Length() > time.Duration(width)*1000 && (again < c-1 || again > c+1) {
			t.Errorf("time %d: cell %d becomes %d", i, c, again)
		}
	}
	cells := 0
	for _, g := range s.Gaps() {
		cells += g.Last - g.First + 1
	}
	if cells > width/3 {
		t.Errorf("gaps take %d of %d cells", cells, width)
	}
}

func TestScaleCompressesIdle(t *testing.T) {
	window := diagnostics.Interval{From: epoch, To: epoch.Add(time.Hour)}
	idle := []diagnostics.Interval{{From: epoch.Add(time.Minute), To: epoch.Add(59 * time.Minute)}}
	s := diagnostics.NewScale(window, 60, idle)
	if g := s.Gaps(); len(g) != 1 || g[0].First != 27 || g[0].Last != 32 {
		t.Fatalf("gaps %+v", g)
	}
	for at, want := range map[time.Duration]int{-time.Hour: 0, 0: 0, 30 * time.Second: 13, 30 * time.Minute: 30, 59*time.Minute + 30*time.Second: 46, time.Hour: 59, 2 * time.Hour: 59} {
		if got := s.Project(epoch.Add(at)); got != want {
			t.Errorf("%v is in cell %d, want %d", at, got, want)
		}
	}
	if s = diagnostics.NewScale(window, 60, nil); len(s.Gaps()) > 0 || s.Project(epoch.Add(30*time.Minute)) != 30 {
		t.Error("without idle stretches time is not even")
	}
}

func TestPercentagesAddUp(t *testing.T) {
	for _, parts := range [][]time.Duration{{1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}, {995, 3, 2}, {1}, {}, {333, 333, 334}, {1 << 60, 1 << 60, 1 << 60}} {
		var total time.Duration
		for _, p := range parts {
			total += p
		}
		sum := 0
		for _, p := range diagnostics.Percentages(parts, total) {
			sum += p
		}
		if want := min(100, 100*len(parts)); sum != want {
			t.Errorf("%v: %d", parts, sum)
		}
	}
}

func BenchmarkTimeline(b *testing.B) {
	bundle := record(b, chain(10_000), world{args: []any{1}})
	for b.Loop() {
		if tl := diagnostics.NewTimeline(bundle.Events, epoch); len(tl.Spans) < 10_000 {
			b.Fatal("spans are missing")
		}
	}
}
