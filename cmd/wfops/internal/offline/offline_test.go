package offline_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/offline"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var now = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

func clock() time.Time { return now }

// shop returns a store, and the bundles of all that it holds.
func shop(t *testing.T) (*ops.Store, []diagnostics.Bundle) {
	t.Helper()
	c := opstest.NewClock(now)
	b := memory.New(memory.WithClock(c.Now))
	opstest.Shop(t, b, c, now)
	s := ops.New(b, ops.Options{Clock: c.Now})
	page, err := s.List(t.Context(), ops.ListRequest{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var bundles []diagnostics.Bundle
	for i := range page.Items {
		var events []history.Event
		for e, err := range s.History(t.Context(), page.Items[i].Instance, 0) {
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		bundle := diagnostics.NewBundle(page.Items[i].Instance, events)
		bundle.Workflow, bundle.Status = page.Items[i].Workflow, page.Items[i].Status
		bundles = append(bundles, bundle)
	}
	return s, bundles
}

// What a file says of an execution is what the store said, as far as a history knows.
func TestFileSaysWhatTheStoreSaid(t *testing.T) {
	store, bundles := shop(t)
	b, err := offline.New("test", clock, bundles...)
	if err != nil {
		t.Fatal(err)
	}
	file := ops.New(b, ops.Options{Clock: clock})
	for _, bundle := range bundles {
		want, err := store.Detail(t.Context(), bundle.Instance)
		if err != nil {
			t.Fatal(err)
		}
		got, err := file.Detail(t.Context(), bundle.Instance)
		if err != nil {
			t.Fatal(err)
		}
		facts := func(d ops.Detail) string {
			return fmt.Sprint(d.Instance, d.FirstExecution, d.Workflow, d.Queue, d.Status, d.Worker, d.Build, d.Tags, d.HistoryLength)
		}
		if facts(got) != facts(want) || !got.Offline || want.Status == engine.StatusRunning && len(got.Pending.Activities) != len(want.Pending.Activities) || len(got.Pending.Timers) != len(want.Pending.Timers) {
			t.Errorf("got  %s %+v\nwant %s %+v", facts(got), got.Pending, facts(want), want.Pending)
		}
		var events []history.Event
		for e, err := range file.History(t.Context(), bundle.Instance, 0) {
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		if !reflect.DeepEqual(events, bundle.Events) {
			t.Errorf("%s: another history", bundle.Instance)
		}
	}
	retrying, err := file.Detail(t.Context(), engine.Instance{InstanceID: "order-8841"})
	if err != nil || retrying.Waiting == nil || retrying.Waiting.Name != "ChargeCard" || retrying.Attempt != 3 || retrying.LastError != "429 rate limited" || retrying.Waiting.More != 1 {
		t.Errorf("%+v, %v", retrying, err)
	}
}

// A history of several chunks is read whole, and from anywhere.
func TestLongHistories(t *testing.T) {
	events := []history.Event{{Seq: 1, At: now, Body: history.WorkflowStarted{Workflow: "W"}}}
	for i := range int64(1000) {
		events = append(events, history.Event{Seq: i + 2, At: now, Body: history.SignalReceived{Name: "s"}})
	}
	i := engine.Instance{InstanceID: "a", ExecutionID: "x"}
	b, err := offline.New("test", clock, diagnostics.NewBundle(i, events))
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []int64{-1, 0, 1, 255, 256, 257, 999, 1001, 5000} {
		n, last := int64(0), max(0, after)
		for e, err := range ops.New(b, ops.Options{}).History(t.Context(), i, after) {
			if n++; err != nil || e.Seq != last+1 {
				t.Fatalf("after %d: %d follows %d, %v", after, e.Seq, last, err)
			}
			last = e.Seq
		}
		if n != max(0, 1001-max(0, after)) {
			t.Errorf("after %d: %d events", after, n)
		}
	}
	if chunks, err := b.History(t.Context(), i, 0, 2); err != nil || len(chunks) != 2 {
		t.Errorf("%d chunks, %v", len(chunks), err)
	}
}

// Queries are answered as by a store that knows them all.
func TestQueries(t *testing.T) {
	_, bundles := shop(t)
	b, err := offline.New("test", clock, bundles...)
	if err != nil {
		t.Fatal(err)
	}
	s := ops.New(b, ops.Options{Clock: clock})
	every, err := s.List(t.Context(), ops.ListRequest{Limit: 100})
	if err != nil || len(every.Items) != len(bundles) {
		t.Fatalf("%d of %d, %v", len(every.Items), len(bundles), err)
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // no secret
	terms := []string{
		"is:open", "is:final", "!is:open", "status:failed", "status:failed,blocked", "type:Order*", "type:*i*", "queue:batch", "id:order-*", "id:order-8841", "order", "age:<2h", "age:>1h", "idle:<10m",
		"retry:>1", "waiting:activity", "waiting:timer", "err:CARRIER", "tag.region:eu", "tag.region:*", "build:9c1e", "is:paused", "class:HANG", "/^order/",
	}
	for range 500 {
		text := terms[r.IntN(len(terms))] + " " + terms[r.IntN(len(terms))]
		f, err := filter.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i := range every.Items {
			if f.Match(&every.Items[i], now) {
				want = append(want, every.Items[i].Instance.InstanceID)
			}
		}
		for _, sort := range ops.Sorts() {
			var got []string
			request := ops.ListRequest{Filter: f, Sort: sort, Limit: 1 + r.IntN(4)}
			for {
				page, err := s.List(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				for i := range page.Items {
					got = append(got, page.Items[i].Instance.InstanceID)
				}
				if request.Cursor = page.Next; page.Next == "" {
					break
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: %s by %s: got %q, want %q", seed, text, sort, got, want)
			}
		}
		if c, err := s.Count(t.Context(), f, 0); err != nil || c.Total != int64(len(want)) {
			t.Fatalf("seed %d: %s: %d of %d are counted, %v", seed, text, c.Total, len(want), err)
		}
	}
}

func TestOrders(t *testing.T) {
	_, bundles := shop(t)
	b, err := offline.New("test", clock, bundles...)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []backend.Order{"", backend.OrderCreated, backend.OrderUpdated, backend.OrderAttempt} {
		for _, up := range []bool{false, true} {
			page, err := b.List(t.Context(), backend.Query{Order: order, Ascending: up})
			if err != nil {
				t.Fatal(err)
			}
			for i := range page.Items[1:] {
				x, y := page.Items[i], page.Items[i+1]
				diff := map[backend.Order]int{"": x.Created.Compare(y.Created), backend.OrderCreated: x.Created.Compare(y.Created), backend.OrderUpdated: x.Updated.Compare(y.Updated), backend.OrderAttempt: x.Attempt - y.Attempt}[order]
				if up && diff > 0 || !up && diff < 0 {
					t.Errorf("%q, ascending %v: %s before %s", order, up, x.Instance, y.Instance)
				}
			}
		}
	}
	for _, q := range []backend.Query{{Order: "size"}, {Cursor: "x"}, {Cursor: "-1"}, {Cursor: "99"}} {
		if _, err := b.List(t.Context(), q); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestFileRefusesWhatItCannotAnswer(t *testing.T) {
	_, bundles := shop(t)
	b, err := offline.New("test", clock, bundles[0])
	if err != nil {
		t.Fatal(err)
	}
	s := ops.New(b, ops.Options{Clock: clock})
	if _, err := s.Queues(t.Context()); !errors.Is(err, ops.ErrNotKept) {
		t.Errorf("queues: %v", err)
	}
	if _, err := s.Workers(t.Context()); !errors.Is(err, ops.ErrNotKept) {
		t.Errorf("workers: %v", err)
	}
	if _, err := s.Health(t.Context(), ops.HealthOptions{}); !errors.Is(err, ops.ErrNotKept) {
		t.Errorf("health: %v", err)
	}
	if _, err := s.Get(t.Context(), engine.Instance{InstanceID: "nobody"}); !errors.Is(err, engine.ErrInstanceNotFound) {
		t.Errorf("get: %v", err)
	}
	if info, err := s.Info(t.Context()); err != nil || !info.ReadOnly || info.Kind != offline.Kind {
		t.Errorf("%+v, %v", info, err)
	}
}

// Not one call of the port changes anything.
func TestNothingCanBeChanged(t *testing.T) {
	b, err := offline.New("test", clock)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	errs := slices.Concat(
		b.Deliver(ctx, make([]backend.Delivery, 2)), b.Terminate(ctx, make([]backend.Termination, 2)), b.Pause(ctx, make([]backend.PauseChange, 2)),
		b.Retry(ctx, make([]backend.RetryRequest, 2)), b.Remove(ctx, make([]engine.Instance, 2)), b.CommitActivities(ctx, make([]backend.ActivityCommit, 2)),
		b.ExtendActivities(ctx, make([]backend.ActivityExtension, 2)), []error{b.Heartbeat(ctx, backend.Worker{})},
	)
	for _, c := range b.Create(ctx, make([]backend.Creation, 2)) {
		errs = append(errs, c.Err)
	}
	for _, c := range slices.Concat(b.CommitWorkflows(ctx, make([]backend.WorkflowCommit, 2)), b.ExtendWorkflows(ctx, make([]backend.WorkflowExtension, 2))) {
		errs = append(errs, c.Err)
	}
	_, err = b.ClaimWorkflows(ctx, backend.WorkflowClaim{})
	errs = append(errs, err)
	_, err = b.ClaimActivities(ctx, backend.ActivityClaim{})
	errs = append(errs, err)
	for i, err := range errs {
		if !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if len(errs) != 7*2+1+2+4+2 {
		t.Errorf("%d answers", len(errs))
	}
}

func TestOpen(t *testing.T) {
	_, bundles := shop(t)
	name := filepath.Join(t.TempDir(), "a.wfh.gz")
	if err := diagnostics.WriteFile(name, bundles[0]); err != nil {
		t.Fatal(err)
	}
	b, err := offline.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if i, ok := b.Newest(); !ok || i != bundles[0].Instance {
		t.Errorf("%v, %v", i, ok)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := offline.Open(name, name); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("the same twice: %v", err)
	}
	if _, err := offline.Open(name + "x"); err == nil {
		t.Error("a file that is not there was opened")
	}
}
