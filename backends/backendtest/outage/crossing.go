package outage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// How late 99 of 100 things may be that come from elsewhere. The machine that runs the
// test may be busy with something else for a moment: one round of a few has to be in
// time, and those do not count that were late because this process did not run.
const (
	latestWoken  = 300 * time.Millisecond
	latestPolled = 1200 * time.Millisecond
	longPause    = 100 * time.Millisecond
	roundsCount  = 3
	roundsAtAll  = 8
	busyMachine  = 2 * time.Second
)

// lateness is how long things took, by what they are.
type lateness struct {
	mu     sync.Mutex
	of     map[string][]time.Duration
	begins map[string]time.Time
}

// begin notes that something that is called name in one case is on its way.
func (l *lateness) begin(name, which string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key := name + which; l.begins[key].IsZero() { // a replay is no news
		l.begins[key] = time.Now()
	}
}

// end notes that it has arrived, after in all if that was part of it.
func (l *lateness) end(name, which string, in time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := name + which
	if begun := l.begins[key]; !begun.IsZero() {
		l.of[name] = append(l.of[name], time.Since(begun)-in)
		l.begins[key] = time.Unix(1<<40, 0) // only the first arrival counts
	}
}

// Workflows run at one worker, their activities at another, and the client uses
// neither's connection to the store. Signals, activities, their results, timers and
// the results of instances all have to cross, and are soon there.
func crossing(t *testing.T, h Harness) {
	address := h.New(t)
	l := &lateness{of: map[string][]time.Duration{}, begins: map[string]time.Time{}}
	workflows, activities := registry.New(), registry.New()
	if err := errors.Join(
		workflows.RegisterWorkflow(func(ctx workflow.Context, which string) (string, error) { return relay(ctx, l, which) }, registry.WithName("relay")),
		activities.RegisterActivity(func(_ context.Context, which string) (string, error) {
			l.end("activity", which, 0)
			l.begin("activity's result", which)
			return which, nil
		}, registry.WithName("act"))); err != nil {
		t.Fatal(err)
	}
	startWorker(t, near(t, h, address), &logbook{}, worker.Options{Roles: worker.WorkflowsOnly, WorkerID: "workflows"}, workflows)
	startWorker(t, near(t, h, address), &logbook{}, worker.Options{Roles: worker.ActivitiesOnly, WorkerID: "activities"}, activities)
	c := newClient(near(t, h, address))
	counting := 0
	for round := range roundsAtAll {
		pause := l.round(t, c, fmt.Sprint(round, "-"))
		late := l.late(t, h, 0)
		if len(late) == 0 || t.Failed() {
			return
		}
		t.Logf("round %d, in which this process was kept waiting for %v: %s", round, pause.Round(time.Millisecond), strings.Join(late, "; "))
		if pause > longPause {
			continue
		}
		if counting++; counting == roundsCount {
			t.Errorf("too late in each of %d rounds", counting)
			return
		}
	}
	for _, what := range l.late(t, h, busyMachine) { // there was no round in which more can be asked for
		t.Error(what)
	}
}

// round sends a number of instances on their way and waits for all. It returns for how
// long this process was kept from running, at worst.
func (l *lateness) round(t *testing.T, c *client.Client, prefix string) time.Duration {
	t.Helper()
	l.mu.Lock()
	clear(l.of)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	over, pause := make(chan struct{}), make(chan time.Duration)
	go func() { pause <- longestPause(over) }()
	var wg sync.WaitGroup
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for n := range either(60, 500) {
		wg.Go(func() {
			if err := l.send(ctx, c, fmt.Sprint(prefix, n)); err != nil {
				t.Error(err)
			}
		})
		<-tick.C
	}
	wg.Wait()
	close(over)
	return <-pause
}

// longestPause looks at the time again and again, until over is closed.
func longestPause(over <-chan struct{}) (longest time.Duration) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case now := <-tick.C:
			longest, last = max(longest, now.Sub(last)), now
		case <-over:
			return longest
		}
	}
}

// send starts an instance, signals it when it has gone to sleep, and waits for its
// result.
func (l *lateness) send(ctx context.Context, c *client.Client, which string) error {
	l.begin("start", which)
	h, err := client.Start[string](ctx, c, client.WorkflowInstanceOptions{InstanceID: which}, "relay", which)
	if err != nil {
		return err
	}
	pass(700 * time.Millisecond)
	l.begin("signal", which)
	if err := h.Signal(ctx, paid, 1); err != nil {
		return err
	}
	_, err = h.Get(ctx)
	l.end("instance's result", which, 0)
	return err
}

// crossingTimer is too long for a worker to keep its instance meanwhile.
const crossingTimer = 1100 * time.Millisecond

// relay takes a signal, runs an activity elsewhere, and sleeps.
func relay(ctx workflow.Context, l *lateness, which string) (string, error) {
	l.end("start", which, 0)
	workflow.NewSignalChannel[int](ctx, paid).Receive(ctx)
	l.end("signal", which, 0)
	l.begin("activity", which)
	got, err := workflow.ExecuteActivity[string](ctx, steady, "act", which).Get(ctx)
	if err != nil {
		return "", err
	}
	l.end("activity's result", which, 0)
	l.begin("timer", which)
	if err := workflow.Sleep(ctx, crossingTimer); err != nil {
		return "", err
	}
	l.end("timer", which, crossingTimer)
	l.begin("instance's result", which)
	return got, nil
}

// late logs how late everything was, and returns what was too late: half of all have to
// be in time, and 99 of 100 with some slack.
func (l *lateness) late(t *testing.T, h Harness, slack time.Duration) (late []string) {
	t.Helper()
	latest := latestWoken
	if h.Polled {
		latest = latestPolled
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range []string{"start", "signal", "activity", "activity's result", "timer", "instance's result"} {
		all := l.of[name]
		slices.Sort(all)
		if len(all) == 0 {
			t.Errorf("no %s has arrived", name)
			continue
		}
		half, most := all[len(all)/2], all[len(all)*99/100]
		t.Logf("%-18s %3d times, half within %8v, 99 %% within %8v", name, len(all), half.Round(10*time.Microsecond), most.Round(10*time.Microsecond))
		if half > latest || most > latest+slack {
			late = append(late, fmt.Sprintf("half of %s within %v and 99 %% within %v, want %v", name, half, most, latest))
		}
	}
	return late
}
