package executor_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/wfops/wfops/engine/workflow"
)

// instr is one instruction of a random program. n picks what it is about.
type instr struct {
	op   string
	n    int
	body []instr
}

// ops are drawn from with equal chances; what is listed twice is more likely.
var ops = []string{
	"schedule", "schedule", "await", "await", "sleep", "timer", "signal", "poll", "select", "select", "go", "go",
	"effect", "mutable", "version", "child", "send", "notify", "scope", "cancel", "condition", "count", "lock", "label", "unique", "pass", "take",
	"disconnect",
}

func randomProgram(r *rand.Rand, depth int) []instr {
	prog := make([]instr, 2+r.IntN(10))
	for i := range prog {
		prog[i] = instr{op: ops[r.IntN(len(ops))], n: r.IntN(8)}
		switch prog[i].op {
		case "go", "scope", "lock", "disconnect":
			if depth == 0 {
				prog[i].op = "schedule"
				continue
			}
			prog[i].body = randomProgram(r, depth-1)
		}
	}
	return prog
}

// machine runs a program and notes what it sees.
type machine struct {
	trace   []string
	futures []workflow.Future[int]
	timers  []workflow.Future[any]
	cancels []workflow.CancelFunc
	count   int
	mutex   workflow.Mutex
	pipe    workflow.Channel[int]
}

func (m *machine) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

// program is a workflow that runs prog and ends as end says. seen returns what
// its latest run has noted.
func program(prog []instr, end int) (flow any, seen func() string) {
	m := &machine{}
	flow = func(ctx workflow.Context) (string, error) {
		*m = machine{mutex: workflow.NewMutex(), pipe: workflow.NewBufferedChannel[int](1)}
		m.run(ctx, prog)
		switch end {
		case 0:
			return "", errTest
		case 1:
			panic("the end")
		case 2:
			return "", workflow.ContinueAsNew(ctx)
		case 3:
			return "", ctx.Err()
		}
		return workflow.Now(ctx).Sub(epoch).String(), nil
	}
	return flow, func() string { return strings.Join(m.trace, " ") }
}

func (m *machine) run(ctx workflow.Context, prog []instr) {
	for _, i := range prog {
		if !m.issue(ctx, i) && !m.wait(ctx, i) && !m.nest(ctx, i) {
			m.aside(ctx, i)
		}
	}
}

// issue runs instructions that ask for something and go on.
func (m *machine) issue(ctx workflow.Context, i instr) bool {
	switch i.op {
	case "schedule":
		o := workflow.ActivityOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: i.n}}
		m.futures = append(m.futures, workflow.ExecuteActivity[int](ctx, o, fmt.Sprint("a", i.n), i.n))
	case "timer":
		m.timers = append(m.timers, workflow.ScheduleTimer(ctx, time.Duration(i.n)*time.Second))
	case "child":
		o := workflow.SubWorkflowOptions{RetryOptions: workflow.RetryOptions{MaxAttempts: i.n % 3, FirstRetryInterval: time.Duration(i.n/4) * time.Second}}
		m.futures = append(m.futures, workflow.CreateSubWorkflowInstance[int](ctx, o, "kid", i.n))
	case "send":
		m.timers = append(m.timers, workflow.SignalWorkflow(ctx, "friend", "s", i.n))
	case "effect":
		v, _ := workflow.SideEffect(ctx, look).Get(ctx)
		m.note("effect=%d", v)
	case "mutable":
		v, _ := workflow.MutableSideEffect(ctx, fmt.Sprint("m", i.n%2), look, nil).Get(ctx)
		m.note("mutable=%d", v)
	case "version":
		m.note("version=%d", workflow.Version(ctx, fmt.Sprint("v", i.n%3), -1, i.n%3+1))
	default:
		return false
	}
	return true
}

