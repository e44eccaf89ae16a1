package diagnostics_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// compared are the changes between two payloads, as arguments of an activity.
func compared(a, b string, rules diagnostics.Rules) (diagnostics.DiffRow, diagnostics.Result) {
	x, y := side("same step"), side("same step")
	x[1].Input, y[1].Input = []engine.Payload{engine.Payload(a)}, []engine.Payload{engine.Payload(b)}
	r := diagnostics.Diff(x, y, rules)
	return r.Rows[1], r
}

func changesText(cs []diagnostics.Change) string {
	var all []string
	for _, c := range cs {
		at := c.Path
		if c.PathB != "" {
			at += "|" + c.PathB
		}
		all = append(all, fmt.Sprintf("%s: %s | %s", strings.TrimPrefix(at, "args[0]"), c.A, c.B))
	}
	return strings.Join(all, "\n")
}

func TestDiffOfValues(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"equal in another order", `{"a":1,"b":2}`, `{"b":2,"a":1}`, ""},
		{"a member", `{"a":{"b":1}}`, `{"a":{"b":2}}`, ".a.b: 1 | 2"},
		{"a member with a strange name", `{"a.b":1}`, `{"a.b":2}`, `["a.b"]: 1 | 2`},
		{"another type", `{"a":1}`, `{"a":[1]}`, ".a: 1 | [1]"},
		{"null is not nothing", `{"a":null}`, `{}`, ".a: null | "},
		{"long numbers", `[12345678901234567890]`, `[12345678901234567891]`, "[0]: 12345678901234567890 | 12345678901234567891"},
		{"written in another way", `1`, `1.0`, ": 1 | 1.0"},
		{"an item in front", `["a","b","c"]`, `["x","a","b","c"]`, `[0]:  | "x"`},
		{"an item less, one other", `["a","b","c",1]`, `["b","c",2]`, "[0]: \"a\" | \n[3]|args[0][2]: 1 | 2"},
		{"items with ids", `[{"id":"a","n":1},{"id":"b","n":2}]`, `[{"id":"b","n":3}]`, "[id=\"a\"]: {\"id\":\"a\",\"n\":1} | \n[id=\"b\"].n: 2 | 3"},
		{"ids in another order", `[{"id":1},{"id":2}]`, `[{"id":2},{"id":1}]`, "[*].id: [1,2] | [2,1]"},
		{"ids that are none", `[{"id":1,"n":1},{"id":1,"n":2}]`, `[{"id":1,"n":1},{"id":1,"n":3}]`, "[1].n: 2 | 3"},
		{"text that is no JSON", `hello`, `world`, ": hello | world"},
		{"bytes", "\xff\x00", "\xff\x01", ": 2 bytes, sha256 ea5dbf9596d1 | 2 bytes, sha256 437cb43a3022"},
		{"behind the cut", `"` + strings.Repeat("x", 300) + `1"`, `"` + strings.Repeat("x", 300) + `2"`, `: "` + strings.Repeat("x", 199) + `… (303 bytes, sha256 9b7d4839f91f) | "` + strings.Repeat("x", 199) + `… (303 bytes, sha256 c2f78e5365ee)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			row, _ := compared(c.a, c.b, diagnostics.Rules{})
			if got := changesText(row.Changes); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			back, _ := compared(c.b, c.a, diagnostics.Rules{})
			if got, want := back.Changes, mirroredChanges(row.Changes); !reflect.DeepEqual(got, want) {
				t.Errorf("not mirrored\n%+v\n%+v", got, want)
			}
		})
	}
}

func TestDiffOfNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b      string
		tolerance float64
		same      bool
	}{
		{"0.1", "0.10000000000000001", 0, true}, {"1", "1.0", 0, true}, {"0.1", "0.1001", 0, false}, {"1e3", "1000", 0, true},
		{"12345678901234567890", "12345678901234567891", 0, false}, {"100", "101", 0, false},
		{"100", "101", 0.01, true}, {"100", "102", 0.01, false}, {"-100", "100", 0.01, false}, {"0", "0.001", 0.5, false}, {"1.00", "1.004", 0.005, true},
		{`"100"`, `"101"`, 0.5, false}, {"100", "null", 0.5, false}, {"1e999", "2e999", 0.5, false},
	} {
		rules := diagnostics.DefaultRules()
		rules.Tolerance = c.tolerance
		row, r := compared(c.a, c.b, rules)
		if same := row.Op == diagnostics.DiffSame; same != c.same || same != (r.Ignored[diagnostics.RuleNumbers] == 1) {
			t.Errorf("%s and %s by %v: %s, ignored %v", c.a, c.b, c.tolerance, row.Op, r.Ignored)
		}
		if row, r := compared(c.a, c.b, diagnostics.Rules{}); row.Op == diagnostics.DiffSame || len(r.Ignored) > 0 {
			t.Errorf("%s and %s without rules: %s, ignored %v", c.a, c.b, row.Op, r.Ignored)
		}
	}
}

func TestDiffOfTextsByWord(t *testing.T) {
	words := func(a, b string) string {
		quote := func(s string) string { text, _ := json.Marshal(s); return string(text) }
		row, _ := compared(quote(a), quote(b), diagnostics.Rules{})
		if len(row.Changes) != 1 {
			t.Fatalf("%q and %q: %+v", a, b, row.Changes)
		}
		return wordsText(row.Changes[0].Words)
	}
	for _, c := range []struct{ a, b, want string }{
		{"card 4111 was declined", "card 4222 was declined", "card [-4111]{+4222} was declined"},
		{"one two", "one two three", "one two{+ three}"},
		{"no word", "in common at all", ""},
		{"über das Öl", "unter das Öl", "[-über]{+unter} das Öl"},
		{strings.Repeat("on and ", 50) + "off", strings.Repeat("on and ", 50) + "on", "on and on and on and on …nd on and on and on and [-off]{+on}"},
		{"a.b.c", "a.b.d", "a.b.[-c]{+d}"},
	} {
		if got := words(c.a, c.b); got != c.want {
			t.Errorf("%q and %q:\n got %s\nwant %s", c.a, c.b, got, c.want)
		}
	}
	if got := words(strings.Repeat("word ", 20_000)+"a", strings.Repeat("word ", 20_000)+"b"); got != "" {
		t.Errorf("of a text that nobody reads: %s", got)
	}
	a, b := side("a"), side("a")
	a[0].Failure, b[0].Failure = &engine.Failure{Message: "no route to host-1"}, &engine.Failure{Message: "no route to host-2"}
	if got := diagnostics.Diff(a, b, diagnostics.Rules{}).Rows[0].Changes; len(got) != 1 || wordsText(got[0].Words) != "no route to host-[-1]{+2}" {
		t.Errorf("of an error: %+v", got)
	}
}

func wordsText(words []diagnostics.Word) string {
	var s strings.Builder
	for _, w := range words {
		switch w.Op {
		case diagnostics.DiffOnlyA:
			s.WriteString("[-" + w.Text + "]")
		case diagnostics.DiffOnlyB:
			s.WriteString("{+" + w.Text + "}")
		default:
			s.WriteString(w.Text)
		}
	}
	return s.String()
}

// Ignored differences don't hide others, however many there are, and each is counted.
func TestDiffCountsWhatItDoesNotShow(t *testing.T) {
	member := func(n int, last string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"at%03d":"2030-01-01T00:00:%02dZ"`, i, len(last)))
		}
		return "{" + strings.Join(append(all, `"z":"`+last+`"`), ",") + "}"
	}
	row, r := compared(member(200, "a"), member(200, "bb"), diagnostics.DefaultRules())
	if changesText(row.Changes) != `.z: "a" | "bb"` || r.Ignored[diagnostics.RuleTimes] != 200 || row.More != 0 {
		t.Errorf("got %+v, ignored %v", row.Changes, r.Ignored)
	}
	row, r = compared(member(200, "a"), member(200, "bb"), diagnostics.Rules{})
	if len(row.Changes) != 50 || row.More != 151 || len(r.Ignored) > 0 {
		t.Errorf("%d changes, %d more, ignored %v", len(row.Changes), row.More, r.Ignored)
	}
}

