package ops_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

func row(id string, status engine.Status) opstest.Row {
	r := opstest.Row{Summary: backend.Summary{
		Instance: engine.Instance{InstanceID: id}, Workflow: "Order", Queue: "default", Status: status, Build: "b1",
		Created: now.Add(-time.Hour), Updated: now.Add(-time.Minute),
	}}
	if status == engine.StatusBlocked {
		r.BlockClass, r.Block = "HANG", []byte(`{"class":"HANG","message":"stuck"}`)
	}
	return r
}

func seeded(t *testing.T, rows ...opstest.Row) *memory.Backend {
	t.Helper()
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	opstest.Seed(t, b, clock, rows)
	clock.Set(now)
	return b
}

func TestNames(t *testing.T) {
	s := ops.New(seeded(t, row("order-1", engine.StatusRunning), row("order-12", engine.StatusRunning), row("a/b", engine.StatusRunning), row("kyc-9", engine.StatusRunning)), ops.Options{})
	for name, want := range map[string]string{
		"order-1": "order-1", "order-12": "order-12", "kyc": "kyc-9", "a/b": "a/b", "a/b/x-a/b": "", "order-1/x-order-1": "order-1", "order-1/x": "", "nobody": "",
	} {
		got, err := s.Resolve(t.Context(), name)
		if want == "" && !errors.Is(err, engine.ErrInstanceNotFound) || want != "" && (err != nil || got.Instance.InstanceID != want) {
			t.Errorf("%s: %s, %v", name, got.Instance, err)
		}
	}
	var several *ops.AmbiguousError
	if _, err := s.Resolve(t.Context(), "order"); !errors.As(err, &several) || !slices.Equal(sorted(several.IDs), []string{"order-1", "order-12"}) || several.More {
		t.Errorf("a prefix of two: %v", err)
	}
	if _, err := s.Exact(t.Context(), "kyc"); !errors.Is(err, engine.ErrInstanceNotFound) {
		t.Errorf("a prefix where a name is asked for: %v", err)
	}
	if _, err := s.Exact(t.Context(), ""); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("no name: %v", err)
	}
}

// crowded returns many executions of few instances.
type crowded struct {
	backend.Backend

	ids []string
}

func (c crowded) List(_ context.Context, q backend.Query) (backend.Page, error) {
	if q.Limit > 50 {
		return backend.Page{Items: []backend.Summary{{Instance: engine.Instance{InstanceID: c.ids[len(c.ids)-1]}}}}, nil
	}
	page := backend.Page{Next: "more"}
	for i := range q.Limit {
		page.Items = append(page.Items, backend.Summary{Instance: engine.Instance{InstanceID: c.ids[0], ExecutionID: strings.Repeat("x", i)}})
	}
	return page, nil
}

func TestManyExecutionsOfOneInstance(t *testing.T) {
	b := seeded(t, row("feed-77", engine.StatusRunning))
	if got, err := ops.New(crowded{b, []string{"feed-77"}}, ops.Options{}).Resolve(t.Context(), "feed"); err != nil || got.Instance.InstanceID != "feed-77" {
		t.Errorf("%s, %v", got.Instance, err)
	}
	_, err := ops.New(crowded{b, []string{"feed-77", "feed-78"}}, ops.Options{}).Resolve(t.Context(), "feed")
	if several, ok := errors.AsType[*ops.AmbiguousError](err); !ok || len(several.IDs) != 2 {
		t.Errorf("%v", err)
	}
}

func TestHistoryIsReadInPages(t *testing.T) {
	r := row("a", engine.StatusRunning)
	for i := range 500 {
		r.Events = append(r.Events, history.Event{At: now, Ref: int64(i + 1), Body: history.TimerScheduled{Duration: time.Second}})
	}
	b := seeded(t, r)
	s := ops.New(b, ops.Options{})
	want := int64(100)
	for e, err := range s.History(t.Context(), engine.Instance{InstanceID: "a", ExecutionID: opstest.Execution("a")}, 99) {
		if err != nil || e.Seq != want {
			t.Fatalf("event %d, want %d, %v", e.Seq, want, err)
		}
		want++
	}
	if want != 503 {
		t.Errorf("%d events, want 502", want-1)
	}
	for _, err := range s.History(t.Context(), engine.Instance{InstanceID: "x", ExecutionID: "x"}, 0) {
		if !errors.Is(err, engine.ErrInstanceNotFound) {
			t.Errorf("an unknown execution: %v", err)
		}
	}
}

