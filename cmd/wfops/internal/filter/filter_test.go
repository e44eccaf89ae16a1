package filter_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/filter/filtertest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var now = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

// asks holds what a store is asked against a query. It knows of what Plan sets, and
// nothing of filters.
func asks(q backend.Query, s *backend.Summary) bool {
	has := func(list []engine.Status) bool {
		return len(list) == 0 || slices.Contains(list, s.Status)
	}
	w := engine.Waiting{}
	if s.Waiting != nil {
		w = *s.Waiting
	}
	queue, typed := len(q.Queues) == 0, len(q.Workflows) == 0
	for _, name := range q.Queues {
		queue = queue || name == s.Queue
	}
	for _, p := range q.Workflows {
		pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*") + "$"
		typed = typed || regexp.MustCompile(pattern).MatchString(s.Workflow)
	}
	for k, v := range q.Tags {
		if s.Tags[k] != v {
			return false
		}
	}
	isChild := q.Parent == nil || s.Parent != nil && s.Parent.InstanceID == q.Parent.InstanceID
	return has(q.Statuses) && queue && isChild && typed &&
		(q.Paused == nil || *q.Paused == s.Paused) &&
		strings.HasPrefix(s.Instance.InstanceID, q.IDPrefix) && (q.InstanceID == "" || q.InstanceID == s.Instance.InstanceID) &&
		!s.Created.Before(q.CreatedAfter) && (q.CreatedBefore.IsZero() || s.Created.Before(q.CreatedBefore)) &&
		!s.Updated.Before(q.UpdatedAfter) && (q.UpdatedBefore.IsZero() || s.Updated.Before(q.UpdatedBefore)) &&
		s.Attempt >= q.MinAttempt &&
		(q.WaitingKind == "" || q.WaitingKind == w.Kind) && (q.WaitingName == "" || q.WaitingName == w.Name) &&
		strings.Contains(strings.ToLower(s.LastError), strings.ToLower(q.ErrorContains)) &&
		(q.BlockClass == "" || q.BlockClass == s.BlockClass) && (q.Build == "" || q.Build == s.Build)
}

// A filter matches what its reference matches; a plan asks for all of that, and
// unless it says so for nothing else.
func TestMatchAndPlanAgreeWithTheReference(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	crowd := filtertest.Crowd(rng, 300, now)
	for range 1500 {
		c := filtertest.Random(rng)
		f := parse(t, c.Text)
		plan := f.Plan(now)
		for i := range crowd {
			s := &crowd[i]
			want := c.Match(s, now)
			if got := f.Match(s, now); got != want {
				t.Fatalf("%s: matches %v, want %v:\n%+v %+v", c.Text, got, want, s, s.Waiting)
			}
			asked := !plan.Nothing && asks(plan.Query, s)
			if want && !asked || asked && !want && !plan.Scan {
				t.Fatalf("%s: the store is asked for it: %v, it matches: %v, scan: %v:\n%+v %+v", c.Text, asked, want, plan.Scan, s, plan.Query)
			}
		}
		if again := parse(t, f.String()); again.String() != f.String() {
			t.Fatalf("%s is shown as %s, and that as %s", c.Text, f, again)
		}
	}
}

func parse(t *testing.T, text string) filter.Filter {
	t.Helper()
	f, err := filter.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

// What a store can do alone must not become a scan.
func TestPlanPushesDown(t *testing.T) {
	for _, tc := range []struct {
		filter string
		scan   bool
	}{
		{"", false},
		{"status:failed,blocked is:open !status:running", false},
		{"is:paused", false},
		{"!is:paused", false},
		{"type:Order*,Bill queue:a,b", false},
		{"id:order-8841", false},
		{"id:order-*", false},
		{"parent:import-311", false},
		{"parent:a parent:a", false},
		{"age:>1h age:<=2d idle:>=10m", false},
		{"retry:>3", false},
		{"waiting:signal:pay", false},
		{"err:declined", false},
		{"tag.region:eu tag.env:prod", false},
		{"build:9c1e class:HANG", false},
		{"word", true},
		{"/re/", true},
		{"err:Declined", true},
		{"id:*1", true},
		{"parent:*", true},
		{"!parent:a", true},
		{"parent:a,b", true},
		{"parent:a parent:b", true},
		{"is:open worker:w-7f", true},
		{"retry:<3", true},
		{"waiting:>1h", true},
		{"!type:Order", true},
		{"queue:a*", true},
		{"type:A type:B", true},
		{`type:"A*"`, true},
		{"tag.region:e*", true},
		{"is:open,paused", true},
	} {
		if got := parse(t, tc.filter).Plan(now).Scan; got != tc.scan {
			t.Errorf("%s: scan is %v", tc.filter, got)
		}
	}
	if !parse(t, "is:open status:failed").Plan(now).Nothing || !parse(t, "is:paused !is:paused").Plan(now).Nothing {
		t.Error("a filter that nothing can match is not recognized")
	}
}

func TestErrorsPointAtTheCharacter(t *testing.T) {
	for _, tc := range []struct{ input, at, says string }{
		{"status:fialed", "fialed", "did you mean failed?"},
		{"is:open status:failed,done", "done", "status is one of running, blocked"},
		{"stauts:failed", "stauts", `no key "stauts"; did you mean status?`},
		{"http://x", "http", "written in quotes"},
		{"age:1h", "1h", "like >1h30m"},
		{"age:>1x", "1x", "units are"},
		{"age:>", "", `"" is not a time`},
		{"idle:>1h2", "1h2", "not a time"},
		{"age:/x/", "/x/", "not with an expression"},
		{"retry:>many", "many", "not a number"},
		{"waiting:mail", "mail", "one of signal"},
		{"waiting:signal:", "", "the name of the signal"},
		{"waiting:signal:pay,", "", "one of signal"},
		{"waiting:/x/", "/x/", "one of signal"},
		{"type:", "", "missing"},
		{"type:a,,b", "", "missing"},
		{"type:!", "", "missing"},
		{"!", "!", "followed by"},
		{"a ! b", "!", "followed by"},
		{"!!a", "!", "second !"},
		{`"open`, `"open`, "closing quote"},
		{`err:"a"b`, "b", "space has to follow"},
		{"/[/", "/[/", "missing closing ]"},
		{"/a", "/a", "closing /"},
		{"//", "//", "empty"},
		{"tag.:x", "tag.", "tag.KEY:VALUE"},
		{`tag."":x`, `tag.""`, "tag."},
		{"err:a\x1b[31m", "\x1b", "control characters"},
		{"ä:1", "ä", "no key"},
		{"a\xffb", "\xff", "not UTF-8"},
		{strings.Repeat("a", filter.MaxBytes) + "bc", "bc", "at most 4096 bytes"},
	} {
		_, err := filter.Parse(tc.input)
		var wrong *filter.Error
		if !errors.As(err, &wrong) || !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%q: error %v", tc.input, err)
			continue
		}
		if got := wrong.Input[wrong.Offset : wrong.Offset+wrong.Length]; got != tc.at || !strings.Contains(wrong.Message, tc.says) {
			t.Errorf("%q: points at %q, says %q; want %q, %q", tc.input, got, wrong.Message, tc.at, tc.says)
		}
	}
}

