package outage

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/process"
)

// Two processes work on 200 orders, and one of them is killed ten times in a row, at
// any moment. With -outage.long that is done ten times over.
func workersKilled(t *testing.T, h Harness) {
	for round := range either(1, 10) {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) { killed(t, h) })
	}
}

func killed(t *testing.T, h Harness) {
	const orders, kills = 200, 10
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // chances of a test
	address := h.New(t)
	b := near(t, h, address)
	l := newLoad(t, orders)
	workers := []*process.Process{startProcess(t, address, l.journal), startProcess(t, address, l.journal)}
	begun := time.Now()
	l.start(b, 20*time.Millisecond) // so that there is work until the last kill
	for n := range kills {
		pass(100*time.Millisecond + time.Duration(rnd.Int64N(int64(300*time.Millisecond))))
		k := n % len(workers)
		workers[k].Kill()
		workers[k] = startProcess(t, address, l.journal)
	}
	t.Logf("%d of %d orders were done after the last kill, %v after the first order", l.done.Load(), orders, time.Since(begun).Round(time.Millisecond))
	extra := l.finish(b)
	for _, p := range workers {
		p.Stop(t)
	}
	t.Logf("all were done after %v, with %d attempts beyond one for each activity", time.Since(begun).Round(time.Millisecond), extra)
	if extra == 0 {
		t.Error("no activity was run again: the workers were killed while they did nothing")
	}
}
