package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func creation(id string) backend.Creation {
	i := engine.Instance{InstanceID: id, ExecutionID: engine.NewID()}
	return backend.Creation{Instance: i, FirstExecution: i.ExecutionID, Workflow: "wf", Queue: "q", Started: history.Encoded("[1]")}
}

func create(t *testing.T, b *Backend, id string) engine.Instance {
	t.Helper()
	r := b.Create(t.Context(), []backend.Creation{creation(id)})[0]
	check(t, r.Err)
	return r.Instance
}

func claim(t *testing.T, b *Backend, limit int) []backend.WorkflowTask {
	t.Helper()
	got, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
		Worker: "w", Build: "b", Queues: []engine.Queue{"q"}, Workflows: []string{"wf"}, Max: limit, Lease: time.Minute,
	})
	check(t, err)
	return got.Tasks
}

func step(task backend.WorkflowTask) backend.WorkflowCommit {
	return backend.WorkflowCommit{
		Instance: task.Instance, Token: task.Token, ExpectSeq: task.LastSeq, StepID: engine.NewID(),
		Events: history.Encoded("[2]"), Count: 1, Status: engine.StatusRunning, Lease: time.Minute,
	}
}

func inboxLength(t *testing.T, b *Backend, i engine.Instance) int {
	t.Helper()
	p, err := b.Pending(t.Context(), i, 0)
	check(t, err)
	return len(p.Inbox)
}

// elsewhere returns an id whose instance lives in another partition.
func elsewhere(b *Backend, id string) string {
	for n := 0; ; n++ {
		if other := fmt.Sprint(id, n); b.partition(other) != b.partition(id) {
			return other
		}
	}
}

// commitAlone commits a step as a process does that dies before it has carried over
// what the step sends.
func commitAlone(t *testing.T, b *Backend, c backend.WorkflowCommit) []letter {
	t.Helper()
	it := b.item("commit", c.Instance, func(p *packer) { check(t, b.packCommit(p, &c)) })
	r := b.run(t.Context(), []job{{script: writeScript, tag: it.tag, args: [][]byte{it.data}}})[0]
	check(t, r.err)
	check(t, result{answer: r.answer.list(1).list(0)}.verdict(c.Instance))
	return b.heard(it.tag, r.answer)
}

// Rule 40: what a process that died left in an outbox is carried over by the next
// store that is opened, in order.
func TestRule40LeftBehind(t *testing.T) {
	for name, variable := range map[string]string{"server": serverVariable, "cluster": clusterVariable} {
		t.Run(name, func(t *testing.T) {
			addr := address(t, variable)
			prefix := newPrefix(t, addr)
			b := openAt(t, addr, prefix, withOutboxes())
			create(t, b, "parent")
			child := creation(elsewhere(b, "parent"))
			c := step(claim(t, b, 1)[0])
			c.Start = []backend.Creation{child}
			for n := range 250 { // more than are read at once
				c.Deliver = append(c.Deliver, backend.Delivery{
					To: backend.Address{InstanceID: child.Instance.InstanceID}, Event: history.Encoded(fmt.Sprint("[", n, "]")),
				})
			}
			commitAlone(t, b, c)
			closeStore(t, b)

			b = openAt(t, addr, prefix, withOutboxes())
			defer closeStore(t, b)
			deadline := time.Now().Add(10 * time.Second)
			for s, err := b.Get(t.Context(), child.Instance); err != nil || s.Inbox < 251; s, err = b.Get(t.Context(), child.Instance) {
				if time.Now().After(deadline) {
					t.Fatalf("after 10 s the child has %d events: %v", s.Inbox, err)
				}
				<-time.After(5 * time.Millisecond)
			}
			p, err := b.Pending(t.Context(), child.Instance, 0)
			check(t, err)
			for n, row := range p.Inbox[1:] {
				if want := fmt.Sprint("[", n, "]"); string(row.Event) != want {
					t.Fatalf("event %d is %s", n, row.Event)
				}
			}
		})
	}
}

