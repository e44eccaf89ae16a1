package scenarios

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/worker"
)

// chaosPlan is a random schedule: who does what when. Only how goroutines
// interleave is left to chance.
type chaosPlan struct {
	Instances []instancePlan
	Workers   []workerPlan
	// Faults is the probability that a write fails in one way or another, Echoes
	// that it is made again later.
	Faults, Echoes float64
}

// instancePlan is what clients do with one instance.
type instancePlan struct {
	ID      string
	At      time.Duration
	Program []op
	// Signals are how many are sent under a name.
	Signals map[string]int
	// First is the signal that starts it, or "".
	First string
	Delay time.Duration
	// Pauses are pairs of how long it moves and how long it is paused.
	Pauses []time.Duration
	// End is what ends it, or "" if it ends by itself.
	End   string
	EndAt time.Duration
}

// What ends an instance.
const (
	endCancel    = "cancel"
	endTerminate = "terminate"
	endTimeout   = "timeout"
)

// workerPlan is the life of one worker.
type workerPlan struct {
	ID    string
	At    time.Duration
	Lease time.Duration
	Cold  bool
	// Group is how many items a call of the store holds at most.
	Group   int
	Slots   int
	Roles   worker.Roles
	Queues  []engine.Queue
	Highest int // version that its build knows
	Life    []lifePlan
}

// lifePlan is something that befalls a worker.
type lifePlan struct {
	After time.Duration
	What  string
}

// What befalls workers.
const (
	lifeSever = "sever" // its connection to the store breaks
	lifeMend  = "mend"  // and works again
	lifeStop  = "stop"  // it is stopped, without time for what runs
	lifeDrain = "drain" // it is stopped, with time
	lifeStart = "start" // it is started anew after it was stopped
)

// span is about how long clients and faults are at it.
const span = 20 * time.Second

// elsewhere is a queue that not all workers serve, nowhere one that none does.
const (
	elsewhere engine.Queue = "elsewhere"
	nowhere   engine.Queue = "nowhere"
)

// planner makes random schedules.
type planner struct {
	*rand.Rand

	ids     int
	signals map[string]int // of the instance in the making; nil inside a child
}

