package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// taker takes everything, and passes on what became of each reservation: a task, or
// nothing.
type taker chan *backend.WorkflowTask

func (taker) Reserve(string) bool            { return true }
func (taker) Lease() (string, time.Duration) { return "w", time.Hour }
func (k taker) Take(t backend.WorkflowTask)  { k <- &t }
func (k taker) Return()                      { k <- nil }

// offerTaker makes a store hand executions over.
func offerTaker(t *testing.T, b *Backend) taker {
	t.Helper()
	k := make(taker, 100)
	s := b.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	s.Offer(k)
	t.Cleanup(s.Close)
	return k
}

// outcome waits for what became of a reservation.
func (k taker) outcome(t *testing.T) *backend.WorkflowTask {
	t.Helper()
	select {
	case task := <-k:
		return task
	case <-time.After(20 * time.Second):
		t.Fatal("after 20 s a reservation was neither taken nor returned")
		return nil
	}
}

// far opens an empty store behind a network.
func far(t *testing.T, addr string) (*Backend, *outage.Network) {
	t.Helper()
	n := outage.NewNetwork(t)
	b := openAt(t, addr, newPrefix(t, addr), withDialer(n.Dial))
	t.Cleanup(func() {
		n.Set(outage.Whole)
		closeStore(t, b)
	})
	return b, n
}

func creations(name string, n int) (all []backend.Creation) {
	for i := range n {
		all = append(all, creation(fmt.Sprint(name, i)))
	}
	return all
}

// Executions that were created without anybody hearing of it are handed over as soon as
// the server answers again, and not only when their leases have run out.
func TestUnknownCreationsAreHandedOver(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b, n := far(t, addr)
		k := offerTaker(t, b)
		for _, r := range b.Create(t.Context(), creations("before", 50)) { // so that each server has a connection
			check(t, r.Err)
			k.outcome(t)
		}
		n.Set(outage.AnswersLost)
		all, created := creations("i", 20), map[engine.Instance]bool{}
		for i, r := range b.Create(t.Context(), all) {
			created[all[i].Instance] = true
			if !engine.OutcomeUnknown(r.Err) {
				t.Errorf("a creation without an answer: %v", r.Err)
			}
		}
		n.Set(outage.Whole)
		for range all {
			task := k.outcome(t)
			if task == nil {
				t.Fatal("a reservation was returned, but the execution is leased")
			}
			if !created[task.Instance] || len(task.Inbox) != 1 || task.LeaseUntil.Sub(task.Created) != time.Hour {
				t.Errorf("task %+v", task)
			}
			delete(created, task.Instance)
			check(t, b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{step(*task)})[0].Err)
		}
	})
}

// What was not created leaves nothing behind but room for something else.
func TestCreationsThatDoNotArrive(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b, n := far(t, addr)
		k := offerTaker(t, b)
		n.Set(outage.Refused)
		c := creation("i")
		if err := b.Create(t.Context(), []backend.Creation{c})[0].Err; !engine.OutcomeUnknown(err) {
			t.Errorf("a creation while the server is away: %v", err)
		}
		n.Set(outage.Whole)
		if task := k.outcome(t); task != nil {
			t.Errorf("task %+v of nothing", task)
		}
		check(t, b.Create(t.Context(), []backend.Creation{c})[0].Err)
		if task := k.outcome(t); task == nil || task.Instance != c.Instance {
			t.Errorf("the creation that was sent again was not handed over: %+v", task)
		}
	})
}

// A creation can arrive after who has sent it looked for it in vain. A lease would be
// held by nobody then.
func TestCreationArrivesLate(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b := openAt(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		k := offerTaker(t, b)
		c := creation("i")
		it, h := b.packEager(&c)
		b.find(h)
		if task := k.outcome(t); task != nil {
			t.Fatalf("task %+v of nothing", task)
		}
		check(t, b.write(t.Context(), "creating", []item{it})[0].verdict(c.Instance))
		if got := claim(t, b, 2); len(got) != 1 || got[0].Instance != c.Instance {
			t.Errorf("claimed %+v", got)
		}
	})
}

// Who finds an execution that has ended meanwhile, or is somebody else's, has nothing.
func TestCreationIsFoundTooLate(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		b := openAt(t, addr, newPrefix(t, addr))
		defer closeStore(t, b)
		k := offerTaker(t, b)
		ended, taken := creation("ended"), creation("taken")
		it, h := b.packEager(&ended)
		check(t, b.write(t.Context(), "creating", []item{it})[0].verdict(ended.Instance))
		check(t, b.Terminate(t.Context(), []backend.Termination{{To: backend.Address{InstanceID: "ended"}, Event: []byte("[9]")}})[0])
		b.find(h)
		first, lost := b.packEager(&taken)
		again, _ := b.packEager(&taken) // the client has sent it again, and that came first
		for _, it := range []item{again, first} {
			check(t, b.write(t.Context(), "creating", []item{it})[0].verdict(taken.Instance))
		}
		b.find(lost)
		for range 2 {
			if task := k.outcome(t); task != nil {
				t.Errorf("task %+v, which is not held", task)
			}
		}
	})
}