func TestDiffRulesOfTheUser(t *testing.T) {
	a, b := `{"id":"x","lines":[{"sku":"s.1","n":1,"at":7}],"host":"a-1"}`, `{"id":"y","lines":[{"sku":"s.1","n":2,"at":8}],"host":"b-2"}`
	for _, c := range []struct {
		paths []string
		want  string
		count []int
	}{
		{[]string{"args[0].id", "$.args[0].lines[*].n"}, ".lines[sku=\"s.1\"].at: 7 | 8", []int{1, 1}},
		{[]string{"args[*].lines", "misspelled"}, `.id: "x" | "y"`, []int{2, 0}},
		{[]string{`args[0].lines[sku="s.1"].at`}, ".id: \"x\" | \"y\"\n.lines[sku=\"s.1\"].n: 1 | 2", []int{1}},
		{[]string{"args[0]"}, "", []int{4}},
		{[]string{"$"}, ".id: \"x\" | \"y\"\n.lines[sku=\"s.1\"].at: 7 | 8\n.lines[sku=\"s.1\"].n: 1 | 2", []int{0}},
	} {
		rules := diagnostics.DefaultRules()
		rules.Paths = c.paths
		row, r := compared(a, b, rules)
		if got := changesText(row.Changes); got != c.want || r.Ignored[diagnostics.RuleHosts] != 1 && c.want != "" {
			t.Errorf("%q: got\n%s\nwant\n%s\nignored %v", c.paths, got, c.want, r.Ignored)
		}
		for i, p := range c.paths {
			if n, shown := r.Ignored[diagnostics.Rule("path "+p)]; !shown || n != c.count[i] {
				t.Errorf("%q is counted %d times, want %d", p, n, c.count[i])
			}
		}
	}
	x, y := side("a"), side("a")
	y[0].Failure, y[0].Outcome = &engine.Failure{Type: "T"}, diagnostics.OutcomeFailed
	if r := diagnostics.Diff(x, y, diagnostics.Rules{Paths: []string{"outcome", "error type"}}); r.Rows[0].Op != diagnostics.DiffSame || r.IgnoredAll() != 2 || r.Same() {
		t.Errorf("other names of changes: %+v, %v", r.Rows[0].Changes, r.Ignored)
	}
}

