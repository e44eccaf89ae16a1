package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/history"
)

// What can't be done on a screen is not offered there.
func TestWhatTheScreensOffer(t *testing.T) {
	a := &app{stack: make([]screen, 1)}
	offering := map[string]interface{ can(name string) bool }{"service": &service{a: a}, "worker": &worker{a: a}, "connections": &connections{a: a}}
	for name, s := range offering {
		opens := name == "worker" // which is there, as the others' rows are not
		if s.can("filter") || s.can("enter") != opens || s.can("next") || !s.can("help") {
			t.Errorf("%s offers what it can't do, or no help", name)
		}
	}
}

// pinned is a store that does not say what this program was built with.
type pinned struct{ backend.Backend }

func (p pinned) Info(ctx context.Context) (backend.Info, error) {
	info, err := p.Backend.Info(ctx)
	info.Version, info.Schema = "1.0", 3
	return info, err
}

func worker7f(beats time.Duration) backend.Worker {
	return backend.Worker{
		ID: "w-7f", Host: "host-3", PID: 7, Build: "9c1e", Queues: []engine.Queue{"default", "billing"}, Workflows: []string{"OrderFill"}, Activities: []string{"ChargeCard"},
		WorkflowsUsed: 3, WorkflowSlots: 8, ActivitiesUsed: 1, ActivitySlots: 16, Leases: 4, Warm: 212, Started: now.Add(-41 * time.Minute), Seen: now.Add(-beats),
	}
}

// served fills a store with instances, and workers that were heard of when they say.
func served(t *testing.T, rows []opstest.Row, workers ...backend.Worker) (backend.Backend, *opstest.Clock) {
	t.Helper()
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	opstest.Seed(t, b, clock, rows, workers...)
	clock.Set(now)
	return pinned{b}, clock
}

func order(id string, status engine.Status) opstest.Row {
	return opstest.Row{Summary: backend.Summary{
		Instance: engine.Instance{InstanceID: id}, Workflow: "OrderFill", Queue: "default", Status: status, Build: "9c1e",
		Created: now.Add(-10 * time.Minute), Updated: now.Add(-5 * time.Minute),
	}}
}

// healthy is a store in which nothing is wrong.
func healthy(t *testing.T) (backend.Backend, *opstest.Clock) {
	t.Helper()
	second := worker7f(time.Second)
	second.ID, second.PID = "w-22", 8
	return served(t, []opstest.Row{order("order-1", engine.StatusRunning)}, worker7f(time.Second), second)
}

// unwell is one in which a worker has died, another can't keep up, a queue is served by
// nobody and an instance is blocked.
func unwell(t *testing.T) (backend.Backend, *opstest.Clock) {
	t.Helper()
	lost := worker7f(124 * time.Second)
	lost.ID, lost.Host, lost.Build, lost.Leases, lost.Started = "w-31", "host-7", "41fd", 9, now.Add(-216*time.Hour)
	sick := worker7f(time.Second)
	sick.ID, sick.Build, sick.Unhealthy, sick.Queues = "w-22", "41fd", "its disk is full", []engine.Queue{"billing"}
	blocked := order("order-8702", engine.StatusBlocked)
	blocked.BlockClass, blocked.Block = "HANG", []byte(`{"class":"HANG","message":"stuck"}`)
	behind := order("order-8841", engine.StatusRunning)
	scheduled, err := history.Encode(history.Event{At: behind.Updated, Ref: 1, Body: history.ActivityScheduled{Name: "ChargeCard", Queue: "default"}})
	if err != nil {
		t.Fatal(err)
	}
	behind.Activities = []backend.ActivityRow{{Ref: 1, Name: "ChargeCard", Queue: "default", Event: scheduled, Scheduled: behind.Updated}}
	forgotten := order("report-7", engine.StatusRunning)
	forgotten.Activities = []backend.ActivityRow{{Ref: 1, Name: "Print", Queue: "the printers of the second floor", Event: scheduled, Scheduled: behind.Updated}}
	return served(t, []opstest.Row{blocked, order("order-8790", engine.StatusFailed), behind, forgotten}, lost, worker7f(time.Second), sick)
}

func TestServiceLooks(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			b, clock := unwell(t)
			p := playOn(t, b, clock, size[0], size[1], nil)
			p.press("H")
			p.golden(fmt.Sprintf("service_%d", size[0]))
			b, clock = healthy(t)
			p = playOn(t, b, clock, size[0], size[1], nil)
			p.press("Q")
			p.golden(fmt.Sprintf("service_healthy_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		b, clock := unwell(t)
		p := playOn(t, b, clock, 80, 24, func(o *Options) { o.ASCII = true })
		p.press("W")
		p.golden("service_ascii")
	})
	t.Run("worker", func(t *testing.T) {
		b, clock := unwell(t)
		p := playOn(t, b, clock, 80, 24, nil)
		p.press("W", "G", "Enter")
		p.golden("service_worker")
	})
}

func TestServiceOpensWithThePaneThatWasAskedFor(t *testing.T) {
	for key, want := range map[string]string{"H": "> problems", "Q": "> queues", "W": "> workers"} {
		p := play(t, 80, 24, nil)
		p.press(key)
		p.sees(want)
		p.press("Tab", "Shift-Tab")
		p.sees(want)
		p.press("Esc")
		p.sees("kyc-5520")
	}
	p := play(t, 80, 24, nil)
	p.press("Enter", "W") // from an instance as well
	p.sees("> workers", "w-7f")
	p.press("Q")
	p.sees("> queues")
	p.press("Esc")
	p.sees("order-8702")
}

