package mysql

import (
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine/backend"
)

func TestMigrationsFromManyProcesses(t *testing.T) { outage.OpenedAtOnce(t, openAny, emptyDatabase(t)) }
func TestKilledWriter(t *testing.T)                { outage.WriterKilled(t, openAny, newStore(t)) }

func TestWakeAcrossProcesses(t *testing.T) {
	dsn := newStore(t)
	b := openStore(t, dsn)
	defer closeStore(t, b)
	create(t, b, "held", "ends")
	claim(t, b, "me")
	topics := []backend.Topic{
		{Kind: backend.TopicWorkflows, Name: "q"},
		{Kind: backend.TopicHolder, Name: "me"},
		{Kind: backend.TopicFinished, Name: "ends"},
	}
	sub := b.Subscribe(topics...)
	defer sub.Close()
	outage.DeliverElsewhere(t, dsn, "held", "ends", "new")
	done := time.Now()
	got := outage.Hints(t, sub, topics...)
	if h := got[topics[1]]; h.Instance.ExecutionID == "" {
		t.Errorf("hint for the holder: %+v", h)
	}
	if h := got[topics[2]]; h.Instance.InstanceID != "ends" || h.Instance.ExecutionID == "" {
		t.Errorf("hint about the finished instance: %+v", h)
	}
	if d := time.Since(done); d > 1200*time.Millisecond {
		t.Errorf("the last hint came %s after the other process was done", d)
	}
}

// A worker whose holder lives in a store of its own, as in another process, is told
// within the time that polls may take, also after an idle while.
func TestWakeAfterIdling(t *testing.T) {
	dsn := newStore(t)
	one, two := openStore(t, dsn), openStore(t, dsn)
	defer closeStore(t, one)
	defer closeStore(t, two)
	create(t, one, "i")
	claim(t, one, "me")
	holder := backend.Topic{Kind: backend.TopicHolder, Name: "me"}
	sub := one.Subscribe(holder)
	defer sub.Close()
	var worst time.Duration
	for n := range 4 {
		timer := time.NewTimer(time.Duration(n) * 900 * time.Millisecond)
		<-timer.C
		begun := time.Now()
		if err := two.Deliver(t.Context(), []backend.Delivery{{To: backend.Address{InstanceID: "i"}, Event: []byte("[9]")}})[0]; err != nil {
			t.Fatal(err)
		}
		outage.Hints(t, sub, holder)
		worst = max(worst, time.Since(begun))
	}
	if worst > 1200*time.Millisecond {
		t.Errorf("the holder was told after %s", worst)
	}
}
