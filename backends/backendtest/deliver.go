package backendtest

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var deliverCases = []testCase{
	{"WakesASleeper", "Deliver puts events into inboxes and wakes their instances.", func(e *env) {
		i := e.asleep("i")
		e.claimNone("it waits for a signal")
		e.deliver(byID(i), "a")
		equal(e, "inbox of the task", e.labels(e.claim().inbox), "a")
	}},
	{"KeepsTheOrder", "The inbox holds events in the order in which their deliveries were committed.", func(e *env) {
		i := e.asleep("i")
		for n := range 5 {
			e.deliver(byID(i), fmt.Sprint("s", n))
		}
		two := []backend.Delivery{{To: byID(i), Event: signal("s5")}, {To: exactly(i), Event: signal("s6")}}
		e.batch("Deliver", e.b.Deliver(e.ctx(), two), nil, nil)
		equal(e, "inbox", e.inbox(i), "s0 s1 s2 s3 s4 s5 s6")
		equal(e, "inbox of the task", e.labels(e.claim().inbox), "s0 s1 s2 s3 s4 s5 s6")
	}},
	{"Addresses", "An error is ErrInstanceNotFound if no open execution has that address.", deliverAddresses},
	{"NotToTheFinished", "A final execution is not open, so it gets nothing.", func(e *env) {
		i := e.finished("i")
		for _, to := range []backend.Address{byID(i), exactly(i)} {
			err := e.tryDeliver(backend.Delivery{ID: engine.NewID(), To: to, Event: signal("a")})
			e.is(err, engine.ErrInstanceNotFound, "delivering to a finished instance by %+v", to)
		}
		equal(e, "inbox", e.inbox(i), "")
	}},
	{"IDOnce", "A Delivery.ID that was accepted before is answered with nil and changes nothing.", func(e *env) {
		i := e.asleep("i")
		d := backend.Delivery{ID: engine.NewID(), To: byID(i), Event: signal("a")}
		for range 3 {
			e.ok(e.tryDeliver(d), "delivering the same again")
		}
		equal(e, "inbox", e.inbox(i), "a")
		e.claim().commit()
		e.ok(e.tryDeliver(d), "delivering the same after it was read")
		equal(e, "inbox", e.inbox(i), "")
		e.claimNone("nothing new came in")
	}},
	{"IDOnceAfterTheEnd", "A Delivery.ID that was accepted before is answered with nil, whatever has become of the execution.", func(e *env) {
		i := e.asleep("i")
		d := backend.Delivery{ID: engine.NewID(), To: byID(i), Event: signal("a")}
		e.ok(e.tryDeliver(d), "delivering")
		e.terminate(byID(i))
		e.ok(e.tryDeliver(d), "delivering the same after the end")
		next := e.create("i")
		e.ok(e.tryDeliver(d), "delivering the same when the id is open again")
		equal(e, "inbox of the next", e.inbox(next), "WorkflowStarted")
	}},
	{"IDForTenMinutes", "A repeated Delivery.ID changes nothing for at least ten minutes.", func(e *env) {
		e.needsClock()
		i := e.asleep("i")
		d := backend.Delivery{ID: engine.NewID(), To: byID(i), Event: signal("a")}
		e.ok(e.tryDeliver(d), "delivering")
		for range 10 {
			e.clock.Advance(time.Minute - time.Nanosecond)
			e.heartbeat("w1") // where a store may do its housekeeping
			e.deliver(byID(i), "tick")
		}
		e.ok(e.tryDeliver(d), "delivering the same after nearly ten minutes")
		equal(e, "inbox", e.inbox(i), "a tick tick tick tick tick tick tick tick tick tick")
	}},
	{"RefusedIDIsNotSpent", "A Delivery.ID that nobody accepted says nothing about a later one.", func(e *env) {
		d := backend.Delivery{ID: engine.NewID(), To: backend.Address{InstanceID: "i"}, Event: signal("a")}
		e.is(e.tryDeliver(d), engine.ErrInstanceNotFound, "delivering to nobody")
		i := e.create("i")
		e.ok(e.tryDeliver(d), "delivering when there is somebody")
		equal(e, "inbox", e.inbox(i), "WorkflowStarted a")
	}},
	{"EmptyIDIsNoID", "A Delivery without an ID is never taken for a repeated one.", func(e *env) {
		i := e.asleep("i")
		for range 2 {
			e.ok(e.tryDeliver(backend.Delivery{To: byID(i), Event: signal("a")}), "delivering")
		}
		equal(e, "inbox", e.inbox(i), "a a")
	}},
	{"KeepsEveryByte", "An adapter never looks into an event: the bytes come back as they were, times to the nanosecond.", func(e *env) {
		i := e.asleep("i")
		at := time.Date(2026, time.February, 3, 4, 5, 6, 123456789, time.UTC)
		arg := engine.Payload("[1, 2.0,\t\"\\u00e9 é \U0001f98a\",  null, 1e400]")
		want := history.Event{At: at, Body: history.SignalReceived{Name: "a", Arg: arg}}
		enc, err := history.Encode(want)
		e.ok(err, "encoding")
		e.ok(e.tryDeliver(backend.Delivery{To: byID(i), Event: enc}), "delivering")
		h := e.claim()
		equal(e, "bytes of the row", string(h.inbox[0].Event), string(enc))
		h.commit(func(c *backend.WorkflowCommit) { c.Events, c.Count = enc, 1 })
		chunks, err := e.b.History(e.ctx(), i, 1, 0)
		e.ok(err, "history")
		equal(e, "bytes of the chunk", string(chunks[0].Events), string(enc))
		got, err := chunks[0].Events.Decode(2)
		e.ok(err, "decoding")
		equal(e, "time", got[0].At, at)
	}},
	{"ToAHolder", "What comes in for a leased execution waits for its holder, and no claim sees it.", func(e *env) {
		h := e.held("i")
		e.deliver(byID(h.instance()), "a")
		e.claimNone("it is leased", by("w2"))
		equal(e, "inbox by extend", e.labels(h.extend().Inbox), "a")
		equal(e, "inbox by commit", e.labels(h.commit(keep, unread).Inbox), "a")
		equal(e, "inbox after it was consumed", e.labels(h.commit(keep).Inbox), "")
	}},
	{"ToThePaused", "Pausing an instance loses nothing that is delivered meanwhile.", func(e *env) {
		i := e.asleep("i")
		e.pause(byID(i), true)
		e.deliver(byID(i), "a")
		e.claimNone("it is paused")
		e.pause(byID(i), false)
		equal(e, "inbox", e.labels(e.claim().inbox), "a")
	}},
}

