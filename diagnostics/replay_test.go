package diagnostics_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/settings"
)

// Reports as JSON are read by programs: what was written once stays readable.
func TestReportsAreAsBefore(t *testing.T) {
	for _, name := range []string{"renamed", "swapped", "more beside", "argument", "argument, strict", "panics", "never ends", "without last", "hangs", "version rolled back"} {
		i := indexOf(t, name)
		r := replayed(t, mutations[i])
		got, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		file := filepath.Join("testdata", "reports", strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-")+".json")
		if *rewrite {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the report has changed; if that is meant, run the test with -rewrite\n%s", name, got)
		}
		var back diagnostics.Report
		if err := json.Unmarshal(want, &back); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: it does not come back from JSON: %v", name, err)
		}
	}
}

func indexOf(t *testing.T, name string) int {
	t.Helper()
	for i, m := range mutations {
		if m.name == name {
			return i
		}
	}
	t.Fatalf("no mutation %q", name)
	return 0
}

func reportText(t *testing.T, r diagnostics.Report) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReportsAreTheSameEachTime(t *testing.T) {
	for _, m := range mutations {
		if m.class == diagnostics.ClassRandom || m.class == diagnostics.ClassHang {
			continue // a coin decides how many passes agree; a hang takes its time
		}
		if a, b := reportText(t, replayed(t, m)), reportText(t, replayed(t, m)); a != b {
			t.Errorf("%s: two replays have two reports\n%s\n%s", m.name, a, b)
		}
	}
}

// A report of random code is the same too, but for the passes that agreed.
func TestRandomCodeIsAlwaysFound(t *testing.T) {
	m := mutations[indexOf(t, "range over a map")]
	var first string
	for n := range 100 {
		r := replayed(t, m)
		if r.Verdict != diverged || r.Class != diagnostics.ClassRandom {
			t.Fatalf("run %d: %s %s", n, r.Verdict, r.Class)
		}
		if r.Passes.Run != mutationPasses || r.Passes.Agreed == mutationPasses {
			t.Errorf("run %d: passes %+v", n, r.Passes)
		}
		r.Passes.Agreed = 0
		text := reportText(t, r)
		if first == "" {
			first = text
		}
		if text != first {
			t.Fatalf("run %d\n got %s\nwant %s", n, text, first)
		}
	}
}

func TestReportsHoldNoValues(t *testing.T) {
	b := record(t, secretive(1), world{args: []any{"secret-input"}})
	r := diagnostics.Replay(b, registryOf(t, "flow", secretive(2)), diagnostics.Options{AllRows: true, Passes: 1})
	if len(r.Warnings) != 1 {
		t.Fatalf("warnings: %+v", r.Warnings)
	}
	var paths []string
	for _, c := range r.Warnings[0].Changes {
		paths = append(paths, c.Path)
	}
	if want := []string{"args[0].card", "args[0].lines[0].n", "args[0][?]"}; !slices.Equal(paths, want) {
		t.Errorf("paths: %q, want %q", paths, want)
	}
	if strings.Contains(reportText(t, r), "secret") {
		t.Errorf("a value is in the report: %s", reportText(t, r))
	}
	r = diagnostics.Replay(b, registryOf(t, "flow", secretive(2)), diagnostics.Options{Values: true, Passes: 1})
	if c := r.Warnings[0].Changes[0]; c.A != `"secret-1"` || c.B != `"secret-2"` {
		t.Errorf("values were asked for: %+v", c)
	}
}

func secretive(n int) any {
	return func(ctx workflowContext, _ string) error {
		card := map[string]any{
			"card": fmt.Sprintf("secret-%d", n), "amount": 1, "lines": []any{map[string]any{"id": "secret-7", "n": n}}, "secret of@a.customer": n,
		}
		_, err := executeActivity(ctx, "charge", card)
		return err
	}
}

