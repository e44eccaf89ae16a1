package backendtest

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var (
	seedFlag      = flag.Uint64("backendtest.seed", 0, "run only the model schedule of this seed, and print it")
	schedulesFlag = flag.Uint64("backendtest.schedules", 0, "how many model schedules to run; 0 means as many as the store's tests say, or 200")
)

// A schedule has stepsPerSchedule operations; after each compareEvery of them the
// stores are compared whole.
const (
	stepsPerSchedule = 60
	compareEvery     = 20
)

// runModel gives random operations to two stores at once, the memory store as the
// model and the store under test, and compares all that they show. A schedule
// follows from its seed alone; a seed that failed is replayed by its flag.
func runModel(t *testing.T, h Harness) {
	if h.Without.Clock {
		t.Skip("the store's clock can't be moved, so it can't agree with a model's")
	}
	first, last := uint64(1), cmp.Or(*schedulesFlag, h.Schedules, 200)
	if *seedFlag != 0 {
		first, last = *seedFlag, *seedFlag
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			newDuel(t, h, seed).run()
		})
	}
}

// duel is one schedule.
type duel struct {
	*testing.T

	rng   *rand.Rand
	clock *Clock
	sides [2]backend.Backend // the model, the store under test
	log   []string
	last  int // numbers what the schedule makes up

	instances  []engine.Instance // all that were ever named in a creation
	creations  []backend.Creation
	deliveries []backend.Delivery
	holds      []*duelHold
	sent       []duelStep
	running    []duelActivity
}

// duelHold is a lease that both sides gave, perhaps long ago.
type duelHold struct {
	task   [2]backend.WorkflowTask
	seq    int64
	inbox  [2][]backend.InboxRow
	timers []backend.TimerKey // that the holder has seen or set
	refs   []int64            // of activity rows that the holder added
}

// duelStep is a commit as both sides got it.
type duelStep [2]backend.WorkflowCommit

// duelActivity is an activity lease that both sides gave.
type duelActivity [2]backend.ActivityTask

func newDuel(t *testing.T, h Harness, seed uint64) *duel {
	d := &duel{T: t, rng: rand.New(rand.NewPCG(seed, 1)), clock: NewClock()} //nolint:gosec // a replayable schedule
	d.sides = [2]backend.Backend{memory.New(memory.WithClock(d.clock.Now)), h.Open(t, d.clock).Backend}
	t.Cleanup(func() {
		if t.Failed() || *seedFlag != 0 {
			for n, line := range d.log {
				t.Logf("%3d %s", n+1, line)
			}
			t.Logf("replay with -run '%s' -backendtest.seed=%d", t.Name(), seed)
		}
		for _, b := range d.sides {
			if err := b.Close(); err != nil {
				t.Errorf("closing: %v", err)
			}
		}
	})
	return d
}

// duelOps are the operations, each as often as its weight says.
var duelOps = []struct {
	weight int
	run    func(*duel)
}{
	{12, (*duel).create},
	{10, (*duel).deliver},
	{20, (*duel).claim},
	{26, (*duel).commit},
	{3, (*duel).resend},
	{6, (*duel).extend},
	{10, (*duel).claimActivities},
	{8, (*duel).commitActivity},
	{3, (*duel).extendActivity},
	{3, (*duel).terminate},
	{4, (*duel).pause},
	{3, (*duel).retry},
	{3, (*duel).remove},
	{3, (*duel).heartbeat},
	{14, (*duel).advance},
}

func (d *duel) run() {
	total := 0
	for _, op := range duelOps {
		total += op.weight
	}
	for n := range stepsPerSchedule {
		at := d.rng.IntN(total)
		for _, op := range duelOps {
			if at -= op.weight; at < 0 {
				op.run(d)
				break
			}
		}
		if (n+1)%compareEvery == 0 {
			d.compareAll()
		}
		if d.Failed() {
			return
		}
	}
}

// note logs an operation and checks that both sides answered it alike.
func (d *duel) note(answers [2]string, format string, args ...any) {
	d.Helper()
	d.log = append(d.log, fmt.Sprintf(format, args...)+" => "+answers[0])
	if answers[0] != answers[1] {
		d.Errorf("operation %d: the model answers\n%s\nthe store answers\n%s", len(d.log), answers[0], answers[1])
	}
}

