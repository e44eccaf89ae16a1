package tui

import (
	"testing"
	"time"

	"github.com/wfops/wfops/engine/history"
)

// What takes its time of a long history is found beside the loop: what the time went
// into, and where nothing happened.
func TestLongHistoryIsDrawnInTime(t *testing.T) {
	w := newWorkshop(t)
	const activities, rest = 6000, 1000
	at := now
	for ref := int64(1); ref <= activities; {
		var events []history.Event
		for range 300 {
			at = at.Add(time.Millisecond)
			if ref == activities/2 {
				at = at.Add(rest * time.Second)
			}
			events = append(events,
				history.Event{At: at, Ref: ref, Body: history.ActivityScheduled{Name: "Charge"}},
				history.Event{At: at, Body: history.TaskStarted{Worker: "w-1"}},
				history.Event{At: at.Add(time.Millisecond), Ref: ref, Body: history.ActivityCompleted{Run: history.Run{Attempt: 1, Started: at, Worker: "w-1"}}})
			ref++
		}
		w.does(events...)
	}
	w.does(history.Event{At: at.Add(rest * time.Second), Body: history.WorkflowFailed{}})
	p := w.play(120, 40)
	p.press("3", "x")
	p.sees("timeline, 33m", "critical path: what the time went into", "100%", "◆activity Charge")
	p.inLoop(func() {
		d, ok := p.app.top().(*detail)
		if !ok {
			t.Fatal("the instance is not shown")
		}
		chart := d.panes[0].(*overview).timeline.chart
		var longest time.Duration
		for _, i := range chart.Idle(w.clock.Now()) {
			longest = max(longest, i.Length())
		}
		if longest < rest*time.Second || chart.Stale(w.clock.Now()) {
			t.Errorf("the longest rest is %v", longest)
		}
	})
}