// Times that differ a little are not shown even without rules. They are counted, so that
// nothing is called equal that is not.
func TestDiffOfTimes(t *testing.T) {
	a, b := side("a"), side("a")
	b[0].Ended = b[0].Ended.Add(50 * time.Millisecond)
	r := diagnostics.Diff(a, b, diagnostics.Rules{})
	if r.Rows[0].Op != diagnostics.DiffSame || r.Same() || r.IgnoredAll() != 1 || r.Summary != "the same 1 step; 1 difference is ignored" {
		t.Errorf("%q, ignored %v", r.Summary, r.Ignored)
	}
}

// Steps that differ only in the names of hosts have the same key, and are aligned by it.
func TestDiffAlignsWithoutHosts(t *testing.T) {
	input := func(host string, n int) string { return fmt.Sprintf(`{"host":%q,"n":%d}`, host, n) }
	var a, b []diagnostics.Step
	for n := range 4 {
		a, b = append(a, activity("a", input("x-1", n))), append(b, activity("a", input("y-2", n)))
	}
	b = slices.Insert(b, 1, activity("a", input("y-2", 9)))
	r := diagnostics.Diff(numbered(a), numbered(b), diagnostics.DefaultRules())
	if got := rowsText(r); got != "=a +a =a =a =a" || r.Ignored[diagnostics.RuleHosts] != 4 {
		t.Errorf("got %s, ignored %v", got, r.Ignored)
	}
}

