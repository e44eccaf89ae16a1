package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
	"github.com/wfops/wfops/engine/history"
)

func TestSignalIsSent(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.to("kyc-5520")
	p.press("s")
	p.golden("signal_80")
	p.sees("signal    decision", "waited for: decision")
	p.press("Enter", `{"ok":`, "Enter", "ticket 12", "Enter", "Enter")
	p.sees("the argument is not JSON")
	p.press("true}", "Enter", "Enter", "Enter")
	p.sees(`signal "decision" sent to kyc-5520`)
	detail, err := p.app.conn.Store.Detail(t.Context(), p.get("kyc-5520").Instance)
	if err != nil || len(detail.Pending.Inbox) != 1 {
		t.Fatalf("%+v, %v", detail.Pending, err)
	}
	e, err := detail.Pending.Inbox[0].Event.DecodeOne()
	if err != nil || !strings.Contains(fmt.Sprintf("%+v", e), "ticket 12 (ana@host-9)") {
		t.Errorf("%+v, %v", e, err)
	}
	p.press("@")
	p.sees("Deliver", "wfops shop signal decision kyc-5520 --input ... --reason", "'ticket 12'")
}

func TestDangerousChangesAreConfirmed(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.to("order-8841")
	p.press("c", "ordered twice", "Enter", "Enter") // the second is on Cancel
	p.sees("nothing was done")
	p.press("c", "Enter", "Tab", "Enter")
	p.sees("cancel needs a reason")
	p.press("ordered twice", "Tab", "Tab")
	p.golden("cancel_80")
	p.press("Enter")
	p.sees("order-8841 asked to cancel")
	p.press("c", "Esc")
	p.sees("nothing was done")
}

func TestMenuOfActions(t *testing.T) {
	for _, size := range sizes {
		p := play(t, size[0], size[1], nil)
		p.to("order-8841")
		p.press("a")
		p.golden(fmt.Sprintf("actions_%d", size[0]))
		p.press("termi", "Enter")
		p.sees("terminate order-8841", "reason")
		p.golden(fmt.Sprintf("terminate_%d", size[0]))
	}
}

func TestMarkedInstances(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("*", "a", "pause", "Enter")
	p.sees("pause 7 instances", "7 are left out")
	p.golden("pause_80")
	p.press("night", "Enter", "Enter")
	p.sees("nothing was done")
	p.press(":pause", "Enter", "night", "Enter", "Right", "Enter")
	p.sees("7 instances paused", "7 marked")
	if !p.get("kyc-5520").Paused {
		t.Error("kyc-5520 is not paused")
	}
	p.press("u", "/", "type:Kyc*", "Enter", "*", "/", "Ctrl-U", "type:Order*", "Enter")
	p.sees("2 marked (2 not shown)")
	p.press(":resume", "Enter")
	p.sees("2 of them are not in the list as it is filtered: kyc-5520, kyc-5531")
	p.press("Esc", "u")
	p.to("order-8788")
	p.press("v", "j", "j")
	p.sees("range, v ends", "3 marked")
	p.press("k", "v", "k", "k")
	p.sees("2 marked")
	p.press(":retry", "Enter")
	p.sees("retry makes sense for none of the 2")
}

// many plays on a store with many instances that wait.
func many(t *testing.T, n int, around intercept.Interceptor) *player {
	t.Helper()
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	rows := make([]opstest.Row, n)
	for i := range rows {
		rows[i] = opstest.Row{Summary: backend.Summary{
			Instance: engine.Instance{InstanceID: fmt.Sprintf("part-%03d", i)}, Workflow: "Part", Status: engine.StatusRunning, Created: now.Add(-1), Updated: now,
		}}
	}
	opstest.Seed(t, b, clock, rows)
	clock.Set(now)
	t.Cleanup(func() { _ = b.Close() })
	return playOn(t, intercept.New(b, around), clock, 80, 24, nil)
}

func passes(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
	return next(ctx)
}

func TestManyAreCountedOutLoud(t *testing.T) {
	p := many(t, 30, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		return next(ctx)
	})
	p.press("*", "c", "retired", "Enter", "29", "Enter", "Tab", "Enter")
	p.sees("type 30, which is how many there are")
	p.press("Ctrl-U", "30", "Enter", "Tab", "Enter")
	p.sees("30 instances asked to cancel")
}

func TestChangeThatFailsHalfWay(t *testing.T) {
	var calls atomic.Int32
	p := many(t, 5, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		if m == intercept.Pause && calls.Add(1)%4 != 1 { // each is tried three times
			return errors.New("the disk is full")
		}
		return next(ctx)
	})
	p.press("*", ":pause", "Enter", "r", "Enter", "Tab", "Enter")
	p.sees("pause: what was not done", "the disk is full")
	p.golden("outcomes_80")
	p.press("Esc")
	p.sees("pause: 3 of 5 were done, 2 were not, 0 were not tried", "2 marked")
	p.press("@")
	p.sees("pause part-001/x-part-001: the outcome is unknown: the disk is full")
}