// gappy has lost the first event of a history.
type gappy struct{ backend.Backend }

func (g gappy) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	chunks, err := g.Backend.History(ctx, i, after, limit)
	for i := range chunks {
		chunks[i].First++
	}
	return chunks, err
}

// What is read of a history has no gap: screens and diagnostics count on its numbers.
func TestHistoryWithAGapIsAnError(t *testing.T) {
	i := engine.Instance{InstanceID: "a", ExecutionID: opstest.Execution("a")}
	n := 0
	for e, err := range ops.New(gappy{seeded(t, row("a", engine.StatusRunning))}, ops.Options{}).History(t.Context(), i, 0) {
		n++
		if broken, ok := errors.AsType[*history.DecodeError](err); !ok || broken.Seq != 1 {
			t.Errorf("event %d, %v", e.Seq, err)
		}
	}
	if n != 1 {
		t.Errorf("%d answers", n)
	}
}

func TestTree(t *testing.T) {
	child := func(id, parent string) opstest.Row {
		r := row(id, engine.StatusRunning)
		r.Parent = &engine.Instance{InstanceID: parent, ExecutionID: opstest.Execution(parent)}
		return r
	}
	s := ops.New(seeded(t, row("root", engine.StatusRunning), child("a", "root"), child("b", "root"), child("aa", "a"), row("other", engine.StatusRunning)), ops.Options{})
	root, err := s.Exact(t.Context(), "root")
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Tree(t.Context(), root)
	if err != nil || len(n.Children) != 2 || n.Children[0].Instance.InstanceID != "a" || len(n.Children[0].Children) != 1 || n.More {
		t.Errorf("%+v, %v", n, err)
	}
}

func worker(id, build string, queues ...engine.Queue) backend.Worker {
	return backend.Worker{ID: id, Host: "h", Build: build, Queues: queues, Workflows: []string{"Order"}, Activities: []string{"Ship"},
		WorkflowsUsed: 1, WorkflowSlots: 4, ActivitiesUsed: 2, ActivitySlots: 8, Started: now}
}

func TestHealth(t *testing.T) {
	clock := opstest.NewClock(now.Add(-10 * time.Minute))
	b := memory.New(memory.WithClock(clock.Now))
	s := ops.New(b, ops.Options{})
	if h, err := s.Health(t.Context(), ops.HealthOptions{}); err != nil || !h.Healthy() || len(h.Findings) != 0 {
		t.Errorf("an empty store: %+v, %v", h.Findings, err)
	}
	stuck := row("stuck", engine.StatusBlocked)
	stuck.Created, stuck.Updated = clock.Now(), clock.Now()
	opstest.Seed(t, b, clock, []opstest.Row{stuck})
	for _, c := range []backend.Creation{
		{Instance: engine.Instance{InstanceID: "n", ExecutionID: "n"}, FirstExecution: "n", Workflow: "Order", Queue: "nobody", Started: []byte("[]")},
		{Instance: engine.Instance{InstanceID: "s", ExecutionID: "s"}, FirstExecution: "s", Workflow: "Order", Queue: "slow", Started: []byte("[]")},
	} {
		if err := b.Create(t.Context(), []backend.Creation{c})[0].Err; err != nil {
			t.Fatal(err)
		}
	}
	clock.Set(now.Add(-5 * time.Minute))
	heartbeat(t, b, worker("gone", "b1", "slow"))
	clock.Set(now)
	sick := worker("sick", "b2", "slow")
	sick.Unhealthy = "out of disk"
	heartbeat(t, b, sick)
	heartbeat(t, b, worker("well", "b1", "slow", "idle"))

	h, err := s.Health(t.Context(), ops.HealthOptions{})
	if err != nil || h.Healthy() || h.Blocked != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	var codes []string
	for _, f := range h.Findings {
		codes = append(codes, f.Code+" "+f.Subject)
	}
	want := []string{"queue-unserved nobody/workflow", "queue-slow slow/workflow", "worker-unhealthy sick", "worker-lost gone", "blocked ", "mixed-builds slow"}
	if !slices.Equal(codes, want) {
		t.Errorf("got  %q\nwant %q", codes, want)
	}
	queues, err := s.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range queues {
		if q.Queue == "slow" && q.Kind == backend.QueueActivity && (q.Workers != 2 || q.Used != 4 || q.Slots != 16) {
			t.Errorf("%+v", q)
		}
	}
	if h, err = s.Health(t.Context(), ops.HealthOptions{MaxWait: time.Hour}); err != nil || slices.ContainsFunc(h.Findings, func(f ops.Finding) bool { return f.Code == "queue-slow" }) {
		t.Errorf("%+v, %v", h.Findings, err)
	}
}

