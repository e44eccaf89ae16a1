package postgres

import (
	"database/sql"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/wfops/wfops/backends/backendtest/outage"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func creation(name string) backend.Creation {
	return backend.Creation{
		Instance: engine.Instance{InstanceID: name, ExecutionID: engine.NewID()}, Workflow: "wf", Queue: "q",
		Started: history.Encoded("[1]"),
	}
}

func create(t *testing.T, b backend.Backend, names ...string) {
	t.Helper()
	for _, name := range names {
		if r := b.Create(t.Context(), []backend.Creation{creation(name)})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

func claim(t *testing.T, b backend.Backend, worker string) []backend.WorkflowTask {
	t.Helper()
	claimed, err := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{
		Worker: worker, Build: "b", Queues: []engine.Queue{"q"}, Workflows: []string{"wf"}, Max: 100, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return claimed.Tasks
}

func closeStore(t *testing.T, b backend.Backend) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// await waits for a hint about each topic and returns how long it took.
func await(t *testing.T, sub *backend.Subscription, topics ...backend.Topic) time.Duration {
	t.Helper()
	begun := time.Now()
	outage.Hints(t, sub, topics...)
	return time.Since(begun)
}

// listening waits until a store hears notifications.
func listening(t *testing.T, dsn string, b *Backend) {
	t.Helper()
	other := openStore(t, dsn)
	defer closeStore(t, other)
	sub := b.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "probe"})
	defer sub.Close()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		c := creation("probe-" + engine.NewID())
		c.Queue = "probe"
		if r := other.Create(t.Context(), []backend.Creation{c})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
		select {
		case <-sub.Wake():
			sub.Take()
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("nothing was heard for 10 s")
}

// What one store changes wakes those who wait at another.
func TestWakeAcrossStores(t *testing.T) {
	topics := []backend.Topic{
		{Kind: backend.TopicWorkflows, Name: "q"},
		{Kind: backend.TopicHolder, Name: "me"},
		{Kind: backend.TopicFinished, Name: "ends"},
	}
	for _, tc := range []struct {
		name   string
		opts   []Option
		most   time.Duration
		topics []backend.Topic
	}{
		{"Notified", nil, 300 * time.Millisecond, topics},
		// Workers look for new work each second anyway.
		{"Polled", []Option{WithoutNotifications()}, 1200 * time.Millisecond, topics[1:]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dsn := newSchema(t)
			b, other := openStore(t, dsn, tc.opts...), openStore(t, dsn, tc.opts...)
			defer closeStore(t, b)
			defer closeStore(t, other)
			create(t, b, "held", "ends")
			claim(t, b, "me")
			sub := b.Subscribe(tc.topics...)
			defer sub.Close()
			if tc.opts == nil {
				listening(t, dsn, b)
			}
			for range 5 {
				sub.Take()
				news(t, other)
				if took := await(t, sub, tc.topics...); took > tc.most {
					t.Errorf("it took %v, want at most %v", took, tc.most)
				}
				create(t, b, "ends")
			}
		})
	}
}

// news makes news about all topics.
func news(t *testing.T, b *Backend) {
	t.Helper()
	to := func(name string) backend.Address { return backend.Address{InstanceID: name} }
	if err := b.Deliver(t.Context(), []backend.Delivery{{ID: engine.NewID(), To: to("held"), Event: []byte("[9]")}})[0]; err != nil {
		t.Fatal(err)
	}
	if err := b.Terminate(t.Context(), []backend.Termination{{To: to("ends"), Event: []byte("[8]")}})[0]; err != nil {
		t.Fatal(err)
	}
	create(t, b, engine.NewID())
}

// A store in a pool of database/sql works like one with connections of its own.
func TestWithDB(t *testing.T) {
	dsn := newSchema(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(6)
	b, err := OpenWithDB(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, b)
	listening(t, dsn, b)
	sub := b.Subscribe(backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	defer sub.Close()
	other := openStore(t, dsn)
	create(t, other, "i")
	closeStore(t, other) // at once: what it has to say is said before
	await(t, sub, backend.Topic{Kind: backend.TopicWorkflows, Name: "q"})
	if got := claim(t, b, "me"); len(got) != 1 {
		t.Errorf("claimed %d instances", len(got))
	}
	if n := db.Stats().OpenConnections; n > 6 {
		t.Errorf("%d connections", n)
	}
}
