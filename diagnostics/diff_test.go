package diagnostics_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

func activity(name, input string) diagnostics.Step {
	return diagnostics.Step{
		Kind: diagnostics.StepActivity, Name: name, Input: []engine.Payload{engine.Payload(input)}, Outcome: diagnostics.OutcomeCompleted,
		Result: engine.Payload("1"), Attempts: 1, Began: epoch, Ended: epoch.Add(time.Second),
	}
}

func numbered(steps []diagnostics.Step) []diagnostics.Step {
	for i := range steps {
		steps[i].Seq = int64(i) + 1
	}
	return steps
}

// written rows are for example "=a ~b <c -d +e".
func rowsText(r diagnostics.Result) string {
	signs := map[diagnostics.DiffOp]string{
		diagnostics.DiffSame: "=", diagnostics.DiffChanged: "~", diagnostics.DiffMoved: ">", diagnostics.DiffOnlyA: "-", diagnostics.DiffOnlyB: "+",
	}
	var words []string
	for _, row := range r.Rows {
		s := row.A
		if s == nil {
			s = row.B
		}
		words = append(words, signs[row.Op]+s.Name)
	}
	return strings.Join(words, " ")
}

// side reads "a b:2 c" as activities with inputs.
func side(text string) []diagnostics.Step {
	var steps []diagnostics.Step
	for word := range strings.FieldsSeq(text) {
		name, input, _ := strings.Cut(word, ":")
		if input == "" {
			input = "0"
		}
		steps = append(steps, activity(name, input))
	}
	return numbered(steps)
}

