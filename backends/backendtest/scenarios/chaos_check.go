package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
)

// chain is an instance with all it continued as.
type chain struct {
	id         string
	executions []backend.Summary // in order of creation
	// receipts are the numbers of the runs whose results came first, by op.
	receipts map[string]int64
	last     history.Body
}

// check holds what is in the store against the model and the journal.
func (c *chaos) check() {
	all := map[string]*expectation{}
	for _, p := range c.plan.Instances {
		f := fate{cancel: p.End == endCancel, terminate: p.End == endTerminate, timeout: p.End == endTimeout}
		expect(all, p.ID, p.Program, f)
	}
	chains := c.chains()
	for id, ch := range chains {
		e := all[id]
		if e == nil {
			c.Errorf("nobody asked for %s", id)
			continue
		}
		c.checkChain(e, ch)
	}
	for id, e := range all {
		if chains[id] == nil && !e.optional {
			c.Errorf("%s does not exist", id)
		}
	}
	c.checkRuns()
	if qs, err := c.b.Queues(c.ctx); err != nil || len(qs) > 0 {
		c.Errorf("queues hold work: %+v, %v", qs, err)
	}
}

// chains reads all executions.
func (c *chaos) chains() map[string]*chain {
	chains := map[string]*chain{}
	q := backend.Query{Ascending: true, Limit: backend.MaxLimit}
	for {
		page, err := c.b.List(c.ctx, q)
		if err != nil {
			c.Fatalf("listing: %v", err)
		}
		for _, sum := range page.Items {
			id := sum.Instance.InstanceID
			if chains[id] == nil {
				chains[id] = &chain{id: id, receipts: map[string]int64{}}
			}
			chains[id].executions = append(chains[id].executions, sum)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return chains
		}
	}
}

func (c *chaos) checkChain(e *expectation, ch *chain) {
	for k, sum := range ch.executions {
		c.checkExecution(ch, sum)
		switch last := k == len(ch.executions)-1; {
		case !last && sum.Status != engine.StatusContinuedAsNew:
			c.Errorf("%s is %s, and %s came after it", sum.Instance, sum.Status, ch.executions[k+1].Instance)
		case last && !slices.Contains(e.ends, sum.Status):
			c.Errorf("%s is %s, want one of %v\n%s", sum.Instance, sum.Status, e.ends, c.text(sum.Instance))
		}
	}
	var problem string
	switch end := ch.last.(type) {
	case history.WorkflowCompleted:
		problem = resultProblem(e, ch, end.Result)
	case history.WorkflowCanceled:
		if ch.receipts[cleanup(ch.id)] == 0 {
			problem = "it was canceled without its cleanup"
		}
	case history.WorkflowFailed:
		if end.Failure.Message != errQuit.Error() && !errors.Is(end.Failure, engine.ErrTimeout) {
			problem = "it failed: " + end.Failure.Message
		}
	}
	if problem != "" {
		i := ch.executions[len(ch.executions)-1].Instance
		c.Errorf("%s: %s\n%s", i, problem, c.text(i))
	}
}

// resultProblem compares what a program returned with the model, and the results
// that it saw with those that came first.
func resultProblem(e *expectation, ch *chain, result engine.Payload) string {
	var out outcome
	if err := json.Unmarshal(result, &out); err != nil {
		return err.Error()
	}
	if !e.fits(out.Lines) {
		return fmt.Sprintf("the result is\n%q, want\n%q", out.Lines, e.lines)
	}
	for op, number := range out.Receipts {
		if ch.receipts[op] != number {
			return fmt.Sprintf("%s has the result of run %d, first came that of run %d", op, number, ch.receipts[op])
		}
	}
	return ""
}

