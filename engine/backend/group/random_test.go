package group_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
)

// ledger applies each item once and fails, panics and dawdles at random.
type ledger struct {
	backend.Backend

	mu      sync.Mutex
	rnd     *rand.Rand
	applied map[string]int
	order   map[string]int // caller → number of its last item
	errs    []string
}

func (l *ledger) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]backend.CreateResult, len(cs))
	dice := l.rnd.IntN(20)
	if dice == 0 && len(cs) > 1 {
		panic("by chance")
	}
	for i, c := range cs {
		out[i].Instance = c.Instance
		if dice == 1 && len(cs) > 1 || ctx.Err() != nil {
			out[i].Err = errLost
			continue
		}
		who, n := c.Instance.InstanceID, int(c.Delay)
		l.applied[fmt.Sprint(who, "#", n)]++
		if n <= l.order[who] {
			l.errs = append(l.errs, fmt.Sprintf("item %d of %s came after item %d", n, who, l.order[who]))
		}
		l.order[who] = n
	}
	if dice == 2 {
		time.Sleep(time.Duration(l.rnd.IntN(300)) * time.Microsecond) //nolint:forbidigo // a slow store
	}
	return out
}

func TestRandomCallersGetTheirOwnAnswersOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, limit := range []int{1, 7, 1000} {
		l := &ledger{rnd: rand.New(rand.NewPCG(seed, 0)), applied: map[string]int{}, order: map[string]int{}}
		b := group.New(l, group.WithMax(limit))
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() { randomCaller(t, b, l, fmt.Sprint("caller", w), rand.New(rand.NewPCG(seed, uint64(w)+1))) })
		}
		wg.Wait()
		for _, e := range l.errs {
			t.Error(e)
		}
	}
}

func randomCaller(t *testing.T, b backend.Backend, l *ledger, who string, rnd *rand.Rand) {
	n := 0
	for range 60 {
		ctx, cancel := t.Context(), func() {}
		switch rnd.IntN(3) {
		case 0:
			ctx = context.WithoutCancel(ctx)
		case 1:
			ctx, cancel = context.WithTimeout(ctx, time.Duration(rnd.IntN(400))*time.Microsecond)
		}
		cs := make([]backend.Creation, 1+rnd.IntN(12))
		for i := range cs {
			n++
			cs[i] = backend.Creation{Instance: engine.Instance{InstanceID: who}, Delay: time.Duration(n)}
		}
		out := b.Create(ctx, cs)
		cancel()
		if len(out) != len(cs) {
			t.Errorf("%s: %d answers for %d items", who, len(out), len(cs))
			return
		}
		check(t, l, who, cs, out)
		if ctx.Err() != nil { // items may be written still, out of this caller's sight
			who += "'"
		}
	}
}

// check compares answers with what was applied. An item without an answer may
// have been applied, or not, or be on its way.
func check(t *testing.T, l *ledger, who string, cs []backend.Creation, out []backend.CreateResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range cs {
		times := l.applied[fmt.Sprint(who, "#", int(c.Delay))]
		if times > 1 {
			t.Errorf("%s item %d was applied %d times", who, int(c.Delay), times)
		}
		if out[i].Err == nil && (times != 1 || out[i].Instance != c.Instance) {
			t.Errorf("%s item %d: acknowledged as %v, applied %d times", who, int(c.Delay), out[i].Instance, times)
		}
	}
}