func TestDiffAligns(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"equal", "a b c", "a b c", "=a =b =c"},
		{"one more", "a b c", "a b x c", "=a =b +x =c"},
		{"one less", "a b c", "a c", "=a -b =c"},
		{"other input", "a b:1 c", "a b:2 c", "=a ~b =c"},
		{"renamed", "a charge c", "a chargeCard c", "=a ~charge =c"},
		{"another", "a reserve c", "a book c", "=a ~reserve =c"}, // the same input
		{"another with another input", "a reserve:1 c", "a book:2 c", "=a -reserve +book =c"},
		{"moved", "a b c d", "b c d a", ">a =b =c =d"},
		{"one more per turn", "a b a b a b", "a b x a b x a b x", "=a =b +x =a =b +x =a =b +x"},
		{"turns with inputs", "a:1 b:1 a:2 b:2 a:3 b:3", "a:1 b:1 a:3 b:3", "=a =b -a -b =a =b"},
		{"nothing", "", "", ""},
		{"all", "", "a b", "+a +b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := rowsText(diagnostics.Diff(side(c.a), side(c.b), diagnostics.Rules{})); !sameRows(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// sameRows lets a deletion and an insertion beside each other come in either order.
func sameRows(got, want string) bool {
	if got == want {
		return true
	}
	sortPairs := func(s string) string {
		words := strings.Fields(s)
		for i := 1; i < len(words); i++ {
			if words[i-1][0] == '+' && words[i][0] == '-' {
				words[i-1], words[i] = words[i], words[i-1]
			}
		}
		return strings.Join(words, " ")
	}
	return sortPairs(got) == sortPairs(want)
}

func TestDiffTellsWhatChanged(t *testing.T) {
	a, b := side("a charge c"), side("a charge c")
	a[1].Input = []engine.Payload{engine.Payload(`{"card":"x","lines":[{"sku":"s","n":1},{"sku":"t"}],"big":12345678901234567890}`)}
	b[1].Input = []engine.Payload{engine.Payload(`{"card":"x","lines":[{"sku":"s","n":2}],"big":12345678901234567891,"new":null}`)}
	b[1].Outcome, b[1].Result, b[1].Failure, b[1].Attempts = diagnostics.OutcomeFailed, nil, &engine.Failure{Type: "NetError", Message: "no"}, 5
	b[1].Ended = b[1].Began.Add(41 * time.Second)
	r := diagnostics.Diff(a, b, diagnostics.Rules{})
	want := []diagnostics.Change{
		{Path: "args[0].big", A: "12345678901234567890", B: "12345678901234567891"},
		{Path: `args[0].lines[sku="s"].n`, A: "1", B: "2"},
		{Path: `args[0].lines[sku="t"]`, A: `{"sku":"t"}`},
		{Path: "args[0].new", B: "null"},
		{Path: "outcome", A: "completed", B: "failed"},
		{Path: "result", A: "1", B: "null"},
		{Path: "error type", B: "NetError"},
		{Path: "error", B: "no"},
		{Path: "attempts", A: "1", B: "5"},
		{Path: "took", A: "1s", B: "41s"},
	}
	if got := r.Rows[1].Changes; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if want := "the same work except activity charge: A completed after 1s, B failed after 41s in 5 attempts"; r.Summary != want {
		t.Errorf("summary %q", r.Summary)
	}
}

func TestDiffIgnoresAndCounts(t *testing.T) {
	input := func(id, at, took, sku string) []engine.Payload {
		return []engine.Payload{engine.Payload(fmt.Sprintf(`{"id":%q,"at":%q,"took":%q,"sku":%q}`, id, at, took, sku))}
	}
	a, b := side("a b"), side("a b")
	a[0].Input = input("0123456789abcdef", "2030-01-01T00:00:00Z", "1.5s", "x")
	b[0].Input = input("aaaa6789-abcd-ef01-2345-000000000000", "2031-01-01T00:00:00Z", "2m", "x")
	b[1].Ended = b[1].Ended.Add(time.Hour)
	r := diagnostics.Diff(a, b, diagnostics.DefaultRules())
	if got := rowsText(r); got != "=a =b" {
		t.Errorf("rows %s: %+v", got, r.Rows[0].Changes)
	}
	want := map[diagnostics.Rule]int{diagnostics.RuleIDs: 1, diagnostics.RuleTimes: 1, diagnostics.RuleDurations: 2}
	if !reflect.DeepEqual(r.Ignored, want) || r.Same() || r.Summary != "the same 2 steps; 4 differences are ignored" {
		t.Errorf("ignored %v, %q", r.Ignored, r.Summary)
	}
	b[0].Input = input("aaaa6789-abcd-ef01-2345-000000000000", "2031-01-01T00:00:00Z", "2m", "y")
	r = diagnostics.Diff(a, b, diagnostics.DefaultRules())
	if got := r.Rows[0].Changes; len(got) != 1 || got[0].Path != "args[0].sku" {
		t.Errorf("changes %+v", got)
	}
	rules := diagnostics.DefaultRules()
	rules.Paths = []string{"args[*].sku"}
	if r = diagnostics.Diff(a, b, rules); len(r.Rows[0].Changes) > 0 || r.Ignored["path args[*].sku"] != 1 {
		t.Errorf("a path of the user: %+v %v", r.Rows[0].Changes, r.Ignored)
	}
	if r = diagnostics.Diff(a, b, diagnostics.Rules{}); len(r.Rows[0].Changes) != 4 || len(r.Ignored) > 0 {
		t.Errorf("without rules: %+v %v", r.Rows[0].Changes, r.Ignored)
	}
}

func TestDiffOfHistories(t *testing.T) {
	w := world{args: []any{7}}
	a, b := record(t, seq, w), record(t, seqMoreMiddle, w)
	r := diagnostics.Diff(diagnostics.Steps(a.Events), diagnostics.Steps(b.Events), diagnostics.DefaultRules())
	if r.Summary != "the same work except activity audit, which only B has" || len(r.Rows) != 6 {
		t.Errorf("%s, %d rows", r.Summary, len(r.Rows))
	}
	w.retries = map[string]int{"ship": 4}
	r = diagnostics.Diff(diagnostics.Steps(record(t, seq, w).Events), diagnostics.Steps(a.Events), diagnostics.Rules{})
	if want := "the same work except activity ship: A completed after 9.5s in 5 attempts, B completed after 1.1s"; r.Summary != want {
		t.Errorf("summary %q", r.Summary)
	}
}

// The laws hold for any two sequences. Few names and inputs make repeated keys, which
// are what is hard.
func TestDiffLaws(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, n))
		a := randomSteps(rnd, rnd.IntN(30), 1+rnd.IntN(5))
		b := randomSteps(rnd, rnd.IntN(30), 1+rnd.IntN(5))
		if rnd.IntN(2) == 0 {
			b = edited(rnd, a)
		}
		checkLaws(t, a, b)
		if t.Failed() {
			t.Fatalf("seed %d, pair %d\na %s\nb %s", seed, n, names(a), names(b))
		}
	}
}