func deliverAddresses(e *env) {
	h := e.held("i")
	next := creation("i")
	next.FirstExecution = h.instance().ExecutionID
	h.commit(finish(engine.StatusContinuedAsNew), func(c *backend.WorkflowCommit) { c.Next = &next })
	first, second := h.instance().ExecutionID, next.Instance.ExecutionID
	e.create("I")
	for _, c := range []struct {
		name  string
		to    backend.Address
		found bool
	}{
		{"id", backend.Address{InstanceID: "i"}, true},
		{"current execution", backend.Address{InstanceID: "i", ExecutionID: second}, true},
		{"execution before", backend.Address{InstanceID: "i", ExecutionID: first}, false},
		{"first of the chain", backend.Address{InstanceID: "i", FirstExecution: first}, true},
		{"first of another chain", backend.Address{InstanceID: "i", FirstExecution: second}, false},
		{"execution and first", backend.Address{InstanceID: "i", ExecutionID: second, FirstExecution: first}, true},
		{"unknown id", backend.Address{InstanceID: "j"}, false},
		{"unknown execution", backend.Address{InstanceID: "i", ExecutionID: "x"}, false},
		{"execution of another id", backend.Address{InstanceID: "I", ExecutionID: second}, false},
	} {
		err := e.tryDeliver(backend.Delivery{ID: engine.NewID(), To: c.to, Event: signal(c.name)})
		if c.found {
			e.ok(err, "delivering to %s", c.name)
		} else {
			e.is(err, engine.ErrInstanceNotFound, "delivering to %s", c.name)
		}
	}
	equal(e, "inbox", e.inbox(next.Instance), "WorkflowStarted id current execution first of the chain execution and first")
}
