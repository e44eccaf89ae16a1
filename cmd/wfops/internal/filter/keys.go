package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Key describes a key for help and completion.
type Key struct {
	// Name is what stands before the colon; that of a tag follows "tag.".
	Name string
	// Help is one line.
	Help string
	// Values are what may stand after the colon, if that is a closed set.
	Values []string
	// Example is a whole term.
	Example string
}

// Keys returns every key, in the order of the help.
func Keys() []Key {
	public := make([]Key, len(keys))
	for i, k := range keys {
		public[i] = Key{Name: k.name, Help: k.help, Values: slices.Clone(k.values), Example: k.example}
	}
	return public
}

const tagPrefix = "tag."

// measure says which values of a key are compared by size.
type measure int8

const (
	noMeasure measure = iota
	durations
	numbers
)

type key struct {
	name, help, example string
	// values, unless nil, are all that there are.
	values  []string
	measure measure
	tagged  bool // the name is followed by that of a tag
	waits   bool // values are KIND, KIND:NAME or a measure
	// match compares one alternative.
	match func(t *term, v value, s *backend.Summary, now time.Time) bool
	// push puts the term into a query, which then asks for all that matches. exact
	// tells that it asks for nothing else.
	push func(t *term, p *Plan, now time.Time) (exact bool)
}

// The order is that of the help.
var keys = []*key{
	{
		name: "status", help: "how far it is", example: "status:failed,blocked", values: statusNames(),
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.text == string(s.Status) },
		push:  pushStatus,
	},
	{
		name: "is", help: "open or final (by status), paused, blocked", example: "is:open", values: []string{"open", "final", "paused", "blocked"},
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return isIt(v.text, s.Status, s.Paused) },
		push:  pushIs,
	},
	{
		name: "type", help: "name of the workflow", example: "type:Order*",
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.is(s.Workflow) },
		push:  pushType,
	},
	{
		name: "queue", help: "queue of the workflow", example: "queue:billing",
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.is(string(s.Queue)) },
		push:  pushQueue,
	},
	{
		name: "id", help: "instance id", example: "id:order-88*",
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.is(s.Instance.InstanceID) },
		push:  pushID,
	},
	{
		name: "parent", help: "instance id of the parent; * if it only has to have one", example: "parent:import-311",
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool {
			return s.Parent != nil && v.is(s.Parent.InstanceID)
		},
		push: pushParent,
	},
	{
		name: "age", help: "time since it was created", example: "age:>1h", measure: durations,
		match: func(_ *term, v value, s *backend.Summary, now time.Time) bool { return v.bound.since(s.Created, now) },
		push:  pushAge,
	},
	{
		name: "idle", help: "time since it moved last", example: "idle:>10m", measure: durations,
		match: func(_ *term, v value, s *backend.Summary, now time.Time) bool { return v.bound.since(s.Updated, now) },
		push:  pushIdle,
	},
	{
		name: "retry", help: "attempts of an activity that is not done", example: "retry:>3", measure: numbers,
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool {
			return v.bound.op.holds(s.Attempt - v.bound.number)
		},
		push: pushRetry,
	},
	{
		name: "waiting", help: "what it waits for, KIND or KIND:NAME, or for how long", example: "waiting:signal:pay*", waits: true, measure: durations,
		values: []string{string(engine.WaitSignal), string(engine.WaitTimer), string(engine.WaitActivity), string(engine.WaitChild), string(engine.WaitOther)},
		match:  matchWaiting, push: pushWaiting,
	},
	{
		name: "err", help: "a piece of the last error", example: `err:"card declined"`,
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.within(s.LastError) },
		push:  pushErr,
	},
	{
		name: tagPrefix, help: "value of a tag; * if it only has to be there", example: "tag.region:eu", tagged: true,
		match: func(t *term, v value, s *backend.Summary, _ time.Time) bool {
			tag, ok := s.Tags[t.tag]
			return ok && v.is(tag)
		},
		push: pushTag,
	},
	{
		name: "build", help: "build of the worker that ran it last", example: "build:9c1e*",
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.is(s.Build) },
		push:  pushOne(func(q *backend.Query) *string { return &q.Build }),
	},
	{
		name: "worker", help: "worker that ran it last", example: "worker:w-7f*",
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.is(s.Worker) },
		push:  func(*term, *Plan, time.Time) bool { return false }, // stores know no such question
	},
	{
		name: "class", help: "why it is blocked", example: "class:NONDETERMINISM",
		match: func(_ *term, v value, s *backend.Summary, _ time.Time) bool { return v.is(s.BlockClass) },
		push:  pushOne(func(q *backend.Query) *string { return &q.BlockClass }),
	},
}

