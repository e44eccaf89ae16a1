package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// item is one item of a batch, packed for write.lua.
type item struct {
	tag  string
	data []byte
	// refused, unless nil, is the item's answer: it is not sent.
	refused error
	// ends is the hint of a commit that ends its execution. Its End is nil otherwise.
	ends backend.Hint
}

// result answers an item.
type result struct {
	answer answer
	now    time.Time
	err    error
}

// One script runs at most this many items, of at most so many bytes, so that it
// does not keep others waiting for long.
const (
	itemsPerScript = 100
	bytesPerScript = 4 << 20
)

// write applies items, and carries over what they send to other partitions.
func (b *Backend) write(ctx context.Context, doing string, items []item) []result {
	results := make([]result, len(items))
	if len(items) == 0 {
		return results
	}
	if err := b.enter(ctx, true); err != nil {
		for i := range results {
			results[i].err = err
		}
		return results
	}
	defer b.leave()
	jobs, members := b.divide(items, results)
	var letters []letter
	for n, r := range b.run(ctx, jobs) {
		if r.err != nil {
			err := fmt.Errorf("redis: %s: %w", doing, r.err)
			for _, i := range members[n] {
				results[i].err = err
			}
			continue
		}
		now, each := r.answer.time(0), r.answer.list(1)
		var ended []backend.Hint
		for at, i := range members[n] {
			results[i] = result{answer: each.list(at), now: now}
			if items[i].ends.End != nil && results[i].verdict(items[i].ends.Instance) == nil {
				ended = append(ended, items[i].ends)
			}
		}
		b.hub.Publish(ended...)
		letters = append(letters, b.heard(jobs[n].tag, r.answer)...)
	}
	if err := b.deliverLetters(ctx, letters); err != nil {
		b.tryAgain()
	}
	return results
}

// heard tells this process what a run of write.lua has changed, and returns what
// waits in the outboxes that it wrote to.
func (b *Backend) heard(tag string, a answer) []letter {
	b.hintAll(a.list(2))
	b.countListeners(a.int(4))
	var letters []letter
	for i := range a.list(3) {
		l := a.list(3).list(i)
		letters = append(letters, letter{from: tag, to: l.text(0), list: l.list(1)})
	}
	return letters
}

// divide makes jobs of items: of all together if this server holds all partitions,
// else of those of each partition. members are the items of each job.
func (b *Backend) divide(items []item, results []result) (jobs []job, members [][]int) {
	current := map[string]int{} // the job that a partition's next item joins
	size := map[int]int{}
	for i, it := range items {
		if it.refused != nil {
			results[i].err = it.refused
			continue
		}
		group := it.tag
		if b.near {
			group = ""
		}
		n, ok := current[group]
		if !ok || len(members[n]) >= itemsPerScript || size[n]+len(it.data) > bytesPerScript {
			n = len(jobs)
			current[group] = n
			jobs, members = append(jobs, job{script: writeScript, tag: it.tag}), append(members, nil)
		}
		jobs[n].args, members[n] = append(jobs[n].args, it.data), append(members[n], i)
		size[n] += len(it.data)
	}
	return jobs, members
}

// verdict is the error of an item that was refused, or nil.
func (r result) verdict(of engine.Instance) error {
	if r.err != nil {
		return r.err
	}
	switch what := r.answer.text(0); what {
	case "ok", "existed":
		return nil
	case "lost":
		return fmt.Errorf("redis: %s: %w", of, engine.ErrLeaseLost)
	case "missing":
		return fmt.Errorf("redis: no execution of %s: %w", of, engine.ErrInstanceNotFound)
	case "open":
		return fmt.Errorf("redis: %s is %s: %w", of, r.answer.text(1), engine.ErrInstanceNotFinished)
	case "taken":
		return fmt.Errorf("redis: the id is taken by %s/%s (%s): %w", of.InstanceID, r.answer.text(1), r.answer.text(2), engine.ErrInstanceAlreadyExists)
	default:
		return fmt.Errorf("redis: %s: the script answered %q", of, what)
	}
}

// each writes one item for each element, and returns the verdicts.
func each[I any](ctx context.Context, b *Backend, doing string, all []I, pack func(*I) item, name func(*I) engine.Instance) []error {
	items := make([]item, len(all))
	for i := range all {
		items[i] = pack(&all[i])
	}
	errs := make([]error, len(all))
	for i, r := range b.write(ctx, doing, items) {
		errs[i] = r.verdict(name(&all[i]))
	}
	return errs
}

func addressee(to backend.Address) engine.Instance {
	return engine.Instance{InstanceID: to.InstanceID, ExecutionID: to.ExecutionID}
}