// Any two values: what is equal has no changes, what is not has some, and the changes of
// b and a are those of a and b seen from the other side.
func TestDiffLawsOfValues(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	for n := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, n))
		a := randomValue(rnd, 3)
		b := randomValue(rnd, 3)
		if rnd.IntN(2) == 0 {
			b = editedValue(rnd, a)
		}
		ta, tb := string(payloads(t, a)[0]), string(payloads(t, b)[0])
		row, r := compared(ta, tb, diagnostics.Rules{})
		if equal := ta == tb; equal != (row.Op == diagnostics.DiffSame) || equal != (len(row.Changes) == 0) || r.IgnoredAll() != 0 {
			t.Fatalf("seed %d, pair %d: %s\n%s\n%s\n%+v", seed, n, row.Op, ta, tb, row.Changes)
		}
		back, _ := compared(tb, ta, diagnostics.Rules{})
		if got, want := back.Changes, mirroredChanges(row.Changes); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d, pair %d: not mirrored\n%s\n%s\n%+v\n%+v", seed, n, ta, tb, got, want)
		}
		for _, c := range row.Changes {
			checkWords(t, c)
		}
	}
}

// checkWords checks that words are what both texts are made of.
func checkWords(t *testing.T, c diagnostics.Change) {
	t.Helper()
	if c.Words == nil {
		return
	}
	var a, b string
	for _, w := range c.Words {
		if w.Op != diagnostics.DiffOnlyB {
			a += w.Text
		}
		if w.Op != diagnostics.DiffOnlyA {
			b += w.Text
		}
	}
	if c.A != string(payloads(t, a)[0]) || c.B != string(payloads(t, b)[0]) {
		t.Fatalf("words of %s and %s are %+v", c.A, c.B, c.Words)
	}
}

func mirroredChanges(cs []diagnostics.Change) []diagnostics.Change {
	var out []diagnostics.Change
	for _, c := range cs {
		c.A, c.B = c.B, c.A
		if c.PathB != "" {
			c.Path, c.PathB = c.PathB, c.Path
		}
		c.Words = mirroredWords(c.Words)
		out = append(out, c)
	}
	return out
}

// mirroredWords swaps the sides; of two pieces beside each other that of A comes first.
func mirroredWords(words []diagnostics.Word) []diagnostics.Word {
	out := slices.Clone(words)
	for i, w := range out {
		switch w.Op {
		case diagnostics.DiffOnlyA:
			out[i].Op = diagnostics.DiffOnlyB
		case diagnostics.DiffOnlyB:
			out[i].Op = diagnostics.DiffOnlyA
			if i > 0 && out[i-1].Op == diagnostics.DiffOnlyB {
				out[i-1], out[i] = out[i], out[i-1]
			}
		}
	}
	return out
}

func randomValue(rnd *rand.Rand, depth int) any {
	switch kind := rnd.IntN(7); {
	case kind == 0 && depth > 0:
		m := map[string]any{}
		for range rnd.IntN(4) {
			m[[]string{"a", "b", "id", "x.y"}[rnd.IntN(4)]] = randomValue(rnd, depth-1)
		}
		return m
	case kind <= 3 && depth > 0:
		l := []any{}
		for range rnd.IntN(6) {
			l = append(l, randomValue(rnd, depth-1))
		}
		return l
	case kind == 4:
		return rnd.IntN(3)
	case kind == 5:
		return []any{nil, true, false}[rnd.IntN(3)]
	}
	var words []string
	for range rnd.IntN(6) {
		words = append(words, []string{"one", "two", "three"}[rnd.IntN(3)])
	}
	return strings.Join(words, " ")
}

// editedValue is a value with something else in it, perhaps.
func editedValue(rnd *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, m := range v {
			if rnd.IntN(3) == 0 {
				m = editedValue(rnd, m)
			}
			out[k] = m
		}
		return out
	case []any:
		out := slices.Clone(v)
		if len(out) == 0 || rnd.IntN(3) == 0 {
			return slices.Insert(out, rnd.IntN(len(out)+1), randomValue(rnd, 1))
		}
		i := rnd.IntN(len(out))
		if rnd.IntN(2) == 0 {
			return slices.Delete(out, i, i+1)
		}
		out[i] = editedValue(rnd, out[i])
		return out
	case string:
		return v + " more"
	}
	return randomValue(rnd, 1)
}