func newChaosPlan(seed uint64) chaosPlan {
	p := &planner{Rand: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // a plan is no secret
	plan := chaosPlan{
		Faults: []float64{0, 0.05, 0.15, 0.25}[p.IntN(4)],
		Echoes: []float64{0, 0.1, 0.3}[p.IntN(3)],
	}
	for range 2 + p.IntN(5) {
		plan.Instances = append(plan.Instances, p.instance())
	}
	for k := range 2 + p.IntN(3) {
		plan.Workers = append(plan.Workers, p.worker(k))
	}
	return plan
}

// upTo is a random duration, small ones being likely.
func (p *planner) upTo(d time.Duration) time.Duration {
	return time.Duration(p.Float64() * p.Float64() * float64(d)).Round(time.Millisecond)
}

func (p *planner) chance(percent int) bool { return p.IntN(100) < percent }

func (p *planner) id() string {
	p.ids++
	return fmt.Sprintf("o%d", p.ids)
}

func (p *planner) instance() instancePlan {
	i := instancePlan{ID: "instance-" + p.id(), At: p.upTo(span / 2), Signals: map[string]int{}}
	p.signals = i.Signals
	i.Program = p.program(0)
	switch {
	case p.chance(12):
		i.End, i.EndAt = endCancel, p.upTo(span)
	case p.chance(12): //nolint:gocritic // another draw
		i.End, i.EndAt = endTerminate, p.upTo(span)
	case p.chance(5):
		i.Program = append(i.Program, op{Kind: opQuit, ID: p.id()})
	}
	if i.End != "" {
		i.Program = append(i.Program, op{Kind: opForever, ID: p.id()})
	}
	if names := slices.Sorted(maps.Keys(i.Signals)); len(names) > 0 && p.chance(40) {
		i.First = names[p.IntN(len(names))]
	}
	if p.chance(15) {
		i.Delay = p.upTo(3 * time.Second)
	}
	for p.chance(35) {
		i.Pauses = append(i.Pauses, p.upTo(span/2), p.upTo(span/4))
	}
	return i
}

// program is a random program. Children are at most two deep.
func (p *planner) program(depth int) []op {
	var ops []op
	for range 1 + p.IntN(6) {
		ops = append(ops, p.op(depth, 0))
		if p.chance(15) {
			ops = append(ops, op{Kind: opAgain, ID: p.id()})
		}
	}
	return append(ops, op{Kind: opWork, ID: p.id()})
}

// childProgram is a program without signals from clients, who could not know when
// to send them.
func (p *planner) childProgram(depth int) []op {
	outer := p.signals
	p.signals = nil
	defer func() { p.signals = outer }()
	return p.program(depth + 1)
}

func (p *planner) op(depth, branches int) op {
	kinds := []string{
		opWork, opWork, opWork, opWork, opBeat, opOnce, opBroken, opLate, opShort, opUnserved,
		opMany, opSleep, opRace, opTaken, opNobody, opEffect, opVersion,
	}
	if p.signals != nil {
		kinds = append(kinds, opTake, opTake, opEither)
	}
	if depth < 2 {
		kinds = append(kinds, opChild, opLoose, opNotify, opCancel)
	}
	if branches < 2 {
		kinds = append(kinds, opAll, opAll)
	}
	o := op{Kind: kinds[p.IntN(len(kinds))], ID: p.id(), Wait: time.Millisecond + p.upTo(time.Second)} // a timeout of 0 is none
	p.fill(&o, depth, branches)
	return o
}

// fill chooses what an op of its kind needs.
func (p *planner) fill(o *op, depth, branches int) {
	switch o.Kind {
	case opWork, opBeat, opOnce, opLate, opShort, opBroken:
		p.fillActivity(o)
	case opMany:
		p.fillActivity(o)
		o.N = 1 + p.IntN(20)
	case opUnserved:
		o.Queue = nowhere
	case opAll:
		for range 2 + p.IntN(3) {
			part := []op{p.op(depth, branches+1)}
			if p.chance(50) {
				part = append(part, p.op(depth, branches+1))
			}
			o.Parts = append(o.Parts, part)
		}
	case opTake:
		o.N = 1 + p.IntN(8)
		p.signals[o.ID] = o.N
	case opEither:
		p.signals[o.ID] = 1
	case opChild:
		if p.chance(25) {
			o.Queue = elsewhere
		}
		o.Parts = [][]op{p.childProgram(depth)}
		if p.chance(10) {
			o.Parts[0] = append(o.Parts[0], op{Kind: opQuit, ID: p.id()})
		}
	case opLoose:
		o.Parts = [][]op{p.childProgram(depth)}
		o.Close = []workflow.ParentClosePolicy{workflow.ParentCloseCancel, workflow.ParentCloseTerminate, workflow.ParentCloseAbandon}[p.IntN(3)]
		if o.Close != workflow.ParentCloseAbandon && p.chance(50) {
			o.Parts[0] = append(o.Parts[0], op{Kind: opForever, ID: p.id()})
		}
	case opNotify:
		o.N = 1 + p.IntN(5)
		o.Parts = [][]op{append([]op{{Kind: opTake, ID: o.ID, N: o.N}}, p.childProgram(depth)...)}
	case opCancel:
		o.Parts = [][]op{append(p.childProgram(depth), op{Kind: opForever, ID: p.id()})}
		p.fillActivity(o)
	}
}

func (p *planner) fillActivity(o *op) {
	if p.chance(25) {
		o.Queue = elsewhere
	}
	o.Deaf = p.chance(30)
	if o.Kind == opWork {
		o.N = max(p.IntN(6)-3, 0)
		o.Delay = []time.Duration{0, 0, 100 * time.Millisecond, time.Second}[p.IntN(4)]
	}
	if o.Kind == opBroken {
		o.N = []int{permanent, many}[p.IntN(2)]
	}
	if p.chance(15) {
		o.Wait += p.upTo(3 * time.Second) // longer than some leases
	}
}

func (p *planner) worker(k int) workerPlan {
	w := workerPlan{
		ID: fmt.Sprintf("worker-%d", k), At: p.upTo(span / 4), Lease: time.Second + p.upTo(2*time.Second), Cold: p.chance(30),
		Group: []int{1, 7, 1000}[p.IntN(3)], Slots: []int{0, 0, 1, 3}[p.IntN(4)], Highest: 1 + p.IntN(2),
		Queues: [][]engine.Queue{{""}, {"", elsewhere}, {elsewhere}}[p.IntN(3)],
	}
	if p.chance(20) {
		w.Roles = []worker.Roles{worker.WorkflowsOnly, worker.ActivitiesOnly}[p.IntN(2)]
	}
	calm := 500*time.Millisecond + p.upTo(span) // between what befalls it
	for at := w.At; at < span; {
		first := lifePlan{p.upTo(calm), []string{lifeSever, lifeSever, lifeStop, lifeDrain}[p.IntN(4)]}
		then := lifePlan{p.upTo(5 * time.Second), lifeStart} // a severed one lives on without a store
		if first.What == lifeSever && p.chance(50) {
			then.What = lifeMend
		}
		w.Life = append(w.Life, first, then)
		at += first.After + then.After
	}
	return w
}