func find(name string) *key {
	for _, k := range keys {
		if k.name == name {
			return k
		}
	}
	return nil
}

func keyNames() []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	return names
}

func statusNames() []string {
	var names []string
	for _, s := range engine.Statuses() {
		names = append(names, string(s))
	}
	return names
}

// isIt is the meaning of is:.
func isIt(what string, s engine.Status, paused bool) bool {
	switch what {
	case "open":
		return s.Open()
	case "final":
		return s.Final()
	case "paused":
		return paused
	case "blocked":
		return s == engine.StatusBlocked
	}
	return false
}

// since compares the time that has passed since then.
func (b bound) since(then, now time.Time) bool {
	return b.op.holds(now.Add(-b.duration).Compare(then))
}

func matchWaiting(_ *term, v value, s *backend.Summary, now time.Time) bool {
	switch {
	case s.Waiting == nil:
		return false
	case v.bound.op != opNone:
		return v.bound.since(s.Waiting.Since, now)
	}
	return v.kind == string(s.Waiting.Kind) && (v.text == "" && v.re == nil || v.is(s.Waiting.Name))
}

// check makes a value of k out of what was read from start on.
func (k *key) check(p *parser, start int, v *value) error {
	switch {
	case k.waits:
		return k.checkWaiting(p, start, v)
	case k.measure != noMeasure:
		if v.re != nil {
			return p.wrong(start, p.at, "%s is compared with %s, not with an expression", k.name, k.measure)
		}
		return k.measure.read(p, start, v)
	case k.values != nil && (v.re != nil || !slices.Contains(k.values, v.text)):
		return p.wrong(start, p.at, "%s is one of %s%s", k.name, strings.Join(k.values, ", "), suggest(v.text, k.values))
	}
	return nil
}

// checkWaiting reads KIND, KIND:NAME or a bound.
func (k *key) checkWaiting(p *parser, start int, v *value) error {
	if v.re == nil && strings.ContainsAny(firstOf(v.text), "<>=") {
		return k.measure.read(p, start, v)
	}
	kind, name, named := strings.Cut(v.text, ":")
	if v.re != nil || !slices.Contains(k.values, kind) {
		return p.wrong(start, max(p.at, start+len(kind)), "waiting is one of %s, with :NAME if you like, or a time like >1h%s", strings.Join(k.values, ", "), suggest(kind, k.values))
	}
	v.kind, v.text = kind, name
	if !named {
		return nil
	}
	if name == "" && !p.ended(true) { // a name in quotes, or an expression
		inner, err := p.value(find("type"))
		v.text, v.star, v.re = inner.text, inner.star, inner.re
		return err
	}
	if name == "" {
		return p.wrong(p.at, p.at, "the name of the %s is missing", kind)
	}
	return nil
}

func firstOf(s string) string { return s[:min(1, len(s))] }

func (m measure) String() string {
	if m == numbers {
		return "a number like >3"
	}
	return "a time like >1h30m or <2d"
}

// read takes an operator and a measure from v.text.
func (m measure) read(p *parser, start int, v *value) error {
	text := v.text
	v.star = false
	for _, o := range ops {
		if rest, ok := strings.CutPrefix(text, string(o)); ok {
			v.bound.op, v.text = o, rest
			break
		}
	}
	var err error
	switch m {
	case durations:
		if v.bound.op == opNone || v.bound.op == opEqual {
			return p.wrong(start, p.at, "this is compared with %s", m)
		}
		v.bound.duration, err = ParseDuration(v.text)
	case numbers, noMeasure:
		if v.bound.op == opNone {
			v.bound.op = opEqual
		}
		v.bound.number, err = strconv.Atoi(v.text)
		if err != nil {
			err = fmt.Errorf("%q is not a number", v.text)
		}
	}
	if err != nil {
		return p.wrong(start+len(text)-len(v.text), p.at, "%v; this is compared with %s", err, m)
	}
	return nil
}
