package orders_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/samples/orders/orders"
	"github.com/wfops/wfops/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a load without orders that take long.
var small = orders.Load{First: 10, Orders: 20, PayAfter: 10 * time.Millisecond}

// trade runs a load in this process and returns the journal.
func trade(t *testing.T, load orders.Load) (c *client.Client, journal string) {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	shared := settings.Settings{Errors: orders.Sentinels()}
	journal = filepath.Join(t.TempDir(), "journal")
	j, err := orders.OpenJournal(journal)
	if err != nil {
		t.Fatal(err)
	}
	r := registry.New()
	if err := orders.Register(r, &orders.Activities{Journal: j}); err != nil {
		t.Fatal(err)
	}
	w := worker.New(b, &worker.Options{Registry: r, Settings: shared, WorkerID: "worker", BuildID: "build"})
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.WaitForCompletion(); err != nil { // after t.Context
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})

	c = client.New(b, client.WithSettings(shared))
	feed, err := orders.OpenFeed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := load.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[orders.Outcome]int{}
	for _, r := range receipts {
		outcomes[r.Outcome]++
	}
	totals, err := orders.CloseFeed(t.Context(), feed)
	if err != nil {
		t.Fatal(err)
	}
	if totals.Orders != load.Orders || fmt.Sprint(totals.Outcomes) != fmt.Sprint(outcomes) {
		t.Errorf("the feed counted %+v, the receipts say %v", totals, outcomes)
	}
	return c, journal
}

// The checker must find what it is there for, or its silence means nothing.
func TestCheckFinds(t *testing.T) {
	c, journal := trade(t, small)
	original, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimRight(string(original), "\n"), "\n")
	first := strings.Fields(lines[0])
	for _, tt := range []struct {
		name    string
		journal string
		says    string // in the error, or empty if there is to be none
	}{
		{"nothing wrong", string(original), ""},
		{"a rerun after the commit", fmt.Sprintf("%s%s %s 2 start %d\n", original, first[0], first[1], time.Now().UnixNano()), "1 activities ran again"},
		{"the same attempt again after the commit", fmt.Sprintf("%s%s %s 1 start %d\n", original, first[0], first[1], time.Now().UnixNano()), "1 activities ran again"},
		{"a result that nobody made", strings.Join(lines[1:], ""), "never began"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(journal, []byte(tt.journal), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := orders.Check(t.Context(), c, journal)
			if err != nil {
				t.Fatal(err)
			}
			var report strings.Builder
			if err := f.Print(&report); err != nil {
				t.Fatal(err)
			}
			if good := strings.Contains(report.String(), "nothing lost: "); good != (tt.says == "") {
				t.Errorf("the report is\n%s", report.String())
			}
			if err := f.Err(); (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error that says %q", err, tt.says)
			}
		})
	}
	if err := os.WriteFile(journal, []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := orders.Check(t.Context(), c, journal); err == nil {
		t.Error("a journal that can't be read should be an error")
	}
}

func TestCheckFindsWhatIsOpen(t *testing.T) {
	c, journal := trade(t, small)
	if _, err := orders.OpenFeed(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	f, err := orders.Check(t.Context(), c, journal)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Err(); err == nil || f.Started != f.Finished+1 {
		t.Errorf("with the feed open: %d started, %d finished, error %v", f.Started, f.Finished, err)
	}
}