func checkLaws(t *testing.T, a, b []diagnostics.Step) {
	t.Helper()
	r := diagnostics.Diff(a, b, diagnostics.Rules{})
	checkApplies(t, r, a, b)
	for _, row := range r.Rows {
		if same := row.A != nil && row.B != nil && len(row.Changes) == 0; (row.Op == diagnostics.DiffSame) != (same && row.Op != diagnostics.DiffMoved) {
			t.Errorf("a row is %s: %+v", row.Op, row)
		}
	}
	if self := diagnostics.Diff(a, a, diagnostics.Rules{}); !self.Same() || len(self.Rows) != len(a) {
		t.Errorf("a differs from itself: %s", rowsText(self))
	}
	if back := diagnostics.Diff(b, a, diagnostics.Rules{}); dump(mirrored(back.Rows)) != dump(r.Rows) {
		t.Errorf("not mirrored:\n%s\n%s", rowsText(r), rowsText(back))
	}
}

// checkApplies applies the rows to a and compares with b: each step of either side
// is in one row, and what is the same is the same.
func checkApplies(t *testing.T, r diagnostics.Result, a, b []diagnostics.Step) {
	t.Helper()
	made := make([]*diagnostics.Step, len(b))
	used := make([]bool, len(a))
	for _, row := range r.Rows {
		if row.A != nil {
			if used[row.A.Seq-1] {
				t.Errorf("step %d of a is in two rows", row.A.Seq)
			}
			used[row.A.Seq-1] = true
		}
		if row.B == nil {
			continue
		}
		from := row.A
		if row.Op == diagnostics.DiffOnlyB || row.Op == diagnostics.DiffChanged {
			from = row.B
		}
		if made[row.B.Seq-1] != nil {
			t.Errorf("step %d of b is in two rows", row.B.Seq)
		}
		made[row.B.Seq-1] = from
	}
	for i := range b {
		if made[i] == nil || made[i].Name != b[i].Name || string(made[i].Input[0]) != string(b[i].Input[0]) {
			t.Errorf("applied to a, the rows do not give step %d of b", i+1)
		}
	}
	for i, u := range used {
		if !u {
			t.Errorf("step %d of a is in no row", i+1)
		}
	}
}

func dump(rows []diagnostics.DiffRow) string {
	var b strings.Builder
	for _, r := range rows {
		seq := func(s *diagnostics.Step) int64 {
			if s == nil {
				return 0
			}
			return s.Seq
		}
		fmt.Fprintln(&b, r.Op, r.Key, seq(r.A), seq(r.B), r.Changes)
	}
	return b.String()
}

func mirrored(rows []diagnostics.DiffRow) []diagnostics.DiffRow {
	out := make([]diagnostics.DiffRow, len(rows))
	for i, r := range rows {
		r.A, r.B = r.B, r.A
		switch r.Op {
		case diagnostics.DiffOnlyA:
			r.Op = diagnostics.DiffOnlyB
		case diagnostics.DiffOnlyB:
			r.Op = diagnostics.DiffOnlyA
		}
		var cs []diagnostics.Change
		for _, c := range r.Changes {
			cs = append(cs, diagnostics.Change{Path: c.Path, A: c.B, B: c.A})
		}
		r.Changes = cs
		if r.A != nil {
			r.Key = string(r.A.Kind) + " " + r.A.Name
		}
		out[i] = r
	}
	return out
}

func randomSteps(rnd *rand.Rand, n, letters int) []diagnostics.Step {
	steps := make([]diagnostics.Step, n)
	for i := range steps {
		steps[i] = activity(string(rune('a'+rnd.IntN(letters))), fmt.Sprint(rnd.IntN(3)))
	}
	return numbered(steps)
}

func edited(rnd *rand.Rand, steps []diagnostics.Step) []diagnostics.Step {
	out := append([]diagnostics.Step{}, steps...)
	for range rnd.IntN(5) {
		if len(out) == 0 {
			break
		}
		i := rnd.IntN(len(out))
		switch rnd.IntN(3) {
		case 0:
			out = append(out[:i], out[i+1:]...)
		case 1:
			out = append(out[:i], append([]diagnostics.Step{activity("x", "9")}, out[i:]...)...)
		case 2:
			j := rnd.IntN(len(out))
			out[i], out[j] = out[j], out[i]
		}
	}
	return numbered(out)
}

