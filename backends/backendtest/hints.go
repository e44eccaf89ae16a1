package backendtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// hinted waits until a subscription brings a hint of the topic.
func (e *env) hinted(s *backend.Subscription, why string, want backend.Hint) {
	e.Helper()
	var all []backend.Hint
	deadline := time.After(10 * time.Second)
	for {
		got := s.Take()
		for i := range got {
			got[i].End = nil // see EndAtHand
		}
		if slices.Contains(got, want) {
			return
		}
		all = append(all, got...)
		select {
		case <-s.Wake():
		case <-deadline:
			e.Fatalf("no hint %+v: %s; only %+v", want, why, all)
		}
	}
}

// endsAsStored waits for the hint that i has ended. What hints tell of the end has to be
// what is stored.
func (e *env) endsAsStored(s *backend.Subscription, i engine.Instance) {
	e.Helper()
	chunks, err := e.b.History(e.ctx(), i, 0, 0)
	e.ok(err, "history of %s", i)
	status, last := e.summary(i).Status, chunks[len(chunks)-1]
	deadline := time.After(10 * time.Second)
	for {
		hints := slices.DeleteFunc(s.Take(), func(h backend.Hint) bool { return h.Instance != i })
		for _, h := range hints {
			if end := h.End; end != nil {
				equal(e, "status that a hint tells of "+i.String(), end.Status, status)
				equal(e, "last chunk that a hint tells of "+i.String(), fmt.Sprint(end.Last), fmt.Sprint(last))
			}
		}
		if len(hints) > 0 {
			return
		}
		select {
		case <-s.Wake():
		case <-deadline:
			e.Fatalf("no hint that %s has ended", i)
		}
	}
}

func topic(kind backend.TopicKind, name string) backend.Topic {
	return backend.Topic{Kind: kind, Name: name}
}

var (
	onWorkflows  = topic(backend.TopicWorkflows, string(queue))
	onActivities = topic(backend.TopicActivities, string(queue))
	onHolder     = topic(backend.TopicHolder, worker)
)

// subscribe ends with the case.
func (e *env) subscribe(ts ...backend.Topic) *backend.Subscription {
	s := e.b.Subscribe(ts...)
	e.Cleanup(s.Close)
	return s
}

// heldHint is what the holder of h is told.
func heldHint(h *hold) backend.Hint { return backend.Hint{Topic: onHolder, Instance: h.instance()} }