// checkExecution checks one history and that nothing is left of the execution.
func (c *chaos) checkExecution(ch *chain, sum backend.Summary) {
	events := c.history(sum.Instance)
	if err := history.Check(events); err != nil {
		c.Errorf("history of %s: %v\n%s", sum.Instance, err, c.text(sum.Instance))
	}
	ch.read(events)
	if err := c.replay(sum, events); err != nil {
		c.Errorf("replaying %s: %v\n%s", sum.Instance, err, c.text(sum.Instance))
	}
	p, err := c.b.Pending(c.ctx, sum.Instance, 0)
	if err != nil || len(p.Inbox)+len(p.Timers)+len(p.Activities)+len(p.Closings) > 0 || p.Holder != "" || !p.LeaseUntil.IsZero() || !p.ReadyAt.IsZero() {
		c.Errorf("%s (%s) has left behind %+v, %v", sum.Instance, sum.Status, p, err)
	}
	if int64(len(events)) != sum.HistoryLength || sum.Local != 0 {
		c.Errorf("%s has %d events, its summary says %d, and %d local activities", sum.Instance, len(events), sum.HistoryLength, sum.Local)
	}
}

// read takes the results that came first out of a history.
func (ch *chain) read(events []history.Event) {
	open := map[int64]string{}
	for _, ev := range events {
		ch.last = ev.Body
		switch b := ev.Body.(type) {
		case history.ActivityScheduled:
			var op string
			if json.Unmarshal(b.Args[0], &op) == nil && b.Name != "echo" {
				open[ev.Ref] = op
			}
		case history.ActivityCompleted:
			var number int64
			if op, ok := open[ev.Ref]; ok && json.Unmarshal(b.Result, &number) == nil {
				ch.receipts[op] = number
			}
			delete(open, ev.Ref)
		case history.ActivityFailed, history.ActivityCanceled:
			delete(open, ev.Ref)
		}
	}
}

// replay runs the code against a history once more.
func (c *chaos) replay(sum backend.Summary, events []history.Event) error {
	r := registry.New()
	if err := chaosFunctions(2, newJournal())(r); err != nil {
		return err
	}
	x := executor.New(executor.Options{Instance: sum.Instance, Registry: r, Command: c.settings().Command(r), Strict: true})
	defer x.Close()
	err := x.Replay(events)
	if b, ok := errors.AsType[*executor.BlockedError](err); ok {
		return fmt.Errorf("%w: %+v", err, b.Reason)
	}
	return err
}

// checkRuns checks when activities ran.
func (c *chaos) checkRuns() {
	begun := map[command]map[int]*run{}
	for _, r := range c.journal.runs {
		key := command{r.task.Instance, r.task.Ref}
		f := c.journal.facts[key]
		switch {
		case f == nil || f.sent == 0:
			c.Errorf("%s ran as %+v, and no step asked for it", r.op, r.task)
			continue
		case r.moment < f.sent:
			c.Errorf("%s ran as %+v before the step that asks for it was sent", r.op, r.task)
		case f.late(r):
			c.Errorf("%s ran after its result was committed at %s: run %d\n%s", r.op, f.resolved.Format(stamp), r.number, c.text(r.task.Instance))
		}
		if begun[key] == nil {
			begun[key] = map[int]*run{}
		}
		if first := begun[key][r.task.Attempt]; first != nil && !c.cut {
			c.Errorf("%s ran twice as attempt %d of %+v: runs %d and %d\n%s", r.op, r.task.Attempt, key, first.number, r.number, c.text(key.instance))
		}
		begun[key][r.task.Attempt] = r
	}
}

// text is the history of an execution as it is stored, and the runs of its
// activities.
func (c *chaos) text(i engine.Instance) string {
	chunks, err := c.b.History(context.WithoutCancel(c.ctx), i, 0, 0)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, chunk := range chunks {
		fmt.Fprintf(&b, "from event %d: %s\n", chunk.First, chunk.Events)
	}
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	for _, r := range c.journal.runs {
		if r.task.Instance == i {
			fmt.Fprintf(&b, "run %d of %s began %s as attempt %d of command %d at %s; returned %t, with a result %t\n",
				r.number, r.op, r.began.Format(stamp), r.task.Attempt, r.task.Ref, r.task.Worker, r.ended, r.good)
		}
	}
	return b.String()
}

// stamp shows times of a schedule, which begins at midnight.
const stamp = "04:05.000000"