// Rule 40: a letter that comes twice is applied once, even if what it made was removed
// meanwhile.
func TestRule40AppliedOnce(t *testing.T) {
	addr := address(t, serverVariable)
	b := openAt(t, addr, newPrefix(t, addr), withOutboxes())
	defer closeStore(t, b)
	create(t, b, "parent")
	child := creation(elsewhere(b, "parent"))
	c := step(claim(t, b, 1)[0])
	c.Start = []backend.Creation{child}
	letters := commitAlone(t, b, c)
	if len(letters) != 1 {
		t.Fatalf("%d letters", len(letters))
	}
	check(t, b.deliverLetters(t.Context(), letters))
	check(t, b.Terminate(t.Context(), []backend.Termination{{To: backend.Address{InstanceID: child.Instance.InstanceID}, Event: history.Encoded("[9]")}})[0])
	check(t, b.Remove(t.Context(), []engine.Instance{child.Instance})[0])
	check(t, b.deliverLetters(t.Context(), letters))
	if _, err := b.Get(t.Context(), child.Instance); err == nil {
		t.Error("the child was created again")
	}
	if n := len(outboxes(t, b)); n != 0 {
		t.Errorf("%d outboxes are left", n)
	}
}

func outboxes(t *testing.T, b *Backend) []string {
	t.Helper()
	return keys(t, b, func(key string) bool { return strings.Contains(key, "}:o:") || strings.HasSuffix(key, ":outboxes") })
}

// keys returns the keys of a store that are meant.
func keys(t *testing.T, b *Backend, meant func(string) bool) (found []string) {
	t.Helper()
	for all := b.client.Scan(t.Context(), 0, b.opts.prefix+":*", 1000).Iterator(); all.Next(t.Context()); {
		if meant(all.Val()) {
			found = append(found, all.Val())
		}
	}
	return found
}

