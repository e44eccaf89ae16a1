package ops_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/filter/filtertest"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var now = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

// crowd returns stores with the same random instances, and what is in them, newest
// first.
func crowd(t *testing.T, rng *rand.Rand, n int) (stores map[string]*ops.Store, all []backend.Summary) {
	t.Helper()
	var rows []opstest.Row
	for _, s := range filtertest.Crowd(rng, n, now) {
		rows = append(rows, opstest.Row{Summary: s})
	}
	clock := opstest.NewClock(now)
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), sqlite.WithClock(clock.Now), sqlite.WithSynchronous(sqlite.Normal))
	if err != nil {
		t.Fatal(err)
	}
	stores = map[string]*ops.Store{}
	for name, b := range map[string]backend.Backend{"memory": memory.New(memory.WithClock(clock.Now)), "sqlite": file} {
		clock.Set(now.Add(-time.Hour))
		t.Cleanup(func() { _ = b.Close() })
		opstest.Seed(t, b, clock, slices.Clone(rows))
		clock.Set(now)
		stores[name] = ops.New(b, ops.Options{})
		all = pages(t, b)
	}
	return stores, all
}

// pages reads the whole of a store.
func pages(t *testing.T, b backend.Backend) (all []backend.Summary) {
	t.Helper()
	for q := (backend.Query{Limit: 1000}); ; {
		page, err := b.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

func parse(t *testing.T, text string) filter.Filter {
	t.Helper()
	f, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A list holds what a look at each instance finds, in the same order, on every store
// and for pages of any size; a count counts it.
func TestListsAgreeWithTheReference(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	stores, all := crowd(t, rng, 120)
	at := time.Time{}
	for range 40 {
		c := filtertest.Random(rng)
		sort := ops.Sorts()[rng.IntN(4)]
		r := ops.ListRequest{Filter: parse(t, c.Text), Sort: sort, Limit: 1 + rng.IntN(80), Ascending: sort != ops.SortAttention && rng.IntN(2) == 0, MaxScan: 1 + rng.IntN(300)}
		for name, s := range stores {
			got := list(t, s, r, &at)
			var want []backend.Summary
			for i := range all {
				if c.Match(&all[i], at) {
					want = append(want, all[i])
				}
			}
			if g, w := ids(got), ids(want); !reflect.DeepEqual(sorted(g), sorted(w)) {
				t.Fatalf("%s: %q\ngot  %v\nwant %v", name, c.Text, g, w)
			}
			if !slices.IsSortedFunc(got, order(r, at)) {
				t.Fatalf("%s: %q by %s (ascending: %v) is not in order: %v", name, c.Text, sort, r.Ascending, ids(got))
			}
			counts, err := s.Count(t.Context(), r.Filter, 1000)
			if err != nil || counts.Total != int64(len(want)) || counts.Capped {
				t.Fatalf("%s: %q: counted %+v, %v; want %d", name, c.Text, counts, err, len(want))
			}
		}
	}
}

// list reads a list to its end.
func list(t *testing.T, s *ops.Store, r ops.ListRequest, at *time.Time) (all []backend.Summary) {
	t.Helper()
	for {
		page, err := s.List(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > r.Limit || page.Capped && !page.Scan {
			t.Fatalf("a page of %d items, capped: %v, scan: %v; the limit is %d", len(page.Items), page.Capped, page.Scan, r.Limit)
		}
		all, *at = append(all, page.Items...), page.Now
		if r.Cursor = page.Next; r.Cursor == "" {
			return all
		}
	}
}

func ids(all []backend.Summary) (ids []string) {
	for i := range all {
		ids = append(ids, all[i].Instance.String())
	}
	return ids
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

// order says how two items of a list follow each other, as far as that is promised.
func order(r ops.ListRequest, now time.Time) func(a, b backend.Summary) int {
	rank := func(s backend.Summary) int {
		switch {
		case r.Sort != ops.SortAttention:
			return 0
		case s.Status == engine.StatusBlocked:
			return 1
		case s.Status == engine.StatusFailed && !s.Updated.Before(now.Add(-ops.AttentionSpan)):
			return 2
		case s.Status == engine.StatusRunning:
			return 3
		}
		return 4
	}
	return func(a, b backend.Summary) int {
		by := 0
		switch {
		case rank(a) != rank(b):
			return rank(a) - rank(b)
		case r.Sort == ops.SortUpdated, rank(a) == 2:
			by = a.Updated.Compare(b.Updated)
		case r.Sort == ops.SortAttempts, rank(a) == 3:
			by = a.Attempt - b.Attempt
		default:
			by = a.Created.Compare(b.Created)
		}
		if !r.Ascending {
			by = -by
		}
		return by
	}
}

func TestListTellsOfScansAndCaps(t *testing.T) {
	stores, all := crowd(t, rand.New(rand.NewPCG(1, 2)), 60)
	s := stores["sqlite"]
	page, err := s.List(t.Context(), ops.ListRequest{Filter: parse(t, "i-59"), Sort: ops.SortCreated, Ascending: true, MaxScan: 10})
	if err != nil || !page.Scan || !page.Capped || page.Scanned != 10 || page.Next == "" || len(page.Items) != 0 {
		t.Errorf("a list that looks for a word: %+v, %v", page, err)
	}
	page, err = s.List(t.Context(), ops.ListRequest{Filter: parse(t, "id:i-59")})
	if err != nil || page.Scan || page.Capped || len(page.Items) == 0 {
		t.Errorf("a list that looks for an id: %+v, %v", page, err)
	}
	page, err = s.List(t.Context(), ops.ListRequest{Filter: parse(t, "is:open is:final")})
	if err != nil || page.Scan || len(page.Items) != 0 || page.Next != "" {
		t.Errorf("a list of nothing: %+v, %v", page, err)
	}
	if at, err := s.Now(t.Context()); err != nil || at.Sub(now).Abs() > time.Minute {
		t.Errorf("after it the store's time is %v, %v", at, err)
	}
	counts, err := s.Count(t.Context(), parse(t, "!zzz"), 10)
	if err != nil || !counts.Capped || counts.Scanned != 10 || counts.Total != 10 || len(all) <= 10 {
		t.Errorf("a count that stops: %+v, %v", counts, err)
	}
}

func TestListRefuses(t *testing.T) {
	stores, _ := crowd(t, rand.New(rand.NewPCG(1, 2)), 20)
	s := stores["memory"]
	first, err := s.List(t.Context(), ops.ListRequest{Limit: 1})
	if err != nil || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	for name, r := range map[string]ops.ListRequest{
		"another order":       {Cursor: first.Next, Sort: ops.SortCreated},
		"another filter":      {Cursor: first.Next, Filter: parse(t, "is:open")},
		"no cursor":           {Cursor: "%%"},
		"nonsense":            {Cursor: "AAAA"},
		"no order":            {Sort: "size"},
		"attention backwards": {Ascending: true},
	} {
		if page, err := s.List(t.Context(), r); !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

func ExampleStore_List() {
	s := ops.New(memory.New(), ops.Options{ReadOnly: true})
	f, err := filter.Parse("is:open waiting:signal idle:>1h")
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := s.List(context.Background(), ops.ListRequest{Filter: f})
	fmt.Println(len(page.Items), strings.TrimSpace(page.Next) == "", err)
	// Output: 0 true <nil>
}