// A codec that seals the same value differently each time is no difference.
func TestCodecIsOpened(t *testing.T) {
	b := record(t, seq, world{args: []any{7}})
	for i, ev := range b.Events {
		b.Events[i].Body = sealed(ev.Body)
	}
	s := settings.Settings{Codec: &nonceCodec{}}
	r := diagnostics.Replay(b, registryOf(t, "flow", seq), diagnostics.Options{Settings: s, Strict: true})
	if r.Verdict != ok || r.Passes.Agreed != r.Passes.Run || len(r.Warnings) > 0 {
		t.Errorf("%+v", r)
	}
	r = diagnostics.Replay(b, registryOf(t, "flow", seq), diagnostics.Options{})
	if r.Verdict != unanswerable || r.Class != diagnostics.ClassDecode {
		t.Errorf("without the codec: %+v", r)
	}
}

func TestUnfitBundles(t *testing.T) {
	b := record(t, seq, world{args: []any{7}})
	reg := registryOf(t, "flow", seq)
	gap := b
	gap.Events = gap.Events[1:]
	empty, begun := b, b
	empty.Events, begun.Events = nil, b.Events[:1]
	nameless := b
	nameless.Instance = engine.Instance{}
	for name, c := range map[string]struct {
		b    diagnostics.Bundle
		want string
	}{
		"redacted": {diagnostics.Redact(b), "redacted"},
		"gap":      {gap, "malformed history"},
		"nameless": {nameless, "names no execution"},
		"empty":    {empty, "how the execution was started"},
		"begun":    {begun, "how the execution was started"},
	} {
		r := diagnostics.Replay(c.b, reg, diagnostics.Options{})
		if r.Verdict != unanswerable || !strings.Contains(r.Summary, c.want) {
			t.Errorf("%s: %s %q", name, r.Verdict, r.Summary)
		}
	}
}

// What a worker holds is a prefix of a history, cut after any step.
func TestEveryPrefixIsOK(t *testing.T) {
	for _, flow := range []any{seq, wide, seqVersioned, group("x", "y")} {
		b := record(t, flow, world{args: []any{7}, events: []delivery{signal(20e9, "go", 1)}})
		for n := 2; n <= len(b.Events); n++ {
			if n < len(b.Events) && b.Events[n].Kind() != task {
				continue
			}
			cut := diagnostics.NewBundle(b.Instance, b.Events[:n])
			if r := diagnostics.Replay(cut, registryOf(t, "flow", flow), diagnostics.Options{Passes: 2, Strict: true}); r.Verdict != ok {
				t.Errorf("the first %d events: %s", n, r.Summary)
			}
		}
	}
}

func TestGroupTellsCausesApart(t *testing.T) {
	group := func(name string) string { return replayed(t, mutations[indexOf(t, name)]).Group() }
	if first, second := group("renamed"), group("renamed"); first != second {
		t.Error("one cause has two groups")
	}
	if group("renamed") == group("swapped") {
		t.Error("two causes have one group")
	}
	// Each instance has children and friends of its own.
	for _, kind := range []history.Kind{history.KindChildScheduled, history.KindSignalSent} {
		of := func(name string) string {
			c := &engine.BlockCommand{Kind: string(kind), Name: name}
			return diagnostics.Report{Class: diagnostics.ClassName, Divergence: &diagnostics.Divergence{History: c, Code: c}}.Group()
		}
		if of("ship order-1") != of("ship order-2") || of("ship order-1") == of("send order-1") {
			t.Errorf("groups of %s: %s, %s", kind, of("ship order-1"), of("send order-1"))
		}
	}
}

func TestEveryClassHasAPage(t *testing.T) {
	index, err := os.ReadFile("../docs/nondeterminism/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range diagnostics.Classes() {
		page, err := os.ReadFile("../" + c.Page())
		if err != nil || !strings.Contains(string(page), "# "+string(c)+":") {
			t.Errorf("%s: %v", c, err)
		}
		if !strings.Contains(string(index), "("+string(c)+".md)") {
			t.Errorf("%s is not in the index", c)
		}
	}
}