func heartbeat(t *testing.T, b backend.Backend, w backend.Worker) {
	t.Helper()
	if err := b.Heartbeat(t.Context(), w); err != nil {
		t.Fatal(err)
	}
}

func change(a ops.Action) ops.Change {
	return ops.Change{Action: a, Reason: "test", Signal: "go", Payload: engine.Payload(`{"n":1}`)}
}

// read returns the summaries of instances.
func read(t *testing.T, s *ops.Store, ids ...string) (all []backend.Summary) {
	t.Helper()
	for _, id := range ids {
		found, err := s.Exact(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found)
	}
	return all
}

func apply(t *testing.T, s *ops.Store, c ops.Change, id string) error {
	t.Helper()
	outcomes, err := s.Apply(t.Context(), c, read(t, s, id))
	if err != nil {
		t.Fatal(err)
	}
	return outcomes[0].Err
}

func TestActions(t *testing.T) {
	b := seeded(t, row("r", engine.StatusRunning), row("b", engine.StatusBlocked), row("d", engine.StatusCompleted))
	s := ops.New(b, ops.Options{By: "ana@host"})
	for _, a := range []ops.Action{ops.ActionSignal, ops.ActionCancel, ops.ActionPause, ops.ActionResume} {
		if err := apply(t, s, change(a), "r"); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if got := read(t, s, "r")[0].Paused; got != (a == ops.ActionPause) {
			t.Errorf("after %s paused is %v", a, got)
		}
	}
	noted(t, s, "r", engine.NoteResume)
	d, err := s.Detail(t.Context(), engine.Instance{InstanceID: "r"})
	if err != nil || len(d.Pending.Inbox) != 2 {
		t.Fatalf("%+v, %v", d.Pending, err)
	}
	for i, want := range []history.Body{
		history.SignalReceived{Name: "go", Arg: engine.Payload(`{"n":1}`), Headers: history.Headers{ops.ReasonHeader: "test (ana@host)"}},
		history.CancelRequested{Reason: "test (ana@host)"},
	} {
		e, err := d.Pending.Inbox[i].Event.DecodeOne()
		if err != nil || !sameBody(e.Body, want) || e.At.Sub(now).Abs() > time.Minute {
			t.Errorf("%+v, %v; want %+v", e, err, want)
		}
	}
	if err := apply(t, s, change(ops.ActionRetry), "b"); err != nil {
		t.Error(err)
	}
	noted(t, s, "b", engine.NoteRetry)
	if err := apply(t, s, change(ops.ActionTerminate), "b"); err != nil {
		t.Error(err)
	}
	if got := read(t, s, "b")[0]; got.Status != engine.StatusTerminated || got.LastError != "test (ana@host)" {
		t.Errorf("after a termination: %+v", got)
	}
	if err := apply(t, s, change(ops.ActionRemove), "d"); err != nil {
		t.Error(err)
	}
	if _, err := s.Exact(t.Context(), "d"); !errors.Is(err, engine.ErrInstanceNotFound) {
		t.Errorf("after its removal: %v", err)
	}
}

