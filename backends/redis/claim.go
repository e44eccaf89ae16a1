package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
)

// claim runs a claim script. On one server it is one script over all partitions. On
// a cluster each partition first tells what it has, so that what is ready longest is
// taken first, wherever it is.
func (b *Backend) claim(ctx context.Context, doing string, s *script, limit, limitBlocked int, wish func(*packer)) (tasks []answer, now, next time.Time, err error) {
	if err := b.enter(ctx, true); err != nil {
		return nil, now, next, err
	}
	defer b.leave()
	defer func() {
		if err != nil {
			err = fmt.Errorf("redis: %s: %w", doing, err)
		}
	}()
	token := engine.NewID()
	ask := func(tag string, parts []string, limit, limitBlocked int, peek bool) job {
		p := &packer{b: make([]byte, 0, 512)}
		m := p.begin()
		wish(p)
		setList(p, "parts", parts, writeText)
		p.setInt("max", int64(max(limit, 0)))
		p.setInt("maxBlocked", int64(max(limitBlocked, 0)))
		p.setText("token", token+"-"+tag+"-")
		p.setTrue("peek", peek)
		p.end(m)
		return job{script: s, tag: tag, args: [][]byte{p.b}}
	}
	if b.near {
		r := b.run(ctx, []job{ask(b.tags[0], b.tags, limit, limitBlocked, false)})[0]
		return listOf(r.answer.list(1)), r.answer.time(0), r.answer.time(2), r.err
	}
	c := &clusterClaim{b: b, ask: ask, limit: limit, limitBlocked: limitBlocked}
	return c.run(ctx)
}

func listOf(a answer) []answer {
	all := make([]answer, len(a))
	for i := range a {
		all[i] = a.list(i)
	}
	return all
}

// clusterClaim is a claim over partitions that no script can see together.
type clusterClaim struct {
	b                   *Backend
	ask                 func(tag string, parts []string, limit, limitBlocked int, peek bool) job
	limit, limitBlocked int
}

// offer is something ready, in a partition.
type offer struct {
	tag     int
	since   int64
	serial  string // orders those of one microsecond
	blocked bool
}

func (c *clusterClaim) run(ctx context.Context) (tasks []answer, now, next time.Time, err error) {
	jobs := make([]job, len(c.b.tags))
	for i, tag := range c.b.tags {
		jobs[i] = c.ask(tag, c.b.tags[i:i+1], c.limit, c.limitBlocked, true)
	}
	var offers []offer
	soonest := make([]time.Time, len(jobs)) // more will be ready, by partition
	for i, r := range c.peek(ctx, jobs) {
		if r.err != nil {
			err = r.err
			continue
		}
		now, soonest[i] = later(now, r.answer.time(0)), r.answer.time(2)
		for _, o := range listOf(r.answer.list(1)) {
			offers = append(offers, offer{tag: i, since: o.int(0), serial: o.text(1), blocked: o.int(2) != 0})
		}
	}
	jobs, of := c.choose(offers)
	for n, r := range c.b.run(ctx, jobs) {
		if r.err != nil {
			err = r.err
			continue
		}
		now, soonest[of[n]] = later(now, r.answer.time(0)), r.answer.time(2)
		tasks = append(tasks, listOf(r.answer.list(1))...)
	}
	for _, at := range soonest {
		next = earliest(next, at)
	}
	if len(tasks) > 0 { // they are leased, and not to be forgotten because another server is away
		err = nil
	}
	slices.SortFunc(tasks, func(x, y answer) int {
		return cmp.Or(cmp.Compare(x.int(0), y.int(0)), strings.Compare(x.text(1), y.text(1)))
	})
	return tasks, now, next, err
}

// peekPatience is how long a claim waits for a server that does not answer: what is
// ready on the others shall not wait for it.
const peekPatience = time.Second

func (c *clusterClaim) peek(ctx context.Context, jobs []job) []reply {
	ctx, cancel := context.WithTimeout(ctx, peekPatience)
	defer cancel()
	return c.b.run(ctx, jobs)
}

// choose divides the claim among the partitions: those ready longest first. of says
// which partition each job is for.
func (c *clusterClaim) choose(offers []offer) (jobs []job, of []int) {
	slices.SortStableFunc(offers, func(x, y offer) int {
		return cmp.Or(cmp.Compare(x.since, y.since), strings.Compare(x.serial, y.serial))
	})
	all, blocked := make([]int, len(c.b.tags)), make([]int, len(c.b.tags))
	left, leftBlocked := c.limit, c.limitBlocked
	for _, o := range offers {
		if left == 0 || o.blocked && leftBlocked == 0 {
			continue
		}
		left--
		all[o.tag]++
		if o.blocked {
			leftBlocked--
			blocked[o.tag]++
		}
	}
	for i, tag := range c.b.tags {
		if all[i] > 0 {
			jobs, of = append(jobs, c.ask(tag, c.b.tags[i:i+1], all[i], blocked[i], false)), append(of, i)
		}
	}
	return jobs, of
}

// earliest returns the earlier of two times; zero stands for never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
