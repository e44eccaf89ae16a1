package diagnostics_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

// op is a statement of a generated workflow.
type op struct {
	kind  opKind
	name  string
	arg   int
	await bool // the answer at once; others are awaited at the next join
	body  []op // of coroutine and loop
}

type opKind int

const (
	opActivity opKind = iota
	opTimer
	opChild
	opSend
	opEffect
	opMutable
	opJoin
	opReceive
	opGo
	opLoop
	opReturn
	opFail
	opKinds
)

// program is a generated workflow.
func program(ops []op) any {
	return func(ctx workflow.Context, _ int) (int, error) {
		r := &run{}
		err := r.all(ctx, ops)
		if errors.Is(err, errReturned) {
			return 1, nil
		}
		return 0, err
	}
}

var errReturned = errors.New("returned")

type run struct{ open []workflow.Future[int] }

func (r *run) all(ctx workflow.Context, ops []op) error {
	for _, o := range ops {
		if err := r.one(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) one(ctx workflow.Context, o op) error {
	switch o.kind {
	case opActivity:
		r.keep(ctx, o, workflow.ExecuteActivity[int](ctx, ao, o.name, o.arg))
	case opChild:
		r.keep(ctx, o, workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{}, o.name, o.arg))
	case opTimer:
		f := workflow.ScheduleTimer(ctx, time.Duration(1+o.arg)*time.Second, workflow.WithTimerName(o.name))
		if o.await {
			_, _ = f.Get(ctx)
		}
	case opSend:
		f := workflow.SignalWorkflow(ctx, "friend", o.name, o.arg)
		if o.await {
			_, _ = f.Get(ctx)
		}
	case opEffect:
		workflow.SideEffect(ctx, func(workflow.Context) int { return o.arg })
	case opMutable:
		workflow.MutableSideEffect(ctx, o.name, func(workflow.Context) int { return 7 }, nil) // a replay takes the value from history
	case opJoin:
		for _, f := range r.open {
			_, _ = f.Get(ctx)
		}
		r.open = nil
	case opReceive:
		workflow.NewSignalChannel[int](ctx, "go").Receive(ctx)
	case opGo:
		workflow.Go(ctx, func(ctx workflow.Context) { _ = (&run{}).all(ctx, o.body) })
	case opLoop:
		for range o.arg {
			if err := r.all(ctx, o.body); err != nil {
				return err
			}
		}
	case opReturn:
		return errReturned
	case opFail:
		return errors.New("failed")
	}
	return nil
}

func (r *run) keep(ctx workflow.Context, o op, f workflow.Future[int]) {
	if o.await {
		_, _ = f.Get(ctx)
		return
	}
	r.open = append(r.open, f)
}

// generate returns a random program.
func generate(rnd *rand.Rand, depth, most int) []op {
	var ops []op
	for range 1 + rnd.IntN(most) {
		ops = append(ops, randomOp(rnd, depth))
	}
	return ops
}

func randomOp(rnd *rand.Rand, depth int) op {
	o := op{kind: opKind(rnd.IntN(int(opReturn))), name: string(rune('a' + rnd.IntN(4))), arg: rnd.IntN(3), await: rnd.IntN(2) == 0}
	if o.kind == opGo || o.kind == opLoop {
		if depth == 0 {
			o.kind = opActivity
			return o
		}
		o.body, o.arg = generate(rnd, depth-1, 3), 1+rnd.IntN(3)
	}
	return o
}

// mutate returns a program with one thing changed, or none.
func mutate(rnd *rand.Rand, ops []op) []op {
	ops = slices.Clone(ops)
	i := rnd.IntN(len(ops))
	o := &ops[i]
	if len(o.body) > 0 && rnd.IntN(2) == 0 {
		o.body = mutate(rnd, o.body)
		return ops
	}
	switch rnd.IntN(11) {
	case 0:
		o.name += "x"
	case 1:
		o.arg++
	case 2:
		o.await = !o.await
	case 3:
		return slices.Delete(ops, i, i+1)
	case 4:
		return slices.Insert(ops, i, randomOp(rnd, 1))
	case 5:
		j := rnd.IntN(len(ops))
		ops[i], ops[j] = ops[j], ops[i]
	case 6:
		return slices.Insert(ops, i, op{kind: opReturn + opKind(rnd.IntN(2))})
	case 7:
		*o = randomOp(rnd, 1)
	case 8:
		return append(ops, randomOp(rnd, 1))
	case 9:
		// the same code, in another shape
		ops[i] = op{kind: opLoop, arg: 1, body: []op{*o}}
	}
	return ops
}

// projection is what of an event two histories must agree on.
func projection(ev history.Event) string {
	return fmt.Sprintf("%s %d %s", ev.Kind(), ev.Ref, history.Subject(ev.Body))
}

// firstDifference is the event of a at which the two histories part, or 0.
func firstDifference(a, b []history.Event) int64 {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || projection(a[i]) != projection(b[i]) {
			return int64(i) + 1
		}
	}
	return 0
}

// What replay says of a changed program is held against what the two programs do
// when both are run in the same world: where their histories part, and only there,
// replay must find a divergence.
func TestGeneratedPairs(t *testing.T) {
	pairs := 10_000
	if testing.Short() {
		pairs = 1_000
	}
	seed := uint64(time.Now().UnixNano())
	const shards = 4
	for shard := range shards {
		t.Run(fmt.Sprintf("shard %d", shard), func(t *testing.T) {
			t.Parallel()
			counts := map[diagnostics.Class]int{}
			for n := shard; n < pairs && !t.Failed(); n += shards {
				if checkPair(t, seed, uint64(n), counts); t.Failed() {
					t.Errorf("seed %d, pair %d", seed, n)
				}
			}
			t.Logf("seed %d: %v", seed, counts)
		})
	}
}

func checkPair(t *testing.T, seed, n uint64, counts map[diagnostics.Class]int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, n))
	before := generate(rnd, 2, 6)
	after := mutate(rnd, before)
	w := world{args: []any{1}, evenTimers: true, steps: 1 + rnd.IntN(15)}
	for i := range rnd.IntN(4) {
		w.events = append(w.events, signal(time.Duration(i*700+300)*time.Millisecond, "go", 1))
	}
	a, b := record(t, program(before), w), record(t, program(after), w)
	want := firstDifference(a.Events, b.Events)
	r := diagnostics.Replay(a, registryOf(t, "flow", program(after)), diagnostics.Options{Passes: 1})
	counts[r.Class]++
	switch {
	case (want == 0) != (r.Verdict == ok):
		t.Errorf("%s, histories part at event %d", r.Summary, want)
	case want != 0 && (r.Divergence.Seq != want || r.Cause == nil || len(r.Cause.Fixes) == 0 || len(r.Rows) == 0):
		t.Errorf("%s, histories part at event %d\n%+v", r.Summary, want, r.Cause)
	case want != 0 && !slices.ContainsFunc(r.Rows, func(row diagnostics.Row) bool { return row.First }):
		t.Errorf("%s: no row is marked as the first\n%+v", r.Summary, r.Rows)
	default:
		return
	}
	t.Errorf("before %v\nafter  %v\n%s", before, after, sideBySide(a.Events, b.Events))
}

func sideBySide(a, b []history.Event) string {
	var s strings.Builder
	for i := range max(len(a), len(b)) {
		var l, r string
		if i < len(a) {
			l = projection(a[i])
		}
		if i < len(b) {
			r = projection(b[i])
		}
		fmt.Fprintf(&s, "%3d %-40s %s\n", i+1, l, r)
	}
	return s.String()
}