func TestProblemsLeadToWhatTheyAreAbout(t *testing.T) {
	b, clock := unwell(t)
	p := playOn(t, b, clock, 120, 40, nil)
	p.press("H")
	p.sees("5 problems")
	want := map[string][]string{
		"blocked": {"/is:blocked", "order-8702"}, "worker-lost": {"w-31", "host-7", "lost"}, "worker-unhealthy": {"w-22", "its disk is full"},
		"queue-slow": {"/queue:default", "order-8841"}, "queue-unserved": {`/queue:"the printers of the second floor"`}, "mixed-builds": {"> workers"},
	}
	for row := range len(want) {
		p.press("H", "g")
		for range row {
			p.press("n")
		}
		var code string
		p.inLoop(func() { code = p.app.top().(*service).health.Findings[row].Code })
		p.press("Enter")
		p.sees(want[code]...)
		if code != "mixed-builds" {
			p.press("Esc")
		}
		p.sees("5 problems")
		if want[code] == nil {
			t.Errorf("%s is found twice, or unknown", code)
		}
		delete(want, code)
	}
}

func TestQueueLeadsToItsInstances(t *testing.T) {
	p := play(t, 120, 40, nil)
	p.press("Q", "G")
	var queue string
	p.inLoop(func() {
		s := p.app.top().(*service)
		queue = string(s.health.Queues[s.panes[paneQueues].cursor].Queue)
	})
	p.press("Enter")
	p.sees("/queue:" + queue)
	p.press("Esc", "Esc")
	p.sees("workflows")
}

// What a worker has is a list, from which the way back leads to where it was opened.
func TestWorkerLeadsToItsInstances(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("W", "j")
	p.sees("> w-7f")
	p.press("Enter")
	p.sees("workers › w-7f", "Enter lists")
	p.press("Enter")
	p.sees("/is:open worker:w-7f", "scan", "1 of 7", "order-8841", "kyc-5520")
	p.misses("order-8788", "import-311-a") // which have ended
	p.press("G", "Enter", "Esc", "Esc", "Esc")
	p.sees("> workers 2, 1 lost", "> w-7f")
	p.press("Esc")
	p.sees("order-8788")
}

// A queue may have any name.
func TestQueueNamesAreQuoted(t *testing.T) {
	for _, name := range []string{"default", "a b", `a"b\c`, "a,b", "a*", "!a", "/a/"} {
		p := play(t, 80, 24, nil)
		p.inLoop(func() { p.app.openQueue(name) })
		p.settle()
		p.inLoop(func() {
			s := backend.Summary{Queue: engine.Queue(name)}
			other := backend.Summary{Queue: engine.Queue(name + "x")}
			if l := p.app.top().(*list); l.text == "" || !l.filter.Match(&s, now) || l.filter.Match(&other, now) {
				t.Errorf("queue %q is looked for with %s", name, l.text)
			}
		})
	}
}

func TestTrendsTellWhatChangedWhileSomebodyLooked(t *testing.T) {
	b, clock := healthy(t)
	p := playOn(t, b, clock, 120, 40, nil)
	p.press("Q")
	beat := func(after time.Duration, id string) {
		clock.Set(clock.Now().Add(after))
		started, err := history.Encode(history.Event{Body: history.WorkflowStarted{Workflow: "OrderFill", Queue: "default"}})
		if err != nil {
			t.Fatal(err)
		}
		i := engine.Instance{InstanceID: id, ExecutionID: id}
		if r := b.Create(t.Context(), []backend.Creation{{Instance: i, FirstExecution: id, Workflow: "OrderFill", Queue: "default", Started: started}})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
		if err := b.Heartbeat(t.Context(), worker7f(0)); err != nil {
			t.Fatal(err)
		}
		p.press("Ctrl-R")
	}
	for n := range 3 {
		beat(10*time.Second, fmt.Sprint(n))
	}
	p.sees("+3/30s", "+0/30s")
	for n := range 3 {
		beat(9*time.Minute, fmt.Sprint("later", n))
	}
	p.sees("+1/9m00s") // what was before is too long ago
}

// flaky is a store that can be lost.
type flaky struct{ lost atomic.Bool }

var errGone = errors.New("the network is down")

func (f *flaky) around(b backend.Backend) backend.Backend {
	return intercept.New(b, func(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
		if f.lost.Load() {
			return errGone
		}
		return next(ctx)
	})
}

func TestStoreIsLostWhileServiceIsOpen(t *testing.T) {
	b, clock := healthy(t)
	var f flaky
	p := playOn(t, f.around(b), clock, 120, 40, nil)
	p.press("H")
	f.lost.Store(true)
	p.press("Ctrl-R")
	p.sees("NO ANSWER from the store, try 2 in 1.0s", "the network is down", "w-7f", "nothing is wrong")
	p.press("Tab", "j", "Enter") // what was read can still be looked at
	p.press("Esc")
	f.lost.Store(false)
	p.press("Ctrl-R")
	if strings.Contains(p.screen(), "NO ANSWER") {
		t.Errorf("the store is back, and the screen says:\n%s", p.screen())
	}
	p.sees("nothing is wrong")
}
