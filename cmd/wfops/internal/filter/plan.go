package filter

import (
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Plan is what a store can do of a filter.
type Plan struct {
	// Query asks for every match.
	Query backend.Query
	// Scan tells that Query also asks for others, which Match has to sort out.
	Scan bool
	// Nothing tells that no execution can match.
	Nothing bool
}

// Plan says what to ask a store for, at its time now.
func (f Filter) Plan(now time.Time) Plan {
	var p Plan
	for i := range f.terms {
		t := &f.terms[i]
		if t.key == nil || !t.key.push(t, &p, now) {
			p.Scan = true
		}
	}
	return p
}

// only asks for executions of these statuses and of no others.
func (p *Plan) only(keep func(engine.Status) bool) {
	from := p.Query.Statuses
	if len(from) == 0 {
		from = engine.Statuses()
	}
	p.Query.Statuses = slices.DeleteFunc(slices.Clone(from), func(s engine.Status) bool { return !keep(s) })
	p.Nothing = p.Nothing || len(p.Query.Statuses) == 0
}

func pushStatus(t *term, p *Plan, _ time.Time) bool {
	p.only(func(s engine.Status) bool {
		return t.not != slices.ContainsFunc(t.values, func(v value) bool { return v.text == string(s) })
	})
	return true
}

// pushIs can express paused beside nothing, and the others by statuses.
func pushIs(t *term, p *Plan, _ time.Time) bool {
	if slices.ContainsFunc(t.values, func(v value) bool { return v.text == "paused" }) {
		if len(t.values) > 1 {
			return false
		}
		want := !t.not
		if p.Query.Paused != nil && *p.Query.Paused != want {
			p.Nothing = true
		}
		p.Query.Paused = &want
		return true
	}
	p.only(func(s engine.Status) bool {
		return t.not != slices.ContainsFunc(t.values, func(v value) bool { return isIt(v.text, s, false) })
	})
	return true
}

func pushType(t *term, p *Plan, _ time.Time) bool {
	if t.not || p.Query.Workflows != nil || slices.ContainsFunc(t.values, func(v value) bool {
		return v.re != nil || !v.star && strings.Contains(v.text, "*")
	}) {
		return false
	}
	for _, v := range t.values {
		p.Query.Workflows = append(p.Query.Workflows, v.text)
	}
	return true
}

func pushQueue(t *term, p *Plan, _ time.Time) bool {
	if t.not || p.Query.Queues != nil || slices.ContainsFunc(t.values, func(v value) bool { return !v.plain() }) {
		return false
	}
	for _, v := range t.values {
		p.Query.Queues = append(p.Query.Queues, engine.Queue(v.text))
	}
	return true
}

func pushID(t *term, p *Plan, _ time.Time) bool {
	v, ok := t.single()
	if !ok || v.re != nil {
		return false
	}
	if !v.star {
		return put(&p.Query.InstanceID, v.text)
	}
	prefix, rest, _ := strings.Cut(v.text, "*")
	return put(&p.Query.IDPrefix, prefix) && rest == ""
}

// pushParent asks for the children of all executions of the parent.
func pushParent(t *term, p *Plan, _ time.Time) bool {
	v, ok := t.single()
	if !ok || !v.plain() {
		return false
	}
	if p.Query.Parent == nil {
		p.Query.Parent = &engine.Instance{}
	}
	return put(&p.Query.Parent.InstanceID, v.text)
}

func pushAge(t *term, p *Plan, now time.Time) bool {
	return t.pushSince(now, &p.Query.CreatedAfter, &p.Query.CreatedBefore)
}

func pushIdle(t *term, p *Plan, now time.Time) bool {
	return t.pushSince(now, &p.Query.UpdatedAfter, &p.Query.UpdatedBefore)
}

// pushSince narrows bounds of a time, of which after is inclusive and before is not.
func (t *term) pushSince(now time.Time, after, before *time.Time) bool {
	v, ok := t.single()
	if !ok {
		return false
	}
	then := now.Add(-v.bound.duration)
	switch v.bound.op {
	case opGreater:
		earlier(before, then)
	case opAtLeast:
		earlier(before, then.Add(1))
	case opLess:
		later(after, then.Add(1))
	case opAtMost:
		later(after, then)
	case opNone, opEqual:
		return false
	}
	return true
}

func earlier(bound *time.Time, t time.Time) {
	if bound.IsZero() || t.Before(*bound) {
		*bound = t
	}
}

func later(bound *time.Time, t time.Time) {
	if bound.IsZero() || t.After(*bound) {
		*bound = t
	}
}

func pushRetry(t *term, p *Plan, _ time.Time) bool {
	v, ok := t.single()
	if !ok {
		return false
	}
	switch v.bound.op {
	case opGreater:
		p.Query.MinAttempt = max(p.Query.MinAttempt, v.bound.number+1)
	case opAtLeast:
		p.Query.MinAttempt = max(p.Query.MinAttempt, v.bound.number)
	case opEqual:
		p.Query.MinAttempt = max(p.Query.MinAttempt, v.bound.number)
		return false
	case opLess, opAtMost, opNone:
		return false
	}
	return true
}

func pushWaiting(t *term, p *Plan, _ time.Time) bool {
	v, ok := t.single()
	if !ok || v.bound.op != opNone {
		return false
	}
	kind := engine.WaitKind(v.kind)
	if p.Query.WaitingKind != "" && p.Query.WaitingKind != kind {
		return false
	}
	p.Query.WaitingKind = kind
	return v.text == "" && v.re == nil || v.plain() && put(&p.Query.WaitingName, v.text)
}

// pushErr is exact unless capitals count.
func pushErr(t *term, p *Plan, _ time.Time) bool {
	v, ok := t.single()
	return ok && v.re == nil && put(&p.Query.ErrorContains, v.text) && !hasCapital(v.text)
}

func pushTag(t *term, p *Plan, _ time.Time) bool {
	v, ok := t.single()
	if !ok || !v.plain() {
		return false
	}
	if have, taken := p.Query.Tags[t.tag]; taken {
		return have == v.text
	}
	if p.Query.Tags == nil {
		p.Query.Tags = map[string]string{}
	}
	p.Query.Tags[t.tag] = v.text
	return true
}

// pushOne is for fields of a query that hold one text.
func pushOne(field func(*backend.Query) *string) func(*term, *Plan, time.Time) bool {
	return func(t *term, p *Plan, _ time.Time) bool {
		v, ok := t.single()
		return ok && v.plain() && put(field(&p.Query), v.text)
	}
}

// single returns the only value of a term that is not negated.
func (t *term) single() (value, bool) {
	if t.not || len(t.values) != 1 {
		return value{}, false
	}
	return t.values[0], true
}

// put sets a field that is empty, and reports whether it holds text now.
func put(field *string, text string) bool {
	if *field == "" {
		*field = text
	}
	return *field == text
}
