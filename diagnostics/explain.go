package diagnostics

import (
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/internal/spelling"
)

// Explanation says what may have happened to the code and what can be done. It is a
// likely story; what is certain is the Divergence.
type Explanation struct {
	Class Class `json:"class"`
	// Cause is one sentence.
	Cause string `json:"cause"`
	// After tells how the code goes on if the cause is right.
	After string `json:"after,omitempty"`
	// RuledOut are other causes that were looked for.
	RuledOut []Check `json:"ruled_out,omitempty"`
	// Fixes, the one to try first in front.
	Fixes []string `json:"fixes"`
	// Page describes the class, see Class.Page.
	Page string `json:"page"`
}

// Check is a cause that it is not.
type Check struct {
	Class   Class  `json:"class"`
	Finding string `json:"finding"`
}

// findings are what an explanation is made from.
type findings struct {
	class Class
	d     *Divergence
	err   error
	// best is the exploration that leaves the fewest differences, with guess; pair is
	// its first one. They are missing where the code can't be run on.
	best  *executor.Exploration
	pair  *executor.Pair
	costs map[executor.Guess]int
	// marker is a recorded change of versions that the code no longer asks for.
	marker  string
	markers int
	// registered tells that the name in history is registered as well as that in the code.
	registered bool
	passes     *passes
}

// classify names the class of a replay that was blocked.
func (r *replayer) classify(ps *passes, d *Divergence, block engine.BlockClass) findings {
	f := findings{d: d, passes: ps}
	switch block {
	case engine.BlockDecode:
		f.class = ClassDecode
	case engine.BlockHang:
		f.class = ClassHang
	case engine.BlockVersion:
		f.class = ClassVersion
		f.marker = nameIn(d.Code)
	case engine.BlockHistoryLimit:
	case engine.BlockNondeterminism:
		if ps == nil || ps.disagree || ps.differ && d.Code != nil && ps.at.Ref == d.Code.Ref {
			f.class = ClassRandom
			return f
		}
		r.guess(&f)
		f.class = r.classOf(&f)
	}
	return f
}

func nameIn(c *engine.BlockCommand) string {
	if c == nil {
		return ""
	}
	return c.Name
}

// guess explores what the first difference may be taken for, and keeps what leaves
// the fewest differences after it.
func (r *replayer) guess(f *findings) {
	f.best, f.costs = r.likeliest()
	f.pair = r.firstPair(f)
	f.marker, f.markers = r.unasked(f)
	f.registered = r.knows(f.recorded()) && r.knows(f.issued())
}

// knows reports whether the name of a command is registered. Programs that replay need
// not register activities.
func (r *replayer) knows(c *engine.BlockCommand) bool {
	if c == nil || r.reg == nil {
		return false
	}
	switch history.Kind(c.Kind) { //nolint:exhaustive // what is registered
	case history.KindActivityScheduled:
		return slices.Contains(r.reg.Activities(), c.Name)
	case history.KindChildScheduled:
		name, _, _ := strings.Cut(c.Name, " ")
		return slices.Contains(r.reg.Workflows(), name)
	}
	return false
}

// likeliest is the exploration with the guess that leaves the fewest differences, and
// what each guess costs.
func (r *replayer) likeliest() (best *executor.Exploration, costs map[executor.Guess]int) {
	costs = map[executor.Guess]int{}
	commands, least := r.commands(), -1
	for _, g := range []executor.Guess{executor.Removed, executor.Added, executor.Replaced} {
		ex := r.explore(g)
		costs[g] = distance(ex, commands)
		if least < 0 || costs[g] < least {
			least, best = costs[g], &ex
		}
	}
	return best, costs
}

// firstPair is the pair that the first difference is about. What has moved may have
// done so because of something that was added in front of it.
func (r *replayer) firstPair(f *findings) *executor.Pair {
	var first *executor.Pair
	for _, p := range f.best.Pairs {
		switch {
		case p.Seq < f.d.Seq || !r.differs(p):
		case first == nil:
			first = p
		case opOf(first) == OpMoved && opOf(p) == OpAdded && f.d.Code != nil && p.Issued.Ref == f.d.Code.Ref:
			return p
		}
	}
	return first
}

func (r *replayer) differs(p *executor.Pair) bool {
	op := opOf(p)
	return op != OpSame && (op != OpChanged || r.strict())
}

// distance is how much an exploration leaves unexplained. That a command was replaced
// costs more than that one was added, and less than that one was added and another
// removed.
func distance(ex executor.Exploration, commands int) int {
	const removed, added, replaced, otherKind, moved, changed = 10, 10, 15, 18, 6, 2
	cost := 0
	for _, p := range ex.Pairs {
		if p.Recorded != nil {
			commands--
		}
		switch opOf(p) {
		case OpRemoved:
			cost += removed
		case OpAdded:
			cost += added
		case OpReplaced:
			cost += replaced
			if p.Recorded.Kind() != p.Issued.Body.Kind() {
				cost += otherKind - replaced
			}
		case OpMoved:
			cost += moved
		case OpChanged:
			cost += changed
		case OpSame:
		}
	}
	return cost + removed*commands // not reached
}