func TestChangeIsStopped(t *testing.T) {
	began, goOn := make(chan bool, 100), make(chan bool)
	p := many(t, 50, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		if m == intercept.Pause {
			began <- true
			<-goOn
		}
		return next(ctx)
	})
	p.press("*", ":pause", "Enter", "r", "Enter", "50", "Enter", "Tab")
	p.app.events <- events("Enter")[0]
	comes(t, "the first change", began)
	for _, key := range []string{"q", "Ctrl-C"} {
		p.app.events <- events(key)[0]
	}
	for left := 1; left > 0; {
		p.inLoop(func() { left = len(p.app.events) })
	}
	p.inLoop(func() {
		if p.app.quit || !p.app.change.halt.Load() {
			t.Error("q left a change half done, or Ctrl-C did not stop it")
		}
	})
	close(goOn)
	p.settle()
	p.sees("pause: 20 of 50 were done, 0 were not, 30 were not tried", "30 marked")
}

func TestReadOnlyIsRefused(t *testing.T) {
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	opstest.Shop(t, b, clock, now)
	t.Cleanup(func() { _ = b.Close() })
	writes := 0
	watched := intercept.New(b, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		if !m.Reads() {
			writes++
		}
		return next(ctx)
	})
	readOnly := func(o *Options) {
		o.Connection.Store = ops.New(watched, ops.Options{ReadOnly: true, Clock: clock.Now})
		o.Connection.Why = "stores on servers are"
		o.Connection.Place = "shop"
		o.Connect = func(context.Context, string, bool) (*Connection, error) {
			return &Connection{Name: "shop", Place: "shop", Kind: "memory", Store: ops.New(watched, ops.Options{Clock: clock.Now}), Why: "asked for"}, nil
		}
	}
	p := playOn(t, b, clock, 80, 24, readOnly)
	p.to("order-8841")
	for _, action := range ops.Actions() {
		p.press(":"+string(action), "Enter")
		p.sees(string(action)+": this connection is read-only, and :write allows changes", " RO")
	}
	for _, key := range []string{"s", "c"} {
		p.press(key)
		p.sees("read-only")
	}
	p.press(":write", "Enter", "prod", "Enter")
	p.sees("it stays read-only", " RO")
	p.press(":write", "Enter", "shop", "Enter")
	p.sees("shop can be changed now", " RW")
	if writes != 0 {
		t.Errorf("%d writes on a connection for reading", writes)
	}
}

func TestDialogFindsRoom(t *testing.T) {
	p := play(t, 60, 15, nil)
	p.press("*", "/", "type:Order*", "Enter", "s")
	p.golden("signal_60")
	p.sees("[ Cancel ]", "reason", "argument", "not in the list", "would be refused")
	p.press("Enter", "x", "Enter")
	p.press("r", "Enter", "Tab", "Enter")
	p.sees("the argument is not JSON")
}

func TestStoreIsLostWhileADialogIsOpen(t *testing.T) {
	var lost atomic.Bool
	p := unsteady(t, &lost)
	p.to("kyc-5520")
	p.press("s", "Enter", "Enter", "why", "Enter")
	lost.Store(true)
	p.inLoop(func() { p.app.top().refresh() })
	p.settle()
	p.press("Enter")
	p.sees("the store does not answer, and nothing can be changed until it does")
	lost.Store(false)
	p.inLoop(func() { p.app.top().refresh() })
	p.settle()
	p.press("Enter")
	p.sees(`signal "decision" sent to kyc-5520`)
}

// What was chosen may have become something else before it was confirmed.
func TestChangeLooksAgain(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.to("trial-1207")
	p.press("c", "late", "Enter", "Tab")
	gone := p.get("trial-1207").Instance
	end := backend.Termination{To: backend.Address{InstanceID: gone.InstanceID}, Event: wire(t, history.WorkflowTerminated{Reason: "x"})}
	if err := p.backend.Terminate(t.Context(), []backend.Termination{end})[0]; err != nil {
		t.Fatal(err)
	}
	p.press("Enter")
	p.sees("cancel trial-1207: it is terminated, and has to be open")
	p.to("trial-1207")
	p.press("c")
	p.sees("it is terminated, and has to be open")
}

func wire(t *testing.T, body history.Body) history.Encoded {
	t.Helper()
	e, err := history.Encode(history.Event{At: now, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// turned is a codec that turns payloads round, or can't.
type turned struct{ err error }

func (turned) Name() string { return "turned" }

func (c turned) Open(ctx context.Context, stored engine.Payload) (engine.Payload, error) {
	return c.Seal(ctx, stored)
}

func (c turned) Seal(_ context.Context, plain engine.Payload) (engine.Payload, error) {
	sealed := slices.Clone(plain)
	slices.Reverse(sealed)
	return sealed, c.err
}

func TestArgumentsAreSealed(t *testing.T) {
	p := play(t, 80, 24, func(o *Options) { o.Connection.Codec = turned{errors.New("no key")} })
	p.to("kyc-5520")
	send := []string{"s", "Enter", `{"a":1}`, "Enter", "ticket 12", "Enter", "Enter"}
	p.press(send...)
	p.sees("0 of 1 were done: its argument can't be sealed: no key")
	p.inLoop(func() { p.app.conn.Codec = turned{} })
	p.press(send...)
	p.sees("sent to kyc-5520")
	detail, err := p.app.conn.Store.Detail(t.Context(), p.get("kyc-5520").Instance)
	if err != nil || len(detail.Pending.Inbox) != 1 {
		t.Fatalf("%+v, %v", detail.Pending, err)
	}
	e, err := detail.Pending.Inbox[0].Event.DecodeOne()
	if s, ok := e.Body.(history.SignalReceived); err != nil || !ok || string(s.Arg) != `}1:"a"{` {
		t.Errorf("%+v, %v", e, err)
	}
}