func noted(t *testing.T, s *ops.Store, id string, action engine.NoteAction) {
	t.Helper()
	if n := read(t, s, id)[0].Note; n == nil || n.Action != action || n.Reason != "test (ana@host)" {
		t.Errorf("%s has note %+v, want one of %s", id, n, action)
	}
}

func sameBody(a, b history.Body) bool {
	x, errX := history.Encode(history.Event{Body: a})
	y, errY := history.Encode(history.Event{Body: b})
	return errX == nil && errY == nil && string(x) == string(y)
}

func TestActionsThatMakeNoSense(t *testing.T) {
	s := ops.New(seeded(t, row("r", engine.StatusRunning), row("d", engine.StatusCompleted)), ops.Options{By: "ana@host"})
	for a, id := range map[ops.Action]string{
		ops.ActionSignal: "d", ops.ActionCancel: "d", ops.ActionTerminate: "d", ops.ActionPause: "d",
		ops.ActionResume: "r", ops.ActionRetry: "r", ops.ActionRemove: "r",
	} {
		if err := apply(t, s, change(a), id); !errors.Is(err, ops.ErrWrongState) || !strings.Contains(err.Error(), id) {
			t.Errorf("%s of %s: %v", a, id, err)
		}
	}
	for name, c := range map[string]ops.Change{
		"no reason":     {Action: ops.ActionPause},
		"too long":      {Action: ops.ActionPause, Reason: strings.Repeat("x", engine.MaxReasonBytes)}, // with who asks
		"no UTF-8":      {Action: ops.ActionCancel, Reason: "\xff"},
		"no signal":     {Action: ops.ActionSignal, Reason: "r"},
		"no JSON":       {Action: ops.ActionSignal, Reason: "r", Signal: "s", Payload: engine.Payload("{")},
		"a huge signal": {Action: ops.ActionSignal, Reason: "r", Signal: "s", Payload: make([]byte, engine.MaxPayloadBytes+1)},
	} {
		if _, err := s.Apply(t.Context(), c, read(t, s, "r")); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever forgets to say that a connection is read-only is told by the store.
func TestReadOnlyRefusesEveryAction(t *testing.T) {
	paused := row("p", engine.StatusRunning)
	paused.Paused = true
	b := seeded(t, row("r", engine.StatusRunning), row("b", engine.StatusBlocked), row("d", engine.StatusCompleted), paused)
	fitting := map[ops.Action]string{ops.ActionRetry: "b", ops.ActionResume: "p", ops.ActionRemove: "d"}
	for _, a := range ops.Actions() {
		id := fitting[a]
		if id == "" {
			id = "r"
		}
		forgetful := ops.New(b.ReadOnly(), ops.Options{})
		if err := apply(t, forgetful, change(a), id); !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%s: the store says %v", a, err)
		}
		careful := ops.New(b, ops.Options{ReadOnly: true})
		if outcomes, err := careful.Apply(t.Context(), change(a), read(t, careful, id)); !errors.Is(err, engine.ErrReadOnly) || outcomes != nil {
			t.Errorf("%s: %v, %v", a, outcomes, err)
		}
	}
	if got := ids(pages(t, b)); len(got) != 4 {
		t.Errorf("left are %v", got)
	}
}

// flaky loses the answers of the first writes.
type flaky struct {
	backend.Backend

	lost int
}

func (f *flaky) Terminate(ctx context.Context, ts []backend.Termination) []error {
	errs := f.Backend.Terminate(ctx, ts)
	if f.lost--; f.lost >= 0 {
		return []error{errors.New("connection reset")}
	}
	return errs
}

// hanging does not answer.
type hanging struct{ backend.Backend }

func (hanging) List(ctx context.Context, _ backend.Query) (backend.Page, error) {
	<-ctx.Done()
	return backend.Page{}, ctx.Err()
}

func TestPatienceEnds(t *testing.T) {
	s := ops.New(hanging{memory.New()}, ops.Options{Patience: time.Millisecond})
	soon, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if _, err := s.List(soon, ops.ListRequest{}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not answered (List) for 1ms") {
		t.Errorf("%v", err)
	}
}

func TestUnknownOutcomesAreSentAgain(t *testing.T) {
	for lost, ok := range map[int]bool{1: true, 2: true, 3: false} {
		f := &flaky{Backend: seeded(t, row("r", engine.StatusRunning)), lost: lost}
		err := apply(t, ops.New(f, ops.Options{}), change(ops.ActionTerminate), "r")
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "outcome is unknown") {
			t.Errorf("%d answers lost: %v", lost, err)
		}
	}
}

