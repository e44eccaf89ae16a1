package sqlstore_test

import (
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// number reads one integer with SQL.
func (w *world) number(query string, args ...any) (n int64) {
	w.Helper()
	w.ok(w.db.QueryRowContext(w.Context(), query, args...).Scan(&n))
	return n
}

func (w *world) readyAt() int64 {
	w.Helper()
	return w.number("SELECT COALESCE(ready_at, 0) FROM instances WHERE instance_id = 'parent'")
}

// step commits a step that keeps the lease for a minute, with an activity at the
// holder.
func (w *world) step() {
	w.Helper()
	c := w.commit()
	c.ExpectSeq, c.StepID, c.Local = w.number("SELECT last_seq FROM instances WHERE instance_id = 'parent'"), engine.NewID(), 1
	w.ok(w.b.CommitWorkflows(w.Context(), []backend.WorkflowCommit{c})[0].Err)
}

func (w *world) claim() backend.WorkflowClaimed {
	w.Helper()
	claimed, err := w.b.ClaimWorkflows(w.Context(), backend.WorkflowClaim{
		Worker: "w2", Build: "b", Queues: []engine.Queue{"q"}, Workflows: []string{"held"}, Max: 9, Lease: time.Minute,
	})
	w.ok(err)
	return claimed
}

// A holder that keeps stepping moves the index entry of its execution once in half a
// lease, and a claim never takes the entry at its word.
func TestReadyTimeLagsBehindTheLease(t *testing.T) {
	w := newWorld(t)
	w.step()
	first := w.readyAt()
	if want := noon.Add(time.Minute).UnixNano(); first != want {
		t.Fatalf("ready_at is %d, want the end of the lease, %d", first, want)
	}
	for range 5 {
		w.now = w.now.Add(5 * time.Second)
		w.step()
		if got := w.readyAt(); got != first {
			t.Fatalf("after %v ready_at has moved by %v", w.now.Sub(noon), time.Duration(got-first))
		}
	}
	w.now = w.now.Add(20 * time.Second)
	w.step()
	lease := w.now.Add(time.Minute)
	if got := w.readyAt(); got != lease.UnixNano() {
		t.Fatalf("after %v ready_at is %v before the end of the lease", w.now.Sub(noon), lease.Sub(time.Unix(0, got)))
	}

	for range 4 { // the index lags by 20 s
		w.now = w.now.Add(5 * time.Second)
		w.step()
	}
	lagging, lease := time.Unix(0, w.readyAt()), w.now.Add(time.Minute)
	if !lagging.Before(lease) {
		t.Fatal("the index does not lag")
	}
	w.now = lagging.Add(time.Second)
	got := w.claim()
	if len(got.Tasks) != 0 || !got.Next.Equal(lease) {
		t.Errorf("while it is leased: %d tasks, next at %v, want none and %v", len(got.Tasks), got.Next, lease)
	}
	w.now = lease
	if got := w.claim(); len(got.Tasks) != 1 || got.Tasks[0].LocalActivities != 1 {
		t.Errorf("after the lease: %+v", got.Tasks)
	}
}

// What is kept for a time is deleted after it, by whoever is alive then.
func TestHousekeeping(t *testing.T) {
	w := newWorld(t)
	deliver := func(id string) {
		t.Helper()
		w.ok(w.b.Deliver(t.Context(), []backend.Delivery{{ID: id, To: to("parent"), Event: []byte("[signal]")}})[0])
	}
	rows := func(table string, want int64) {
		t.Helper()
		if got := w.number("SELECT COUNT(*) FROM " + table); got != want {
			t.Errorf("%d rows in %s, want %d", got, table, want)
		}
	}
	deliver("old") // also leaves a wake-up for the holder, which is not in this process
	w.ok(w.b.Heartbeat(t.Context(), backend.Worker{ID: "dead"}))
	w.now = w.now.Add(11 * time.Minute)
	deliver("young")
	w.ok(w.b.Heartbeat(t.Context(), backend.Worker{ID: "alive"}))
	rows("deliveries", 2)
	rows("wakes", 1)
	rows("workers", 2)
	deliver("old")     // again
	rows("inbox", 6+2) // six from the beginning

	w.now = w.now.Add(25 * time.Hour)
	deliver("new")
	w.ok(w.b.Heartbeat(t.Context(), backend.Worker{ID: "alive"}))
	rows("deliveries", 1)
	rows("wakes", 1)
	rows("workers", 1)
}