var hintCases = []testCase{
	{"Workflows", "TopicWorkflows: an execution of this queue became ready.", func(e *env) {
		ready := backend.Hint{Topic: onWorkflows}
		s := e.subscribe(onWorkflows)
		i := e.create("i")
		e.hinted(s, "an execution was created", ready)
		e.claim().commit()
		s.Take()
		e.deliver(byID(i), "a")
		e.hinted(s, "something came in", ready)
		h := e.claim()
		e.deliver(byID(i), "b")
		s.Take()
		h.commit()
		e.hinted(s, "the lease was given back with rows unread", ready)
		e.pause(byID(i), true)
		s.Take()
		e.pause(byID(i), false)
		e.hinted(s, "it was resumed", ready)
		h = e.claim()
		s.Take()
		h.commit(func(c *backend.WorkflowCommit) { c.Start = []backend.Creation{creation("child")} })
		e.hinted(s, "a child was started", ready)
		e.claim().commit(blocks(build))
		s.Take()
		e.ok(e.tryRetry(backend.RetryRequest{To: backend.Address{InstanceID: "child"}}), "retrying")
		e.hinted(s, "a blocked one was retried", ready)
	}},
	{"Activities", "TopicActivities: an activity row of this queue became ready.", func(e *env) {
		ready := backend.Hint{Topic: onActivities}
		s := e.subscribe(onActivities)
		e.scheduled("i", activityRow(1))
		e.hinted(s, "a row was added", ready)
		task := e.claimActivity()
		s.Take()
		e.commitActivity(result(task, retry(2, 0)))
		e.hinted(s, "a row waits for another attempt", ready)
	}},
	{"Holder", "TopicHolder: something came in for an execution that this worker holds.", func(e *env) {
		s := e.subscribe(onHolder)
		h := e.held("i")
		s.Take()
		e.deliver(byID(h.instance()), "a")
		e.hinted(s, "a signal came in", heldHint(h))
		e.pause(byID(h.instance()), true)
		e.hinted(s, "it was paused", heldHint(h))
		e.pause(byID(h.instance()), false)
		h.commit(keep, addActivities(activityRow(1)))
		s.Take()
		e.commitActivity(result(e.claimActivity(byOther)))
		e.hinted(s, "an activity ended elsewhere", heldHint(h))
		e.terminate(byID(h.instance()))
		e.hinted(s, "its lease was revoked", heldHint(h))
	}},
	{"HolderOfAChild", "A holder is told of what the commit of another execution brings.", func(e *env) {
		s := e.subscribe(onHolder)
		child, told := e.held("child"), e.held("told")
		h := e.held("parent")
		h.commit(keep, addClosings(kills(1, child.instance()), tells(2, backend.OnEnd, told.instance(), "cancel")))
		s.Take()
		h.commit(finish(engine.StatusCompleted))
		e.hinted(s, "the child was told", heldHint(told))
		s.Close()
		s = e.subscribe(onHolder)
		h = e.held("again")
		h.commit(keep, func(c *backend.WorkflowCommit) {
			c.Deliver = []backend.Delivery{{To: byID(told.instance()), Event: signal("a")}}
		})
		e.hinted(s, "an execution sent a signal", heldHint(told))
	}},
	{"Finished", "TopicFinished: an execution of this InstanceID ended.", func(e *env) {
		for _, end := range ends {
			s := e.subscribe(topic(backend.TopicFinished, end.name))
			h := e.held(end.name)
			end.end(h)
			e.hinted(s, "it "+end.name, backend.Hint{Topic: topic(backend.TopicFinished, end.name), Instance: h.instance()})
			e.claimIDs()
		}
	}},
	{"EndAtHand", "Hint.End, if it is there, is what is stored: the status, and the last chunk of history.", func(e *env) {
		for _, end := range ends {
			s := e.subscribe(topic(backend.TopicFinished, end.name))
			h := e.held(end.name)
			end.end(h)
			e.endsAsStored(s, h.instance())
			e.claimIDs()
		}
	}},
	{"EndOfARefusedStep", "Hint.End is never that of a step that was refused.", func(e *env) {
		child, parent := e.held("child"), e.held("parent")
		parent.commit(keep, addClosings(kills(1, child.instance())))
		s := e.subscribe(topic(backend.TopicFinished, "child"))
		r := e.b.CommitWorkflows(e.ctx(), []backend.WorkflowCommit{
			parent.step(finish(engine.StatusCompleted)), child.step(finish(engine.StatusCompleted)),
		})
		e.ok(r[0].Err, "the end of the parent")
		e.is(r[1].Err, engine.ErrLeaseLost, "the end of the child, which the parent's has terminated")
		e.endsAsStored(s, child.instance())
	}},
	{"EndThatItTerminates", "Hint.End is that of what ended it, if a step ends what it belongs to in two ways.", func(e *env) {
		h := e.held("i")
		s := e.subscribe(topic(backend.TopicFinished, "i"))
		again := creation("i")
		again.Reuse, again.Terminate = backend.IDReuseTerminate, terminated("taken over")
		c := h.step(finish(engine.StatusCompleted), func(c *backend.WorkflowCommit) { c.Start = []backend.Creation{again} })
		e.ok(h.trySend(c).Err, "a step that starts another execution of its id")
		e.endsAsStored(s, h.instance())
	}},
	{"OnlyTheTopics", "A subscription hears of its topics only, and of nothing after Close.", func(e *env) {
		s := e.subscribe(topic(backend.TopicFinished, "other"), topic(backend.TopicWorkflows, "Q"))
		e.finished("i")
		equal(e, "hints", len(s.Take()), 0)
		closed := e.subscribe(onWorkflows)
		closed.Close()
		closed.Close()
		e.create("j")
		equal(e, "hints after Close", len(closed.Take()), 0)
	}},
	{"AfterTheWrite", "A hint comes after the write is visible: who looks then, finds it.", func(e *env) {
		s := e.subscribe(onWorkflows)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for n := range 50 {
				if r := e.b.Create(e.ctx(), []backend.Creation{creation(fmt.Sprint("i", n))}); r[0].Err != nil {
					e.Errorf("creating: %v", r[0].Err)
				}
			}
		}()
		deadline := time.After(20 * time.Second)
		for left := 50; left > 0; {
			select {
			case <-s.Wake():
				s.Take()
				left -= len(e.tryClaim().Tasks)
			case <-deadline:
				e.Fatalf("%d executions were created without a hint after it", left)
			}
		}
		<-done
	}},
}
