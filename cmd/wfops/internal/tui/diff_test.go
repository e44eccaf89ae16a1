package tui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// marked marks two orders in the list: a failed one and one that went well.
func (p *player) marked() {
	p.Helper()
	p.press("/", "id:order-8790", "Enter", "Space", "/", "Ctrl-U", "id:order-8788", "Enter", "Space", "/", "Ctrl-U", "Enter")
}

func TestDiffLooks(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			p := play(t, size[0], size[1], nil)
			p.marked()
			p.press("d")
			p.golden(fmt.Sprintf("diff_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		p := play(t, 120, 40, func(o *Options) { o.ASCII = true })
		p.marked()
		p.press("d")
		p.golden("diff_ascii")
	})
	t.Run("rules", func(t *testing.T) {
		p := play(t, 80, 24, nil)
		p.marked()
		p.press("d", "I")
		p.golden("diff_rules")
	})
	t.Run("row", func(t *testing.T) {
		p := play(t, 80, 24, nil)
		p.marked()
		p.press("d", "n", "n", "Enter")
		p.golden("diff_row")
	})
}

// An operator marks two orders and reads what is not the same.
func TestTwoOrdersAreCompared(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.marked()
	p.sees("2 marked")
	p.press("d")
	p.sees("A order-8788 ✓ completed", "B order-8790 ✗ failed", "4 changed, 1 only in A of 8 steps", "activity Ship: B +4m56s", "wfops diff order-8788 order-8790", "diff 1 of 5")
	p.press("n", "n")
	p.sees("diff 3 of 5")
	p.press("Enter")
	p.sees("activity Ship", "attempts", "CarrierError", "carrier 502 bad gateway", `{"track":"ZX1"}`)
	p.press("Esc", "n", "n", "n")
	p.sees("diff 1 of 5", "after the last difference comes the first one")
	p.press("N")
	p.sees("diff 5 of 5", "before the first difference comes the last one")
	p.press("g", "=")
	p.sees("3 steps that are the same are left out")
	p.press("=", `\`)
	p.sees("  =  ")
	p.press("/", "receipt", "Enter")
	p.sees("diff 4 of 5")
}

// What is folded is shown again by the key that folded it.
func TestDiffIsFolded(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press(":", "diff order-8790 order-8791", "Enter")
	p.sees("start OrderFill", "5 steps are the same (5-17)")
	p.press("j", "j", "j", "z")
	p.sees("activity FraudCheck", "activity PickItems")
	p.press("z")
	p.sees("5 steps are the same (5-17)")
	p.press("Z")
	p.sees("activity FraudCheck", "end failed")
}

// One that is chosen is compared with the last one of its kind that went well, unless
// something else is typed.
func TestDiffWith(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("/", "order-8790", "Enter", "d")
	p.sees("diff order-8790 with: order-8788")
	p.press("Enter")
	p.sees("A order-8790 ✗ failed", "B order-8788 ✓ completed")
	p.press("Esc", "Enter", "d", "Ctrl-U", "order-8841", "Enter")
	p.sees("B order-8841 ▷ running")
	p.press("Esc", "d", "Esc")
	p.sees("1·overview")
	p.press("d", "Ctrl-U", "nobody", "Enter")
	p.sees(`there is no instance "nobody"`)
}

func TestDiffTakesTwo(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("*", "d")
	p.sees("marked: mark two")
	p.press("u", ":", "diff a b c", "Enter")
	p.sees("diff takes two")
}

// Rules are turned off and on, and the numbers follow; the command says the same.
func TestDiffRules(t *testing.T) {
	p := play(t, 160, 30, nil)
	p.marked()
	p.press("d")
	p.sees("durations 1")
	rest := diagnostics.Rules{Ignore: slices.DeleteFunc(diagnostics.DefaultRules().Ignore, func(r diagnostics.Rule) bool { return r == diagnostics.RuleDurations })}
	p.press("I", "j", "j", "Space")
	p.sees("[ ] durations", ruleFlags(rest))
	p.press("Esc")
	p.sees("took", view.DiffIgnored(rest, nil))
	p.press("I", "+", "args[0].order", "Enter")
	p.sees("path args[0].order", "--ignore 'args[0].order'", "3 changed")
	p.press("G", "-", "g", "j", "j", "Space")
	p.sees("[x] durations", "wfops diff order-8788 order-8790", "4 changed")
	p.press("g", "-")
	p.sees("turned off, not dropped")
	for range rest.Ignore {
		p.press("Space", "j")
	}
	p.press("Space")
	p.sees("wfops diff order-8788 order-8790 --exact")
}

// An open instance that goes on is compared again; one that has not is left alone.
func TestDiffFollows(t *testing.T) {
	p := play(t, 100, 30, nil)
	p.press(":", "diff order-8841 order-8788", "Enter")
	p.sees("order-8841 ▷ running")
	var before *comparison
	look := func() (c *comparison) {
		p.inLoop(func() { c = p.app.top().(*diff).got })
		return c
	}
	before = look()
	p.press("j", "j", "Ctrl-R")
	if look() != before {
		t.Error("nothing has changed, and it was compared again")
	}
	store := p.app.conn.Store
	order, err := store.Exact(t.Context(), "order-8841")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := store.Apply(t.Context(), ops.Change{Action: ops.ActionTerminate, Reason: "test"}, []backend.Summary{order}); err != nil || done[0].Err != nil {
		t.Fatalf("%v, %v", done, err)
	}
	p.press("Ctrl-R")
	p.sees("order-8841 ■ terminated")
}

// Histories of files are compared with no store asked.
func TestDiffOfFiles(t *testing.T) {
	p := play(t, 100, 30, nil)
	dir := t.TempDir()
	names := make([]string, 2)
	for i, id := range []string{"order-8790", "order-8788"} {
		b, err := fleet.Load(t.Context(), p.app.conn.Store, id)
		if err != nil {
			t.Fatal(err)
		}
		names[i] = filepath.Join(dir, id+".wfh")
		if err := diagnostics.WriteFile(names[i], b); err != nil {
			t.Fatal(err)
		}
	}
	p.press(":", "diff "+names[0]+" "+names[1], "Enter")
	p.sees("✗ failed", "✓ completed", "4 changed, 1 only in B of 8 steps")
	if err := os.WriteFile(names[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.press("Esc", ":", "diff "+names[0]+" "+names[1], "Enter")
	p.sees("bundle")
}

// Two long histories are compared beside the loop, and a key costs no more than what is
// seen.
func TestDiffOfLongHistories(t *testing.T) {
	const steps = 50_000
	names := [2]string{"side-0", "side-1"}
	var sides [2]*side
	for i, name := range names {
		sides[i] = newSide(name, longHistory(name, steps, i, diagnostics.LevelStep), now)
		sides[i].opened = true
	}
	p := play(t, 120, 40, nil)
	p.inLoop(func() {
		d := newDiff(p.app, names)
		d.read = func(_ context.Context, _ *comparison, level diagnostics.Level, rules diagnostics.Rules) (*comparison, error) {
			c := &comparison{rules: rules, level: level, sides: sides}
			c.result = diagnostics.DiffSides(sides[0].of, sides[1].of, rules)
			return c, nil
		}
		p.app.show(d)
	})
	p.settle()
	p.sees("10,000 changed", "n/N diff 1 of 10,000", "100,003 events")
	p.press("n", "n", "G", "N", "Z", "PgDn", "=", "g", "z")
	p.press("/", "nowhere", "Enter")
	p.sees("no step has nowhere")
	p.inLoop(func() {
		d := p.app.top().(*diff)
		if all, _ := d.page.Differences(0); all != steps/5 {
			t.Errorf("%d differences", all)
		}
		if n := testing.AllocsPerRun(3, func() { p.app.paint(grid.New(120, 40)) }); n > 40_000 {
			t.Errorf("a frame takes %v allocations: it must not depend on what is not seen", n)
		}
	})
}

// longHistory has so many activities, of which each fifth differs from that of another
// side.
func longHistory(id string, steps, side int, level diagnostics.Level) *diagnostics.Side {
	at := now.Add(-100 * time.Hour)
	events := []history.Event{{At: at, Body: history.TaskStarted{Worker: "w"}}, {At: at, Body: history.WorkflowStarted{Workflow: "Long", FirstExecution: "x"}}}
	for n := range steps {
		at = at.Add(time.Second)
		arg := n * 10
		if n%5 == 0 {
			arg += side
		}
		events = append(events, history.Event{At: at, Ref: int64(n + 1), Body: history.ActivityScheduled{Name: "Work", Args: []engine.Payload{engine.Payload(fmt.Sprint(arg))}, Queue: "default"}},
			history.Event{At: at.Add(100 * time.Millisecond), Ref: int64(n + 1), Body: history.ActivityCompleted{Result: engine.Payload("1"), Run: history.Run{Attempt: 1, Started: at}}})
	}
	events = append(events, history.Event{At: at, Body: history.WorkflowCompleted{}})
	of := diagnostics.NewSide(level, len(events))
	of.Instance = engine.Instance{InstanceID: id, ExecutionID: "x"}
	for n := range events {
		events[n].Seq = int64(n + 1)
		of.Add(&events[n])
	}
	return of
}
