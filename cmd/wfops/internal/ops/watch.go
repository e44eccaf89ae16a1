package ops

import (
	"context"
	"iter"
	"reflect"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Difference is how one instance of a list differs from how it was before.
type Difference struct {
	Kind DifferenceKind
	// Summary is how it is now or, of one that is gone, how it was.
	Summary backend.Summary
}

// DifferenceKind says what has become of an instance of a list.
type DifferenceKind string

// The closed set of differences.
const (
	Added   DifferenceKind = "added"
	Changed DifferenceKind = "changed"
	// Gone instances have been removed, don't match any more, or have made room for
	// others.
	Gone DifferenceKind = "gone"
)

// Watch reads the first page of a list again and again, and yields how it differs from
// the time before: at first all of it, as added; then only what there is to tell. A
// failed read is yielded too, and is no reason to stop. It ends with ctx.
func (s *Store) Watch(ctx context.Context, r ListRequest, every time.Duration) iter.Seq2[[]Difference, error] {
	return func(yield func([]Difference, error) bool) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		var before []backend.Summary
		for {
			page, err := s.List(ctx, r)
			if ctx.Err() != nil {
				return
			}
			var changes []Difference
			if err == nil {
				changes, before = differences(before, page.Items), page.Items
			}
			if (err != nil || len(changes) > 0) && !yield(changes, err) {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

func differences(before, after []backend.Summary) (all []Difference) {
	was := make(map[engine.Instance]*backend.Summary, len(before))
	for i := range before {
		was[before[i].Instance] = &before[i]
	}
	for i := range after {
		old, known := was[after[i].Instance]
		switch {
		case !known:
			all = append(all, Difference{Added, after[i]})
		case !reflect.DeepEqual(*old, after[i]):
			all = append(all, Difference{Changed, after[i]})
		}
		delete(was, after[i].Instance)
	}
	for i := range before {
		if was[before[i].Instance] != nil {
			all = append(all, Difference{Gone, before[i]})
		}
	}
	return all
}
