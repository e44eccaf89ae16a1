package memory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func TestClosingAViewLeavesTheStoreOpen(t *testing.T) {
	b := memory.New()
	view := b.ReadOnly()
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := view.Info(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("reading a closed view: %v, want ErrClosed", err)
	}
	if _, err := b.Info(t.Context()); err != nil {
		t.Errorf("reading the store: %v", err)
	}
}

func TestClosingTheStoreClosesItsViews(t *testing.T) {
	b := memory.New()
	view := b.ReadOnly()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := view.Info(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("reading the view: %v, want ErrClosed", err)
	}
}

// A store whose time ran backwards would hand out an execution before others
// that were created earlier.
func TestTimeStandsStillWhenTheClockGoesBack(t *testing.T) {
	now := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)
	b := memory.New(memory.WithClock(func() time.Time { return now }))
	info := func() backend.Info {
		t.Helper()
		i, err := b.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	start := info().Now
	now = now.Add(-time.Hour)
	if got := info().Now; !got.Equal(start) {
		t.Errorf("the store says %v after %v", got, start)
	}
	now = start.Add(time.Second)
	if got := info().Now; !got.Equal(now) {
		t.Errorf("the store says %v, want %v", got, now)
	}
}
