// Package deploy rolls an incompatible build out beside an old one, and back again, as
// processes that share a store. Only tests import it.
package deploy

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/workflow"
)

// Harness tells the suite how to open a store.
type Harness struct {
	// New returns the address of an empty store that other processes can open.
	New func(t *testing.T) (address string)
	// Open opens the store at an address, in whatever process.
	Open func(ctx context.Context, address string) (backend.Backend, error)
}

// The builds.
const (
	buildOld = "old"
	buildNew = "new"
)

const paid = "paid"

// orderOld is what instances began with.
func orderOld(ctx workflow.Context, id string) (string, error) {
	reserved, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "reserve", id).Get(ctx) // history
	if err != nil {
		return "", err
	}
	return finish(ctx, reserved)
}

// orderNew can't go on with them: nobody has thought of workflow.Version.
func orderNew(ctx workflow.Context, id string) (string, error) {
	verified, err := workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "verify", id).Get(ctx) // code
	if err != nil {
		return "", err
	}
	return finish(ctx, verified)
}

// finish waits for the payment, so that there is a time at which no worker holds the
// instance.
func finish(ctx workflow.Context, before string) (string, error) {
	workflow.NewSignalChannel[int](ctx, paid).Receive(ctx)
	return workflow.ExecuteActivity[string](ctx, workflow.DefaultActivityOptions, "ship", before).Get(ctx)
}

func functions(build string) (*registry.Registry, error) {
	order := orderOld
	if build == buildNew {
		order = orderNew
	}
	r := registry.New()
	if err := r.RegisterWorkflow(order, registry.WithName("Order")); err != nil {
		return nil, err
	}
	for _, name := range []string{"reserve", "verify", "ship"} {
		does := func(_ context.Context, what string) (string, error) { return name + " " + what, nil }
		if err := r.RegisterActivity(does, registry.WithName(name)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Run rolls a build out and back.
func Run(t *testing.T, h Harness) {
	ctx := context.WithoutCancel(t.Context())
	address := h.New(t)
	b, err := h.Open(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := &deployment{T: t, b: b, c: client.New(b)}
	old := start(t, address, buildOld)
	d.create(3 * third)
	d.until("all wait for the payment", func(s backend.Summary) bool { return s.Waiting != nil && s.Waiting.Name == paid }, 0, 3*third)

	replaced := start(t, address, buildNew)
	old.Stop(t)
	d.pay(0, third)
	d.until("the new build has blocked what it can't run", blocked, 0, third)
	d.checkReports(0, third)

	old = start(t, address, buildOld)
	d.pay(third, 2*third)
	d.until("the old build finishes all, side by side with the new one", completed, 0, 2*third)

	old.Stop(t)
	d.pay(2*third, 3*third)
	d.until("the new build has blocked the rest", blocked, 2*third, 3*third)
	replaced.Stop(t)
	start(t, address, buildOld)
	d.until("everything completes after the rollback", completed, 0, 3*third)
	d.checkResults()
}

// third is how many orders are paid at a time.
const third = 8

// deployment is what a test sees of it.
type deployment struct {
	*testing.T
	b      backend.Backend
	c      *client.Client
	orders []*engine.Instance
}

func (d *deployment) create(n int) {
	d.Helper()
	for i := range n {
		id := fmt.Sprintf("order-%d", i)
		o, err := d.c.CreateWorkflowInstance(d.Context(), client.WorkflowInstanceOptions{InstanceID: id}, "Order", id)
		if err != nil {
			d.Fatal(err)
		}
		d.orders = append(d.orders, o)
	}
}

func (d *deployment) pay(from, to int) {
	d.Helper()
	for _, o := range d.orders[from:to] {
		if err := d.c.SignalWorkflow(d.Context(), o.InstanceID, paid, 1); err != nil {
			d.Fatal(err)
		}
	}
}

func blocked(s backend.Summary) bool { return s.Status == engine.StatusBlocked }

func completed(s backend.Summary) bool { return s.Status == engine.StatusCompleted }

// until waits until all orders of a range are as they should be. None may fail.
func (d *deployment) until(what string, cond func(backend.Summary) bool, from, to int) {
	d.Helper()
	deadline := time.Now().Add(patience)
	for _, o := range d.orders[from:to] {
		for s := d.get(o); !cond(s); s = d.get(o) {
			if time.Now().After(deadline) {
				d.Fatalf("after %s still not: %s; %s is %s %s", patience, what, o, s.Status, s.Block)
			}
			<-time.After(20 * time.Millisecond)
		}
	}
}

// patience is how long a busy machine may take for one stage.
const patience = time.Minute

func (d *deployment) get(o *engine.Instance) backend.Summary {
	d.Helper()
	s, err := d.b.Get(d.Context(), *o)
	if err != nil {
		d.Fatal(err)
	}
	if s.Status == engine.StatusFailed {
		d.Fatalf("%s has failed: %s", o, s.LastError)
	}
	return s
}

//go:embed deploy.go
var source string

// lineOf is the line of this file that ends in a comment.
func lineOf(comment string) int {
	before, _, _ := strings.Cut(source, " // "+comment+"\n")
	return 1 + strings.Count(before, "\n")
}

// checkReports looks for both lines that an author has to see.
func (d *deployment) checkReports(from, to int) {
	d.Helper()
	for _, o := range d.orders[from:to] {
		var r engine.BlockReason
		if err := json.Unmarshal(d.get(o).Block, &r); err != nil {
			d.Fatal(err)
		}
		if r.Class != engine.BlockNondeterminism || r.Build != buildNew || r.Expected == nil || r.Issued == nil {
			d.Fatalf("%s is blocked for %+v", o, r)
		}
		d.checkSite(o, r.Expected, "reserve", "orderOld", lineOf("history"))
		d.checkSite(o, r.Issued, "verify", "orderNew", lineOf("code"))
		d.checkFull(o, r.Report)
	}
}

// checkFull looks into the report that is stored beside the reason.
func (d *deployment) checkFull(o *engine.Instance, text json.RawMessage) {
	d.Helper()
	var r struct {
		Verdict, Class string
		Divergence     struct{ History, Code *engine.BlockCommand }
		Cause          struct{ Fixes []string }
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Verdict != "diverged" || r.Class != "NAME" || r.Divergence.History == nil || r.Divergence.Code == nil || len(r.Cause.Fixes) == 0 {
		d.Fatalf("%s has the report %s: %v", o, text, err)
	}
	d.checkSite(o, r.Divergence.History, "reserve", "orderOld", lineOf("history"))
	d.checkSite(o, r.Divergence.Code, "verify", "orderNew", lineOf("code"))
}

func (d *deployment) checkSite(o *engine.Instance, c *engine.BlockCommand, name, function string, line int) {
	d.Helper()
	if c.Name != name || !strings.HasSuffix(c.Function, "."+function) || c.File != "deploy.go" || c.Line != line {
		d.Errorf("%s: the report has %+v, want %s at %s (deploy.go:%d)", o, *c, name, function, line)
	}
}

func (d *deployment) checkResults() {
	d.Helper()
	for _, o := range d.orders {
		got, err := client.GetWorkflowResult[string](d.Context(), d.c, o, patience)
		if want := "ship reserve " + o.InstanceID; err != nil || got != want {
			d.Errorf("the result of %s is %q, %v; want %q", o, got, err, want)
		}
	}
	counts, err := d.b.Count(d.Context(), backend.Query{})
	if err != nil || counts[engine.StatusCompleted] != int64(len(d.orders)) {
		d.Errorf("the store has %v: %v", counts, err)
	}
}