func TestWhatTextMeans(t *testing.T) {
	s := &backend.Summary{
		Instance: engine.Instance{InstanceID: `a"b:c`}, Workflow: "Order*", Queue: "q", LastError: "Größe: 5/6", Tags: map[string]string{"a b": "x,y"},
	}
	for text, want := range map[string]bool{
		`id:a"b:c`: true, `id:"a\"b:c"`: true, `"b:c"`: true,
		`type:"Order*"`: true, `type:"Ord*"`: false, `type:Ord*`: true,
		`err:größe`: true, `err:GRÖSSE`: false, `err:5/6`: true, `/5\/6$/`: true, `/(?i)GRÖSSE|größe/`: true,
		`tag."a b":"x,y"`: true, `tag."a b":x,y`: false, `!tag.other:*`: true, `waiting:signal`: false, `!waiting:>1h`: true,
	} {
		if got := parse(t, text).Match(s, now); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "1.5d": 36 * time.Hour, "2w": 14 * 24 * time.Hour, "5m3ms": 5*time.Minute + 3*time.Millisecond,
	} {
		if got, err := filter.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "h", "-1h", "1e9w", "1..5h", "999999999999w", "1h 2m"} {
		if d, err := filter.ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}

// What Parse takes, String shows so that Parse takes it for the same; nothing
// panics, and errors lie within the input.
func FuzzParse(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(filtertest.Random(rng).Text)
	}
	for _, s := range []string{`type:a,!b*`, `!waiting:signal:"x y",>3h`, `tag."a\"":*`, "retry:=3", `/\//`, "a\x00", "\xff", `err:*`, "is:!open", `tag.":x`} {
		f.Add(s)
	}
	crowd := filtertest.Crowd(rng, 20, now)
	f.Fuzz(func(t *testing.T, input string) {
		parsed, err := filter.Parse(input)
		if err != nil {
			var wrong *filter.Error
			if !errors.As(err, &wrong) || wrong.Offset < 0 || wrong.Length < 0 || wrong.Offset+wrong.Length > len(input) || wrong.Error() == "" {
				t.Fatalf("%q: %#v", input, err)
			}
			return
		}
		again, err := filter.Parse(parsed.String())
		if err != nil || again.String() != parsed.String() {
			t.Fatalf("%q is shown as %q, and that as %q, %v", input, parsed, again, err)
		}
		plan := parsed.Plan(now)
		for i := range crowd {
			s := &crowd[i]
			if parsed.Match(s, now) != again.Match(s, now) {
				t.Fatalf("%q and %q differ for %+v", input, parsed, s)
			}
			if parsed.Match(s, now) && (plan.Nothing || !asks(plan.Query, s)) {
				t.Fatalf("%q: the store would not be asked for %+v", input, s)
			}
		}
	})
}

func ExampleParse() {
	f, err := filter.Parse(`status:failed type:Order* err:"card declined"`)
	if err != nil {
		fmt.Println(err)
		return
	}
	failed := &backend.Summary{Status: engine.StatusFailed, Workflow: "OrderFulfil", LastError: "Card declined"}
	fmt.Println(f.Match(failed, time.Now()), f.Plan(time.Now()).Scan)

	_, err = filter.Parse("status:fialed")
	fmt.Println(err)
	// Output:
	// true false
	// filter, character 8: status is one of running, blocked, completed, failed, canceled, terminated, continued_as_new; did you mean failed?
}