// unasked is the first version marker up to the divergence that the code did not ask
// for, and how many there are in all.
func (r *replayer) unasked(f *findings) (marker string, markers int) {
	for _, ev := range r.bundle.Events {
		v, ok := ev.Body.(history.VersionMarked)
		if !ok {
			continue
		}
		markers++
		if marker == "" && ev.Seq <= f.d.Seq && !slices.Contains(f.best.Versions, v.ChangeID) {
			marker = v.ChangeID
		}
	}
	return marker, markers
}

func (r *replayer) classOf(f *findings) Class {
	d := f.d
	codeEnds := d.Code != nil && isFinal(d.Code.Kind)
	historyEnds := d.History != nil && isFinal(d.History.Kind)
	switch {
	case codeEnds && f.best.Panicked:
		return ClassPanic
	case f.marker != "":
		return ClassVersion
	case codeEnds && !historyEnds:
		return ClassEarlyEnd
	case f.pair == nil && d.Code == nil:
		return ClassMissing
	case f.pair == nil:
		return ClassExtra
	}
	switch opOf(f.pair) {
	case OpAdded:
		return ClassExtra
	case OpMoved:
		return ClassOrder
	case OpChanged:
		return classOfDiffs(f.pair.Diffs)
	case OpReplaced:
		if f.pair.Recorded.Kind() == f.pair.Issued.Body.Kind() {
			return ClassName
		}
		return ClassKind
	case OpRemoved, OpSame:
	}
	return ClassMissing
}

func isFinal(kind string) bool {
	switch history.Kind(kind) { //nolint:exhaustive // the closed set of final kinds
	case history.KindWorkflowCompleted, history.KindWorkflowFailed, history.KindWorkflowCanceled,
		history.KindWorkflowContinuedAsNew, history.KindWorkflowTerminated:
		return true
	}
	return false
}

// explain puts findings into words.
func explain(f findings) *Explanation {
	t := tellings[f.class]
	e := &Explanation{Class: f.class, Cause: t.cause(&f), Fixes: t.fixes(&f), Page: f.class.Page()}
	if f.best == nil {
		return e
	}
	e.After = after(&f)
	e.RuledOut = ruledOut(&f)
	return e
}

func after(f *findings) string {
	if f.best.Blocked != nil {
		return "after that the code can't go on: " + f.best.Blocked.Reason.Message
	}
	n := 0
	for _, p := range f.best.Pairs {
		switch opOf(p) {
		case OpRemoved, OpAdded, OpReplaced:
			if p != f.pair {
				n++
			}
		case OpSame, OpChanged, OpMoved: // what comes at another time is the same work
		}
	}
	switch n {
	case 0:
		return "all other commands agree"
	case 1:
		return "one other command differs"
	}
	return plural(n, "other command differs", "other commands differ")
}

// ruledOut lists what else was looked for.
func ruledOut(f *findings) []Check {
	var cs []Check
	add := func(c Class, finding string) {
		if c != f.class {
			cs = append(cs, Check{c, finding})
		}
	}
	add(ClassRandom, "the code did the same in all passes")
	switch {
	case f.markers == 0:
		add(ClassVersion, "history has no version markers")
	case f.marker == "":
		add(ClassVersion, "the code asks for all changes that history has markers for")
	}
	if !slices.ContainsFunc(f.best.Pairs, func(p *executor.Pair) bool { return opOf(p) == OpMoved }) {
		add(ClassOrder, "no command comes at another time than in history")
	}
	if f.d.Code == nil || f.d.History == nil {
		return cs
	}
	for _, other := range []struct {
		guess executor.Guess
		class Class
	}{{executor.Removed, ClassMissing}, {executor.Added, ClassExtra}, {executor.Replaced, replacedClass(f.d)}} {
		if leaves := f.costs[other.guess] - f.costs[bestGuess(f.costs)]; leaves > 0 {
			add(other.class, "taken for that, more differences follow")
		}
	}
	return cs
}

func bestGuess(costs map[executor.Guess]int) executor.Guess {
	best := executor.Removed
	for _, g := range []executor.Guess{executor.Added, executor.Replaced} {
		if costs[g] < costs[best] {
			best = g
		}
	}
	return best
}

func replacedClass(d *Divergence) Class {
	if d.Code.Kind == d.History.Kind {
		return ClassName
	}
	return ClassKind
}

// nearest is the name that is most like another one, or "" if none is much: unlike two
// commands at the same place, two names in a list have nothing else in common.
func nearest(name string, names []string) (best string) {
	least := len(name)/3 + 1
	for _, n := range names {
		if d := spelling.Distance(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// alike reports whether one name may have become the other: most letters stay.
func alike(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a != b && spelling.Distance(a, b)*2 <= max(len(a), len(b))
}