// wait runs instructions that may block.
func (m *machine) wait(ctx workflow.Context, i instr) bool {
	switch i.op {
	case "await":
		if len(m.futures) > 0 {
			v, err := m.futures[i.n%len(m.futures)].Get(ctx)
			m.note("got=%d,%v", v, err)
		}
	case "sleep":
		m.note("slept=%v", workflow.Sleep(ctx, time.Duration(i.n)*time.Second))
	case "signal":
		v, _ := workflow.NewSignalChannel[int](ctx, fmt.Sprint("s", i.n%2)).Receive(ctx)
		m.note("signal=%d", v)
	case "select":
		m.choose(ctx, i)
	case "condition":
		m.note("condition=%v", workflow.AwaitCondition(ctx, func() bool { return m.count >= i.n%4 }))
	case "notify":
		if n := len(m.timers); n > 0 {
			_, err := m.timers[i.n%n].Get(ctx)
			m.note("any=%v", err)
		}
	case "pass":
		m.pipe.Send(ctx, i.n)
	case "take":
		v, _ := m.pipe.Receive(ctx)
		m.note("took=%d", v)
	default:
		return false
	}
	return true
}

func (m *machine) choose(ctx workflow.Context, i instr) {
	cases := []workflow.SelectCase{
		workflow.Receive(workflow.NewSignalChannel[int](ctx, fmt.Sprint("s", i.n%2)), func(_ workflow.Context, v int, _ bool) { m.note("chose signal %d", v) }),
		workflow.Receive(ctx.Done(), func(workflow.Context, struct{}, bool) { m.note("chose done") }),
	}
	if n := len(m.futures); n > 0 {
		cases = append(cases, workflow.Await(m.futures[i.n%n], func(_ workflow.Context, f workflow.Future[int]) {
			v, err := f.Get(ctx)
			m.note("chose future %d,%v", v, err)
		}))
	}
	if n := len(m.timers); n > 0 {
		cases = append(cases, workflow.Await(m.timers[i.n%n], func(workflow.Context, workflow.Future[any]) { m.note("chose timer") }))
	}
	if i.n < 2 {
		cases = append(cases, workflow.Default(func(workflow.Context) { m.note("chose default") }))
	}
	workflow.Select(ctx, cases...)
}

// nest runs instructions that have a body.
func (m *machine) nest(ctx workflow.Context, i instr) bool {
	switch i.op {
	case "go":
		workflow.Go(ctx, func(ctx workflow.Context) {
			m.note("go%d{", i.n)
			m.run(ctx, i.body)
			m.note("}go%d", i.n)
		})
	case "scope":
		inner, cancel := workflow.WithCancel(ctx)
		m.cancels = append(m.cancels, cancel)
		m.run(inner, i.body)
	case "disconnect":
		m.run(workflow.NewDisconnectedContext(ctx), i.body)
	case "lock":
		// Not when canceled, and not twice: Unlock would not be ours to call.
		if m.mutex.TryLock() {
			m.run(ctx, i.body)
			m.mutex.Unlock()
		}
	default:
		return false
	}
	return true
}

// aside runs the others, which neither ask nor wait.
func (m *machine) aside(ctx workflow.Context, i instr) {
	switch i.op {
	case "poll":
		v, ok := workflow.NewSignalChannel[int](ctx, fmt.Sprint("s", i.n%2)).ReceiveNonBlocking()
		m.note("poll=%d,%v", v, ok)
	case "cancel":
		if n := len(m.cancels); n > 0 {
			m.cancels[i.n%n]()
			m.note("canceled%d", i.n%n)
		}
	case "count":
		m.count++
	case "label":
		if err := workflow.SetTags(ctx, map[string]string{fmt.Sprint("t", i.n%2): strings.Repeat("x", i.n)}); err != nil {
			panic(err)
		}
		workflow.Note(ctx, i.n)
		workflow.SetStatus(ctx, fmt.Sprint("at ", i.n))
	case "unique":
		m.note("%s/%d/%s", workflow.NewUUID(ctx), workflow.Rand(ctx).IntN(100), workflow.Now(ctx).Sub(epoch))
	default:
		panic(errors.New("unknown instruction " + i.op))
	}
}