// Rule 41: retention removes executions with every key and every place in an index.
func TestRule41Retention(t *testing.T) {
	addr := address(t, serverVariable)
	prefix := newPrefix(t, addr)
	b := openAt(t, addr, prefix)
	parent := engine.Instance{InstanceID: "parent", ExecutionID: "x"}
	for n := range 5 {
		c := creation(fmt.Sprint("i", n))
		c.Parent = &parent
		c.Timers = []backend.Timer{{Ref: 1, After: time.Hour, Event: history.Encoded("[3]")}}
		c.Closings = []backend.Closing{{Ref: 1, On: backend.OnEnd, To: backend.Address{InstanceID: "none"}, Event: history.Encoded("[4]")}}
		check(t, b.Create(t.Context(), []backend.Creation{c})[0].Err)
	}
	for _, task := range claim(t, b, 5) {
		c := step(task)
		c.AddActivities = []backend.ActivityRow{{Ref: 2, Name: "act", Queue: "q", Event: history.Encoded("[5]")}}
		check(t, b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{c})[0].Err)
		c = step(task)
		c.ExpectSeq, c.Status = 1, engine.StatusCompleted
		check(t, b.CommitWorkflows(t.Context(), []backend.WorkflowCommit{c})[0].Err)
	}
	closeStore(t, b)

	b = openAt(t, addr, prefix, WithRetention(time.Nanosecond))
	defer closeStore(t, b)
	known := func(key string) bool { return key != prefix+":meta" }
	deadline := time.Now().Add(10 * time.Second)
	for left := keys(t, b, known); len(left) > 0; left = keys(t, b, known) {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s there are %q", left)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// What another process does is heard of, by whom it is for.
func TestHintsOfOthers(t *testing.T) {
	for name, variable := range map[string]string{"server": serverVariable, "cluster": clusterVariable} {
		t.Run(name, func(t *testing.T) {
			addr := address(t, variable)
			prefix := newPrefix(t, addr)
			one, two := openAt(t, addr, prefix), openAt(t, addr, prefix)
			defer closeStore(t, one)
			defer closeStore(t, two)
			create(t, two, "held")
			create(t, two, "ends")
			claim(t, two, 2)
			topics := []backend.Topic{
				{Kind: backend.TopicWorkflows, Name: "q"}, {Kind: backend.TopicHolder, Name: "w"}, {Kind: backend.TopicFinished, Name: "ends"},
			}
			s := one.Subscribe(topics...)
			defer s.Close()
			missing := map[backend.Topic]bool{topics[0]: true, topics[1]: true, topics[2]: true}
			deadline := time.After(10 * time.Second)
			// Who listens since a moment may miss what comes first.
			for n := 0; len(missing) > 0; n++ {
				create(t, two, fmt.Sprint("new", n))
				check(t, two.Deliver(t.Context(), []backend.Delivery{{To: backend.Address{InstanceID: "held"}, Event: history.Encoded("[1]")}})[0])
				if n > 0 {
					create(t, two, "ends")
				}
				check(t, two.Terminate(t.Context(), []backend.Termination{{To: backend.Address{InstanceID: "ends"}, Event: history.Encoded("[1]")}})[0])
				select {
				case <-s.Wake():
				case <-time.After(50 * time.Millisecond):
				case <-deadline:
					t.Fatalf("after 10 s there is no hint about %v", missing)
				}
				for _, h := range s.Take() {
					if h.Topic.Kind != backend.TopicWorkflows && h.Instance.ExecutionID == "" {
						t.Errorf("hint %+v names no execution", h)
					}
					delete(missing, h.Topic)
				}
			}
		})
	}
}

// After the connection was lost, nobody knows what was missed.
func TestLostConnectionHints(t *testing.T) {
	addr := address(t, serverVariable)
	b := openAt(t, addr, newPrefix(t, addr))
	defer closeStore(t, b)
	topic := backend.Topic{Kind: backend.TopicWorkflows, Name: "nothing happens here"}
	s := b.Subscribe(topic)
	defer s.Close()
	deadline := time.After(20 * time.Second)
	for {
		ids := subscribers(t, b)
		for _, id := range ids {
			_ = b.client.ClientKillByFilter(t.Context(), "ID", id).Err()
		}
		select {
		case <-s.Wake():
			if hints := s.Take(); len(hints) != 1 || hints[0].Topic != topic {
				t.Errorf("hints %+v", hints)
			}
			return
		case <-time.After(300 * time.Millisecond):
		case <-deadline:
			t.Fatal("no hint in 20 s")
		}
	}
}

// subscribers returns the connections that listen, of this process.
func subscribers(t *testing.T, b *Backend) (ids []string) {
	t.Helper()
	own := b.client.(*redis.Client) //nolint:forcetypeassert // of one server
	list, err := own.Do(t.Context(), "CLIENT", "LIST", "TYPE", "PUBSUB").Text()
	check(t, err)
	for line := range strings.Lines(list) {
		if id, _, ok := strings.Cut(strings.TrimPrefix(line, "id="), " "); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestPacking(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	p := &packer{}
	m := p.begin()
	p.setText("short", "a")
	p.setText("none", "")
	p.setBytes("long", []byte(long))
	p.setInt("zero", 0)
	p.setTrue("yes", true)
	setList(p, "numbers", []int64{0, 127, 128, -1, 1 << 52}, writeInt)
	setList(p, "many", make([]string, 20), writeText)
	p.key("map")
	inner := p.begin()
	p.setText("k", strings.Repeat("y", 200))
	p.end(inner)
	p.end(m)
	f, err := unpackMap(string(p.b))
	check(t, err)
	if f.text("short") != "a" || f.text("long") != long || !f.bool("yes") || len(f.fields("map").text("k")) != 200 || len(f) != 6 {
		t.Errorf("read back %d fields: %.200v", len(f), f)
	}
	if got := fmt.Sprint(f["numbers"]); got != fmt.Sprint([]int64{0, 127, 128, -1, 1 << 52}) {
		t.Errorf("numbers %s", got)
	}
	for n := range p.b {
		if _, err := unpackMap(string(p.b[:n])); err == nil {
			t.Fatalf("the first %d bytes are taken for the whole", n)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("\x81\xa1a\x01")
	f.Fuzz(func(_ *testing.T, s string) { _, _ = unpackMap(s) })
}
