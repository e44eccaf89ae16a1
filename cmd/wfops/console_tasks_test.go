package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// The tasks of an operator at three in the morning, on a terminal of 80 by 24. He knows
// what is written on the screen and nothing else: what is pressed is what the screen
// offers, and what is looked for is read off it.

var row = regexp.MustCompile(`(?m)^(>)?.{0,2}[◇▷↻≠✗✓○] (\S+) .*?(?:for (\S+))?$`)

// cursorTo moves to an instance of a list that is on the screen.
func (c *console) cursorTo(id string) {
	c.Helper()
	from, to := -1, -1
	for i, m := range row.FindAllStringSubmatch(c.Sees(`^> `), -1) {
		if m[1] == ">" {
			from = i
		}
		if m[2] == id {
			to = i
		}
	}
	if from < 0 || to < 0 {
		c.Fatalf("%s is not on the screen, or no cursor:\n%s", id, c.Screen())
	}
	for ; from < to; from++ {
		c.Press("j")
	}
	for ; from > to; from-- {
		c.Press("k")
	}
	c.Sees(`^>.{0,2}. ` + id)
}

// hints fails unless the screen names these keys.
func (c *console) hints(keys ...string) {
	c.Helper()
	for _, key := range keys {
		c.Sees(`(^|  )` + regexp.QuoteMeta(key) + `( |$)`)
	}
}

// longest returns the instance of a list that has waited longest.
func longest(t *testing.T, screen string) (id string) {
	t.Helper()
	most := time.Duration(-1)
	for _, m := range row.FindAllStringSubmatch(screen, -1) {
		if m[3] == "" {
			continue
		}
		waited, err := time.ParseDuration(m[3])
		if err != nil {
			t.Fatalf("the screen says %q", m[3])
		}
		if waited > most {
			most, id = waited, m[2]
		}
	}
	return id
}

// Which instance waits longest for a signal? Send it.
func TestTaskSignalTheOneThatWaitsLongest(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "app.db")
	s := newSite(t, dsn)
	for i, id := range []string{"kyc-31", "kyc-20", "kyc-55"} {
		s.start(id, Review, id)
		before := s.becomes(id, waitsForSignal)
		if i == 0 { // the others wait for less long, by what can be seen
			<-time.After(time.Until(before.Waiting.Since.Add(2500 * time.Millisecond)))
		}
	}
	term := terminal(t, 80, 24, dsn)
	term.Run("wfops")
	term.Sees("kyc-31", "kyc-20", "kyc-55")
	term.hints("/ filter")
	term.Press("/")
	term.Type("waiting:signal")
	term.Press("Enter")
	// What was typed has been read by then, so that no answer takes the cursor back up.
	screen := term.Sees("workflows /waiting:signal .*of 3", `signal "decision" for \d`, "/ filter")
	id := longest(t, screen)
	if id != "kyc-31" {
		t.Fatalf("by the screen %s waits longest:\n%s", id, screen)
	}
	term.cursorTo(id)
	term.Press("s")
	term.Sees("signal "+id, "signal +decision", "argument", "reason")
	term.Press("Enter")
	term.Type(`"approved"`)
	term.Press("Enter")
	term.Type("ticket 12")
	term.Press("Enter")
	term.Press("Enter")
	term.Sees(`signal "decision" sent to ` + id)
	if done := s.becomes(id, func(s *backend.Summary) bool { return s.Status.Final() }); done.Status != engine.StatusCompleted {
		t.Errorf("%+v", done)
	}
	term.Until("it does not wait any more", func(screen string) bool { return !contains(screen, "◇ "+id) })
	term.quits()
}

// chargesFirst is the line at which the new code charges the card before anything else.
var chargesFirst atomic.Int64

func reserveThenCharge(ctx workflow.Context, order item) (string, error) {
	if _, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, ReserveStock, order).Get(ctx); err != nil {
		return "", err
	}
	return paid(ctx)
}

func chargeThenReserve(ctx workflow.Context, order item) (string, error) {
	_, _, here, _ := runtime.Caller(0)
	chargesFirst.Store(int64(here) + 2)
	if _, err := workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, ChargeCard, 21*order.Qty).Get(ctx); err != nil {
		return "", err
	}
	return paid(ctx)
}

func paid(ctx workflow.Context) (string, error) {
	how, _ := workflow.NewSignalChannel[string](ctx, "paid").Receive(ctx)
	return how, ctx.Err()
}

// An order is blocked. Why, and on which line of code?
func TestTaskFindTheLineThatBlocksAnOrder(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "app.db")
	s := newSite(t, dsn)
	as := func(wf any) func(*worker.Worker) error {
		return func(w *worker.Worker) error { return w.RegisterWorkflow(wf, registry.WithName("Fill")) }
	}
	reserve := func(w *worker.Worker) error { return w.RegisterActivity(ReserveStock) }
	charge := func(w *worker.Worker) error { return w.RegisterActivity(ChargeCard) }
	stop := s.work(as(reserveThenCharge), reserve, charge)
	s.start("order-7", "Fill", item{"A-113", 2})
	s.becomes("order-7", waitsForSignal)
	stop()
	s.work(as(chargeThenReserve), reserve, charge)
	if err := s.c.SignalWorkflow(t.Context(), "order-7", "paid", "cash"); err != nil {
		t.Fatal(err)
	}
	s.becomes("order-7", func(s *backend.Summary) bool { return s.Status == engine.StatusBlocked })

	term := terminal(t, 80, 24, dsn)
	term.Run("wfops --read-only")
	term.Sees("≠ order-7 .*NONDETERMINISM")
	term.cursorTo("order-7")
	term.hints("Enter open")
	term.Press("Enter")
	term.Sees("ReserveStock", "ChargeCard", fmt.Sprintf(`console_tasks_test\.go:%d`, chargesFirst.Load()))
	term.hints("Esc back")
	term.Press("Escape")
	term.Sees("^> ≠ order-7")
	term.quits()
}

// One order has failed and another has not. What is the difference?
func TestTaskCompareAFailedOrderWithAGoodOne(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "app.db")
	s := newSite(t, dsn, func(w *worker.Worker) error { return w.RegisterWorkflow(Fill) })
	s.start("order-good", Fill, item{"A-113", 2})
	s.start("order-bad", Fill, item{"A-113", 0})
	for _, id := range []string{"order-good", "order-bad"} {
		s.becomes(id, func(s *backend.Summary) bool { return s.Status.Final() })
	}
	term := terminal(t, 80, 24, dsn)
	term.Run("wfops --read-only")
	term.Sees("✗ order-bad .*502", "✓ order-good")
	term.hints("Space mark")
	term.cursorTo("order-bad")
	term.Press("Space")
	term.cursorTo("order-good")
	term.Press("Space")
	term.Sees("2 marked")
	term.Press("d")
	screen := term.Sees("order-bad", "order-good", "activity Ship", "carrier 502|failed", `Qty`)
	if !strings.Contains(screen, "ReserveStock") {
		t.Errorf("the steps before are not shown:\n%s", screen)
	}
	term.Press("Escape")
	term.Sees("Space mark")
	term.quits()
}
