package tui

import (
	"path/filepath"
	"testing"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/exported"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// export writes the history of an instance of the shop to a file, and opens that.
func export(t *testing.T, id string) *exported.Store {
	t.Helper()
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	t.Cleanup(func() { _ = b.Close() })
	opstest.Shop(t, b, clock, now)
	store := ops.New(b, ops.Options{Clock: clock.Now})
	found, err := store.Get(t.Context(), engine.Instance{InstanceID: id})
	if err != nil {
		t.Fatal(err)
	}
	var events []history.Event
	for e, err := range store.History(t.Context(), found.Instance, 0) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	name := filepath.Join(t.TempDir(), "order.wfh")
	if err := diagnostics.WriteFile(name, diagnostics.NewBundle(found.Instance, events)); err != nil {
		t.Fatal(err)
	}
	file, err := exported.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// The file of an exported history opens on the instance that it is of.
func TestFileOpensOnItsInstance(t *testing.T) {
	file, clock := export(t, "order-8841"), opstest.NewClock(now)
	only, err := file.Get(t.Context(), engine.Instance{InstanceID: exported.This})
	if err != nil {
		t.Fatal(err)
	}
	p := playOn(t, file, clock, 100, 30, func(o *Options) {
		o.Connection = &Connection{
			Name: "order.wfh", Kind: "exported history", Instance: only.Instance,
			Store: ops.New(file, ops.Options{ReadOnly: true, File: true, Clock: clock.Now}),
		}
	})
	p.sees("order.wfh (exported history) RO", "order-8841", "OrderFill")
	p.press("H")
	p.sees("no queues or workers")
	p.press("Tab", "Enter", "j", "Ctrl-R", "Esc", "Esc")
	p.sees("workflows", "1 of 1")
	p.press("Enter")
	p.sees("order-8841")
}
