package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Findings are what Check found out.
type Findings struct {
	// Started and Finished executions.
	Started, Finished int
	// ByKind counts executions by workflow and status.
	ByKind map[Kind]int
	// Activities with a committed result.
	Activities int
	// Duplicated activities ran again after their result was committed. Rerun ones
	// ran again because their worker was lost before it was.
	Duplicated, Rerun int
	// Problems are sentences about what must not be.
	Problems []string
}

// Kind is a row of the table of instances.
type Kind struct {
	Workflow string
	Status   engine.Status
}

// Err returns an error if anything was lost or done twice.
func (f Findings) Err() error {
	var errs []error
	for _, p := range f.Problems {
		errs = append(errs, errors.New(p))
	}
	if f.Duplicated > 0 {
		errs = append(errs, fmt.Errorf("%d activities ran again after their result was committed", f.Duplicated))
	}
	if f.Started != f.Finished {
		errs = append(errs, fmt.Errorf("%d executions were started, %d have finished", f.Started, f.Finished))
	}
	return errors.Join(errs...)
}

// Check holds the journal against the histories of all executions.
func Check(ctx context.Context, c *client.Client, journal string) (Findings, error) {
	entries, err := readJournal(journal)
	if err != nil {
		return Findings{}, err
	}
	check := &check{findings: Findings{ByKind: map[Kind]int{}}, starts: map[job][]entry{}}
	for _, e := range entries {
		if e.phase == phaseStart {
			check.starts[e.job] = append(check.starts[e.job], e)
		}
	}
	err = each(ctx, c, client.Filter{}, func(s backend.Summary) error {
		events, err := c.History(ctx, &s.Instance)
		if err == nil {
			check.execution(s, events)
		}
		return err
	})
	return check.findings, err
}

// InFlight counts the executions that are open and that a worker has begun.
func InFlight(ctx context.Context, c *client.Client) (int, error) {
	n := 0
	open := client.Filter{Statuses: []engine.Status{engine.StatusRunning, engine.StatusBlocked}}
	err := each(ctx, c, open, func(s backend.Summary) error {
		if s.HistoryLength > 0 {
			n++
		}
		return nil
	})
	return n, err
}

// each calls f for every execution that matches.
func each(ctx context.Context, c *client.Client, filter client.Filter, f func(backend.Summary) error) error {
	for filter.Limit = backend.MaxLimit; ; {
		page, err := c.List(ctx, filter)
		if err != nil {
			return err
		}
		for _, s := range page.Items {
			if err := f(s); err != nil {
				return err
			}
		}
		if filter.Cursor = page.Next; filter.Cursor == "" {
			return nil
		}
	}
}

type check struct {
	findings Findings
	starts   map[job][]entry
}

// outcome is what a history says of one activity.
type outcome struct {
	committed time.Time // of the step that took the result in; zero if none did
	attempt   int       // that the result is of
	lost      int       // attempts lost with their worker
	failed    []int     // attempts that had failed or were lost before the result came in
	tokens    []string
}

func (c *check) execution(s backend.Summary, events []history.Event) {
	f := &c.findings
	f.Started++
	f.ByKind[Kind{s.Workflow, s.Status}]++
	if s.Status.Final() {
		f.Finished++
	} else {
		c.problem("%s is %s still", s.Instance, s.Status)
	}
	if !expected(s) {
		c.problem("%s (%s) is %s: %s", s.Instance, s.Workflow, s.Status, s.LastError)
	}
	var committed []string
	for ref, o := range outcomes(events) {
		c.activity(job{s.Instance.String(), ref}, o)
		committed = append(committed, o.tokens...)
	}
	if len(events) == 0 { // nobody has worked on it yet
		return
	}
	if result, ok := events[len(events)-1].Body.(history.WorkflowCompleted); ok {
		used := usedTokens(result.Result)
		for _, token := range committed {
			if !slices.Contains(used, token) {
				c.problem("%s did not use the committed result %s", s.Instance, token)
			}
		}
	}
}

// expected reports whether an execution may end like that: only parcels that
// nobody delivers fail.
func expected(s backend.Summary) bool {
	switch s.Status {
	case engine.StatusFailed:
		return s.Workflow == "Ship"
	case engine.StatusRunning, engine.StatusCompleted, engine.StatusContinuedAsNew:
		return true
	case engine.StatusBlocked, engine.StatusCanceled, engine.StatusTerminated:
		return false
	}
	return false
}

// outcomes returns what became of the activities of a history, by their refs.
func outcomes(events []history.Event) map[int64]*outcome {
	all := map[int64]*outcome{}
	var step time.Time
	for _, ev := range events {
		switch body := ev.Body.(type) {
		case history.TaskStarted:
			step = ev.At
		case history.ActivityScheduled:
			all[ev.Ref] = &outcome{}
		case history.ActivityAttemptFailed:
			if o := all[ev.Ref]; o.committed.IsZero() {
				o.failed = append(o.failed, body.Run.Attempt)
			}
			if errors.Is(engine.Sentinels(nil).Bind(body.Failure), engine.ErrWorkerLost) {
				all[ev.Ref].lost++
			}
		case history.ActivityCompleted:
			o := all[ev.Ref]
			if !o.committed.IsZero() {
				continue // an answer to what is resolved is no answer
			}
			o.committed, o.attempt, o.tokens = step, body.Run.Attempt, usedTokens(body.Result)
		default:
		}
	}
	return all
}

// activity compares what a history says of an activity with the journal. There may
// be an attempt after the one with the result, if that was taken for lost before its
// result came in: two workers can be at it when a lease runs out under the first.
// Which of them began first is not asked, because their clocks differ.
func (c *check) activity(j job, o *outcome) {
	f := &c.findings
	starts := c.starts[j]
	if o.lost > 0 && len(starts) > 1 {
		f.Rerun++
	}
	if o.committed.IsZero() {
		return
	}
	f.Activities++
	if !slices.ContainsFunc(starts, func(e entry) bool { return e.attempt == o.attempt }) {
		c.problem("activity %d of %s has a result of attempt %d, which never began", j.ref, j.instance, o.attempt)
	}
	began := map[int]bool{}
	for _, e := range starts {
		unasked := e.attempt > o.attempt && !slices.Contains(o.failed, e.attempt-1)
		if e.at.After(o.committed) && (unasked || began[e.attempt]) {
			f.Duplicated++
			c.problem("activity %d of %s: attempt %d began %v after the step with the result of attempt %d",
				j.ref, j.instance, e.attempt, e.at.Sub(o.committed), o.attempt)
		}
		began[e.attempt] = true
	}
}

func (c *check) problem(format string, args ...any) {
	c.findings.Problems = append(c.findings.Problems, fmt.Sprintf(format, args...))
}

// usedTokens finds the tokens in a result: of an activity, a parcel or an order.
func usedTokens(result engine.Payload) []string {
	var token string
	if json.Unmarshal(result, &token) == nil {
		return []string{token}
	}
	var some struct {
		Token  string
		Tokens []string
	}
	if json.Unmarshal(result, &some) != nil {
		return nil
	}
	if some.Token != "" {
		some.Tokens = append(some.Tokens, some.Token)
	}
	return some.Tokens
}