func names(steps []diagnostics.Step) string {
	var words []string
	for _, s := range steps {
		words = append(words, s.Name+":"+string(s.Input[0]))
	}
	return strings.Join(words, " ")
}

func TestMyersFindsALongestCommonSubsequence(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(5000) {
		rnd := rand.New(rand.NewPCG(seed, n))
		a, b := randomKeys(rnd), randomKeys(rnd)
		work := 1 << 30
		length, last := 0, [2]int{}
		for _, m := range diagnostics.AlignKeys(a, b, &work) {
			if m[0] < last[0] || m[1] < last[1] {
				t.Fatalf("seed %d, pair %d: matches cross", seed, n)
			}
			for k := range m[2] {
				if a[m[0]+k] != b[m[1]+k] {
					t.Fatalf("seed %d, pair %d: a match does not match", seed, n)
				}
			}
			length += m[2]
			last = [2]int{m[0] + m[2], m[1] + m[2]}
		}
		if want := longest(a, b); length != want {
			t.Fatalf("seed %d, pair %d: length %d, want %d\n%v\n%v", seed, n, length, want, a, b)
		}
	}
}

func randomKeys(rnd *rand.Rand) []int32 {
	keys := make([]int32, rnd.IntN(25))
	letters := 1 + rnd.Int32N(6)
	for i := range keys {
		keys[i] = rnd.Int32N(letters)
	}
	return keys
}

// longest is the length of a longest common subsequence, by the textbook.
func longest(a, b []int32) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			above := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j], above)
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

// Two long runs that have only names in common would take minutes.
func TestDiffIsCapped(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	a, b := randomSteps(rnd, 20_000, 3), randomSteps(rnd, 20_000, 3)
	began := time.Now()
	r := diagnostics.Diff(a, b, diagnostics.Rules{})
	if !r.Capped || !strings.Contains(r.Summary, "too different") {
		t.Errorf("not capped: %s", r.Summary)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	checkApplies(t, r, a, b)
	if back := diagnostics.Diff(b, a, diagnostics.Rules{}); dump(mirrored(back.Rows)) != dump(r.Rows) {
		t.Error("not mirrored")
	}
}

func TestDiffAsJSON(t *testing.T) {
	r := diagnostics.Diff(side("a b"), side("a c b:2"), diagnostics.Rules{})
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"summary":`, `"counts":{`, `"rows":[{"op":"same","key":"activity a","a":{"kind":"activity","name":"a","seq":1`, `"changes":[{"path":"args[0]","a":"0","b":"2"}]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it lacks %s:\n%s", want, text)
		}
	}
}

func TestDiffOfHistoryAndCode(t *testing.T) {
	w := world{args: []any{7}, events: []delivery{signal(20*time.Second, "go", 1)}}
	for name, c := range map[string]struct {
		before, after any
		want          string
	}{
		"the same":       {wide, wide, "the same 10 steps"},
		"one more":       {seq, seqMoreMiddle, "the same work except activity audit, which only B has"},
		"one less":       {seq, seqWithoutMiddle, "the same work except activity charge, which only A has"},
		"renamed":        {seq, seqRenamed, "the same work except activity charge in name"},
		"other argument": {seq, seqArgument, "the same work except activity charge in args[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			b := record(t, c.before, w)
			code, err := diagnostics.Commands(b, registryOf(t, "flow", c.after), diagnostics.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := diagnostics.Diff(diagnostics.Steps(b.Events), code, diagnostics.Rules{})
			if r.Summary != c.want {
				t.Errorf("got  %s\nwant %s\n%s", r.Summary, c.want, dump(r.Rows))
			}
			again, err := diagnostics.Commands(b, registryOf(t, "flow", c.after), diagnostics.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if r := diagnostics.Diff(code, again, diagnostics.Rules{}); !r.Same() {
				t.Errorf("two replays: %s", r.Summary)
			}
		})
	}
	if _, err := diagnostics.Commands(record(t, seq, w), registryOf(t, "other", seq), diagnostics.Options{}); err == nil {
		t.Error("code that is not registered was run")
	}
}