func TestWait(t *testing.T) {
	b := seeded(t, row("r", engine.StatusRunning))
	s := ops.New(b, ops.Options{})
	from := read(t, s, "r")[0]
	never := func(*backend.Summary) bool { return false }

	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if got, err := s.Wait(short, from, never); !errors.Is(err, context.DeadlineExceeded) || got.Status != engine.StatusRunning {
		t.Errorf("%s, %v", got.Status, err)
	}
	if got, err := s.Wait(t.Context(), from, func(s *backend.Summary) bool { return s.Status == engine.StatusRunning }); err != nil || got.Status != engine.StatusRunning {
		t.Errorf("%s, %v", got.Status, err)
	}
	done := make(chan backend.Summary, 1)
	go func() {
		got, err := s.Wait(t.Context(), from, never)
		if err != nil {
			t.Error(err)
		}
		done <- got
	}()
	if err := apply(t, s, change(ops.ActionTerminate), "r"); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.Status != engine.StatusTerminated {
		t.Errorf("it ended %s", got.Status)
	}
}

// A run is followed where it continues as new, and not into another run of its id.
func TestWaitFollowsTheRun(t *testing.T) {
	continued := row("c", engine.StatusContinuedAsNew)
	b := seeded(t, continued, row("r", engine.StatusCompleted))
	s := ops.New(b, ops.Options{})
	first, err := s.Exact(t.Context(), "c/"+opstest.Execution("c"))
	if err != nil || first.Status != engine.StatusContinuedAsNew {
		t.Fatalf("%+v, %v", first, err)
	}
	got, err := s.Wait(t.Context(), first, func(s *backend.Summary) bool { return s.Status == engine.StatusRunning })
	if err != nil || got.Instance.ExecutionID != opstest.Execution("c")+"-2" {
		t.Errorf("%s, %v", got.Instance, err)
	}
	if err := apply(t, s, change(ops.ActionTerminate), "c"); err != nil {
		t.Error(err)
	}

	old := read(t, s, "r")[0]
	again := backend.Creation{Instance: engine.Instance{InstanceID: "r", ExecutionID: "new"}, FirstExecution: "new", Workflow: "Order", Queue: "default", Started: []byte("[]")}
	if err := b.Create(t.Context(), []backend.Creation{again})[0].Err; err != nil {
		t.Fatal(err)
	}
	if got, err = s.Wait(t.Context(), old, func(*backend.Summary) bool { return false }); err != nil || got.Instance != old.Instance || got.Status != engine.StatusCompleted {
		t.Errorf("%s is %s, %v", got.Instance, got.Status, err)
	}
}

// What a file can't know is an error, not an answer that reads as if all were well.
func TestFileTellsNothingOfWorkers(t *testing.T) {
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	s := ops.New(b, ops.Options{File: true})
	_, health := s.Health(t.Context(), ops.HealthOptions{})
	_, queues := s.Queues(t.Context())
	_, workers := s.Workers(t.Context())
	for what, err := range map[string]error{"health": health, "queues": queues, "workers": workers} {
		if !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCensusTellsWhatIsWaitedFor(t *testing.T) {
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	opstest.Shop(t, b, clock, now)
	c, err := ops.New(b, ops.Options{}).Census(t.Context())
	if err != nil || c.Total != 14 || c.FailedLately != 2 || c.Waiting[engine.WaitSignal] != 2 || c.Waiting[engine.WaitTimer] != 1 || c.Paused != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}
