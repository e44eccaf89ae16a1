package view_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

func tree(j *view.JSON) string {
	var b strings.Builder
	for row := range j.Len() {
		b.WriteString(strings.TrimRight(textOf(j.Row(row, 0, view.Options{ASCII: true})), " ") + "\n")
	}
	return b.String()
}

func TestJSONIsATree(t *testing.T) {
	j := view.ParseJSON([]byte(`{"order": 8841, "long key": [1.50, {"a":null}], "stack": "one\n\ttwo \\n\nthree", "none": {}, "yes":true}`))
	const want = `- {
    order: 8841
  - "long key": [
      1.50
    - {
        a: null
  + stack: (3 lines) "one\n\ttwo \\n\nthree"
    none: {}
    yes: true
`
	if got := tree(j); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if at := j.Toggle(6); at != 6 || !strings.Contains(tree(j), "- stack: (3 lines) \"one\\n\\ttwo \\\\n\\nthree\"\n      one\n        two \\n\n      three\n") {
		t.Errorf("lines of a text: row %d\n%s", at, tree(j))
	}
	if at := j.Toggle(3); at != 2 || !strings.Contains(tree(j), "+ \"long key\": 2 items  [1.50,{\"a\":null}]\n") {
		t.Errorf("a value folds what it is in: row %d\n%s", at, tree(j))
	}
	if row, ok := j.Find(0, false, "NULL"); !ok || j.Text(row) != "null" {
		t.Errorf("found %q, %t", j.Text(row), ok)
	}
	if _, ok := j.Find(0, false, "nothing"); ok {
		t.Error("found what is not there")
	}
	j.ToggleAll()
	j.ToggleAll()
	if j.Len() != 1 && j.Text(0) != j.Doc() {
		t.Errorf("%d rows when all is folded", j.Len())
	}
}

// What is no JSON is shown as well, and said to be none.
func TestJSONOfOtherThings(t *testing.T) {
	for doc, want := range map[string]string{
		"":                                      "no JSON: 0 bytes of text",
		"plain\ntext":                           "no JSON: 10 bytes of text",
		`{"a":1} x`:                             "no JSON: 9 bytes of text",
		`{"a":`:                                 "no JSON: 5 bytes of text",
		"\xff\xfe":                              "no JSON: 2 bytes that are no text",
		`{"$bytes":"cGxhaW4KdGV4dA=="}`:         "no JSON: 10 bytes of text",
		`{"$bytes":"not base64"}`:               "",
		`{"$bytes":"cGxhaW4=","more":1}`:        "",
		`[]`:                                    "",
		strings.Repeat("[", 5000):               "the first 1,001 values; the rest of 5,000 bytes is not shown",
		"[" + strings.Repeat("1,", 5000) + "1]": "the first 2,000 values; the rest of 10,003 bytes is not shown",
		strings.Repeat("[", 3000) + "1" + strings.Repeat("]", 3000):   "the first 1,001 values; the rest of 6,001 bytes is not shown",
		`"` + strings.Repeat(`line\n`, 5000) + `"`:                    "the first 2,000 values; the rest of 30,002 bytes is not shown",
		strings.Repeat("line\n", 5000):                                "no JSON: 25,000 bytes of text; only 2,000 lines are shown",
		strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900): "",
	} {
		name := doc[:min(len(doc), 20)]
		j := view.ParseJSONUpTo([]byte(doc), 2000)
		if j.Note != want {
			t.Errorf("%q: the note is %q, not %q", name, j.Note, want)
		}
		for row := range min(j.Len(), 2000) {
			j.Row(row, row%7, view.Options{})
		}
		if doc != "" && j.Len() == 0 {
			t.Errorf("%q: nothing is shown", name)
		}
	}
}

// A tree shows every value of a document, whatever that is and however it is folded.
func TestJSONShowsAll(t *testing.T) {
	for seed := range uint64(300) {
		chance := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // chance, not secrets
		count := 0
		doc, err := json.MarshalIndent(value(chance, 4, &count), "", strings.Repeat(" ", chance.IntN(3)))
		if err != nil {
			t.Fatal(err)
		}
		j := view.ParseJSON(doc)
		if j.Note != "" {
			t.Fatalf("seed %d: %s", seed, j.Note)
		}
		for range 20 {
			row := chance.IntN(j.Len())
			if at := j.Toggle(row); at < 0 || at >= j.Len() {
				t.Fatalf("seed %d: the cursor is on row %d of %d", seed, at, j.Len())
			}
		}
		if j.ToggleAll(); j.Len() != count { // nothing was folded
			j.ToggleAll()
		}
		for row := range j.Len() {
			if text := j.Text(row); !json.Valid([]byte(text)) {
				t.Fatalf("seed %d: row %d is %q of\n%s", seed, row, text, doc)
			}
		}
		if j.Len() != count {
			t.Fatalf("seed %d: %d rows of %d values:\n%s", seed, j.Len(), count, tree(j))
		}
	}
}

func value(chance *rand.Rand, depth int, count *int) any {
	*count++
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch chance.IntN(kinds) {
	case 0:
		return chance.IntN(1000)
	case 1:
		return []any{"text", `a \n "quoted" : , one`, "日本 {[", ""}[chance.IntN(4)]
	case 2:
		return []any{true, nil, 1.5e300, -0.25}[chance.IntN(4)]
	case 3:
		return map[string]any{}
	case 4:
		list := []any{}
		for range chance.IntN(5) {
			list = append(list, value(chance, depth-1, count))
		}
		return list
	}
	object := map[string]any{}
	for i := range chance.IntN(5) {
		object[fmt.Sprintf("k %d\":,", i)] = value(chance, depth-1, count)
	}
	return object
}
