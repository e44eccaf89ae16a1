package outage

import (
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/worker"
)

// The server is out of reach for a while, under load. Workers and those who wait for
// results go on by themselves; the log tells of it once; nothing is lost, and nothing
// runs twice, because no lease runs out.
func serverAway(t *testing.T, h Harness) { away(t, h, Refused, either(3*time.Second, 30*time.Second)) }

// The same with a server that does not answer, and does not say so either.
func serverHangs(t *testing.T, h Harness) { away(t, h, Hanging, either(4*time.Second, 30*time.Second)) }

func away(t *testing.T, h Harness, how Mode, d time.Duration) {
	address := h.New(t)
	b, way := far(t, h, address)
	log := &logbook{}
	l := newLoad(t, 60)
	// A call that hangs is given up after a third of the lease, and noticed then.
	lease := either(9*time.Second, time.Minute)
	startWorker(t, b, log, worker.Options{LeaseDuration: lease}, l.registry())
	l.start(b, 10*time.Millisecond)
	l.reached(5)
	way.Set(how)
	pass(d)
	before := l.done.Load()
	way.Set(Whole)
	over := time.Now()
	l.reached(int(before) + 1)
	t.Logf("%s for %v: the first order was done %v after the end, when %d of %d were done", how, d, time.Since(over).Round(time.Millisecond), before, l.orders)
	if extra := l.finish(near(t, h, address)); extra > 0 {
		t.Errorf("%d activities ran twice", extra)
	}
	log.toldOnce(t, how == Refused)
}

// toldOnce checks that a worker's log warns of the outage and of nothing else, at
// most once, and says as often that it is over. always tells that it has to warn.
func (l *logbook) toldOnce(t *testing.T, always bool) {
	t.Helper()
	if n := len(l.lines("level=WARN")) + len(l.lines("level=ERROR")); n > 1 || always && n != 1 {
		t.Errorf("the log has %d warnings, want one of the outage:\n%s", n, strings.Join(l.lines(""), ""))
	}
	if lost, back := len(l.lines("out of reach")), len(l.lines("the store is back")); lost != back {
		t.Errorf("the log says %d times that the store is away, and %d times that it is back", lost, back)
	}
}

// What is asked for is done, and the answers are lost, again and again. Whatever is
// asked for once more is recognized.
func answersLost(t *testing.T, h Harness) {
	address := h.New(t)
	b, way := far(t, h, address)
	l := newLoad(t, 60)
	startWorker(t, b, &logbook{}, worker.Options{LeaseDuration: 2 * time.Second}, l.registry())
	l.start(b, 20*time.Millisecond)
	for range 8 {
		way.Set(AnswersLost)
		pass(50 * time.Millisecond)
		way.Set(Whole)
		pass(150 * time.Millisecond)
	}
	extra := l.finish(near(t, h, address))
	// Only a claim whose answer is lost keeps a lease from everybody, until it ends.
	t.Logf("%d attempts beyond one for each activity", extra)
}

// The server itself is killed, again and again.
func serverKilled(t *testing.T, h Harness) {
	s := h.Server(t)
	s.Start()
	b := near(t, h, s.Address())
	l := newLoad(t, 60)
	startWorker(t, b, &logbook{}, worker.Options{LeaseDuration: 5 * time.Second}, l.registry())
	l.start(b, 10*time.Millisecond)
	for n := range either(2, 5) {
		l.reached(10 * (n + 1))
		s.Kill()
		pass(either(500*time.Millisecond, 10*time.Second))
		s.Start()
	}
	t.Logf("%d of %d orders were done at the last start of the server", l.done.Load(), l.orders)
	t.Logf("%d attempts beyond one for each activity", l.finish(b))
}

// Failover runs a system on a server that another one takes over for when it is
// killed: its Kill returns once the other one has everything that was acknowledged.
// Nobody starts the first one again. Workers and those who wait for results find the
// other one by themselves; the log tells of it once, if it took some seconds; nothing is
// lost and nothing runs twice. It is for stores whose address names more than one server,
// beside Run.
func Failover(t *testing.T, open Opener, s Server) {
	b := near(t, Harness{Open: open}, s.Address())
	log := &logbook{}
	l := newLoad(t, 60)
	startWorker(t, b, log, worker.Options{LeaseDuration: patience}, l.registry())
	l.start(b, 10*time.Millisecond)
	l.reached(5)
	s.Kill()
	killed, before := time.Now(), l.done.Load()
	l.reached(int(before) + 1)
	took := time.Since(killed)
	t.Logf("the first order was done %v after the kill, when %d of %d were done", took.Round(time.Millisecond), before, l.orders)
	if extra := l.finish(b); extra > 0 {
		t.Errorf("%d activities ran twice", extra)
	}
	log.toldOnce(t, took > 3*time.Second) // less may pass as a hiccup
}