// on makes the same call on both sides.
func on[R any](d *duel, call func(side int, b backend.Backend) R) [2]R {
	return [2]R{call(0, d.sides[0]), call(1, d.sides[1])}
}

// render is on for calls whose answers are compared as they are.
func (d *duel) render(call func(side int, b backend.Backend) any) [2]string {
	return on(d, func(side int, b backend.Backend) string { return show(call(side, b)) })
}

func (d *duel) id(prefix string) string {
	d.last++
	return fmt.Sprint(prefix, d.last)
}

func (d *duel) chance(percent int) bool { return d.rng.IntN(100) < percent }

// choose returns one of several.
func choose[T any](d *duel, all ...T) T { return all[d.rng.IntN(len(all))] }

// duration is mostly short, and now and then long enough for leases to end.
func (d *duel) duration() time.Duration {
	return choose(d, 0, time.Millisecond, 100*time.Millisecond, 250*time.Millisecond, 5*time.Second, 31*time.Second, 61*time.Second)
}

// outcome is what an error means to a caller.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	for _, s := range append([]error{engine.ErrClosed, engine.ErrBusy}, sentinels...) {
		if errors.Is(err, s) {
			return s.Error()
		}
	}
	return "unexpected error: " + err.Error()
}

// compareAll reads all that the stores show and compares it.
func (d *duel) compareAll() {
	d.Helper()
	for _, i := range d.instances {
		d.same("summary of "+i.String(), func(b backend.Backend) (any, error) { return b.Get(d.Context(), i) })
		d.same("history of "+i.String(), func(b backend.Backend) (any, error) { return b.History(d.Context(), i, 0, 0) })
		d.same("pending of "+i.String(), func(b backend.Backend) (any, error) {
			p, err := b.Pending(d.Context(), i, 0)
			if !p.LeaseUntil.IsZero() {
				p.ReadyAt = time.Time{} // while it is leased, a store may know less exactly
			}
			return p, err
		})
	}
	for _, order := range []backend.Order{backend.OrderCreated, backend.OrderUpdated, backend.OrderAttempt} {
		q := backend.Query{Order: order, Ascending: d.chance(50), Limit: 1 + d.rng.IntN(20)}
		d.same("list by "+string(order), func(b backend.Backend) (any, error) {
			page, err := b.List(d.Context(), q)
			page.Next = ""
			return page, err
		})
	}
	d.same("count", func(b backend.Backend) (any, error) { return b.Count(d.Context(), backend.Query{}) })
	lost := d.lostLeases()
	d.same("queues", func(b backend.Backend) (any, error) {
		all, err := b.Queues(d.Context())
		stats := map[string]backend.QueueStats{}
		for _, s := range all {
			if lost {
				s.OldestReady = time.Time{}
			}
			if depth(s) != [3]int64{} { // a store may also list idle queues
				stats[string(s.Kind)+" "+string(s.Queue)] = s
			}
		}
		return stats, err
	})
	d.same("workers", func(b backend.Backend) (any, error) { return b.Workers(d.Context()) })
}

// lostLeases reports whether the lease of any execution has run out. A store need
// not know to the second since when such an execution is ready, so that its
// holder can extend the lease without moving an index entry each time.
func (d *duel) lostLeases() bool {
	now := d.clock.Now()
	return slices.ContainsFunc(d.instances, func(i engine.Instance) bool {
		p, err := d.sides[0].Pending(d.Context(), i, 1)
		return err == nil && !p.LeaseUntil.IsZero() && !p.LeaseUntil.After(now)
	})
}

func (d *duel) same(what string, read func(backend.Backend) (any, error)) {
	d.Helper()
	got := on(d, func(_ int, b backend.Backend) string {
		v, err := read(b)
		if err != nil {
			return outcome(err)
		}
		return show(v)
	})
	if got[0] != got[1] {
		d.Errorf("after operation %d, %s: the model shows\n%s\nthe store shows\n%s", len(d.log), what, got[0], got[1])
	}
}

// show writes a value out, with what pointers point to, and without what may
// differ between stores: ids of rows, tokens, nil or empty, and nanoseconds.
func show(v any) string {
	return showValue(reflect.ValueOf(v))
}
