package diagnostics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// rows are the pairs of an exploration, all or those around the divergence.
func (r *replayer) rows(ex executor.Exploration, d *Divergence) []Row {
	rows := make([]Row, 0, len(ex.Pairs))
	at := -1
	for _, p := range ex.Pairs {
		row := rowOf(p)
		if row.Op == OpChanged && !r.strict() {
			row.Op = OpSame // with Diffs
		}
		row.Exploratory = at >= 0
		if d != nil && at < 0 && p.Seq >= d.Seq && row.Op != OpSame {
			at, row.First = len(rows), true
		}
		rows = append(rows, row)
	}
	if r.o.AllRows || d == nil {
		return rows
	}
	if at < 0 {
		at = len(rows)
	}
	n := r.o.context()
	return rows[max(0, at-n):min(len(rows), at+n+1)]
}

// recordedRows are the rows of history before a divergence of code that can't be run
// on, and the divergence.
func (r *replayer) recordedRows(d *Divergence) []Row {
	var rows []Row
	for _, ev := range r.bundle.Events {
		if ev.Seq >= d.Seq {
			break
		}
		switch history.ClassOf(ev.Body) {
		case history.ClassCommand, history.ClassCancel:
			c := commandOf(ev.Ref, ev.Body, history.SiteOf(ev.Body))
			rows = append(rows, Row{Op: OpSame, Seq: ev.Seq, History: c})
		case history.ClassExecution, history.ClassFinal, history.ClassAnswer, history.ClassMarker:
		}
	}
	if !r.o.AllRows {
		rows = rows[max(0, len(rows)-r.o.context()):]
	}
	if d.History == nil && d.Code == nil {
		return rows
	}
	first := Row{Op: OpReplaced, Seq: d.Seq, History: d.History, Code: d.Code, First: true}
	switch {
	case d.Code == nil:
		first.Op = OpRemoved
	case d.History == nil:
		first.Op = OpAdded
	}
	return append(rows, first)
}

func rowOf(p *executor.Pair) Row {
	row := Row{Op: opOf(p), Seq: p.Seq, Diffs: p.Diffs}
	if p.Recorded != nil {
		row.History = commandOf(p.Recorded.Ref, p.Recorded.Body, history.SiteOf(p.Recorded.Body))
	}
	if p.Issued != nil {
		row.Code = commandOf(p.Issued.Ref, p.Issued.Body, p.Issued.Site)
	}
	return row
}

func opOf(p *executor.Pair) Op {
	switch {
	case p.Recorded == nil:
		return OpAdded
	case p.Recorded.Kind() == history.KindWorkflowTerminated:
		return OpSame // the code has no part in it
	case p.Issued == nil:
		return OpRemoved
	case !p.Same:
		return OpReplaced
	case p.Moved:
		return OpMoved
	case len(p.Diffs) > 0:
		return OpChanged
	}
	return OpSame
}

func commandOf(ref int64, b history.Body, s history.Site) *engine.BlockCommand {
	return &engine.BlockCommand{
		Kind: string(b.Kind()), Ref: ref, Name: history.Subject(b), Function: s.Function, File: s.File, Line: s.Line,
	}
}

// warnings are the differences that are let pass, in the commands before and after a
// divergence.
func (r *replayer) warnings(ex executor.Exploration, ps *passes) []Warning {
	var all []Warning
	for _, p := range ex.Pairs {
		if p.Recorded == nil || p.Issued == nil || !p.Same || len(p.Diffs) == 0 || r.strict() {
			continue
		}
		all = append(all, r.warning(p, ps))
	}
	if ps.differ && !ps.disagree && !slices.ContainsFunc(all, func(w Warning) bool { return w.Class == ClassRandom }) {
		all = append(all, Warning{Class: ClassRandom, Seq: ps.at.Seq, Message: "the code does not do the same each time it is replayed"})
	}
	return all
}

func (r *replayer) warning(p *executor.Pair, ps *passes) Warning {
	row := rowOf(p)
	w := Warning{Class: classOfDiffs(p.Diffs), Seq: p.Seq, History: row.History, Code: row.Code, Changes: r.changes(p)}
	if ps.differ && ps.at.Ref == p.Issued.Ref {
		w.Class = ClassRandom
	}
	w.Message = fmt.Sprintf("event %d: %s now has other %s", p.Seq, sentence(row.History), strings.Join(p.Diffs, ", "))
	return w
}

// classOfDiffs is the class of a command that is the same but for some of its parts.
func classOfDiffs(diffs []string) Class {
	switch {
	case slices.Contains(diffs, executor.DiffArguments):
		return ClassInput
	case slices.Contains(diffs, executor.DiffDuration):
		return ClassTimer
	}
	return ClassOptions
}

// changes are what differs between a recorded command and the issued one.
func (r *replayer) changes(p *executor.Pair) []Change {
	var cs []Change
	switch then := p.Recorded.Body.(type) { //nolint:gochecksumtype // the others are the same or not
	case history.ActivityScheduled:
		now, _ := p.Issued.Body.(history.ActivityScheduled)
		cs = r.argChanges(then.Args, now.Args)
		cs = append(cs, optionChanges(then, now)...)
	case history.ChildScheduled:
		now, _ := p.Issued.Body.(history.ChildScheduled)
		cs = r.argChanges(then.Args, now.Args)
		cs = addChange(cs, "queue", then.Queue, now.Queue)
		cs = addChange(cs, "parent-close policy", then.ParentClose, now.ParentClose)
	case history.SignalSent:
		now, _ := p.Issued.Body.(history.SignalSent)
		cs = r.argChanges([]engine.Payload{then.Arg}, []engine.Payload{now.Arg})
	case history.TimerScheduled:
		now, _ := p.Issued.Body.(history.TimerScheduled)
		cs = addChange(cs, "duration", then.Duration, now.Duration)
	}
	return cs
}

func optionChanges(then, now history.ActivityScheduled) []Change {
	cs := addChange(nil, "queue", then.Queue, now.Queue)
	cs = addChange(cs, "id", then.ID, now.ID)
	cs = addChange(cs, "retry policy", fmt.Sprintf("%+v", then.Retry), fmt.Sprintf("%+v", now.Retry))
	return addChange(cs, "timeouts", then.Timeouts, now.Timeouts)
}

func addChange[T comparable](cs []Change, path string, then, now T) []Change {
	if then == now {
		return cs
	}
	return append(cs, Change{Path: path, A: fmt.Sprint(then), B: fmt.Sprint(now)})
}

// argChanges are what differs between arguments, the first mostChanges of it.
func (r *replayer) argChanges(then, now []engine.Payload) []Change {
	p := r.o.Settings.Payloads()
	c := comparer{discreet: !r.o.Values}
	c.payloads("args", opened(p, then), opened(p, now))
	if !r.o.Values {
		for i := range c.changes {
			c.changes[i] = Change{Path: c.changes[i].Path, PathB: c.changes[i].PathB}
		}
	}
	return c.changes
}

func opened(p engine.Payloads, sealed []engine.Payload) []engine.Payload {
	plain := make([]engine.Payload, len(sealed))
	for i, s := range sealed {
		if o, err := p.Open(s); err == nil {
			plain[i] = o
		}
	}
	return plain
}

// sentence names a command for people.
func sentence(c *engine.BlockCommand) string {
	if c == nil {
		return "nothing"
	}
	s := kindWords(c.Kind)
	if c.Name != "" {
		s += fmt.Sprintf(" %q", strings.TrimSpace(c.Name))
	}
	if c.File != "" {
		s += fmt.Sprintf(" (%s:%d)", c.File, c.Line)
	}
	return s
}

// kindWords is a kind as people say it.
func kindWords(kind string) string {
	words := map[history.Kind]string{
		history.KindActivityScheduled: "activity", history.KindActivityCanceled: "cancellation of an activity",
		history.KindTimerScheduled: "timer", history.KindTimerCanceled: "cancellation of a timer",
		history.KindChildScheduled: "sub-workflow", history.KindChildCancelRequested: "cancellation of a sub-workflow",
		history.KindSignalSent: "signal to", history.KindSideEffectRecorded: "side effect",
		history.KindMutableSideEffect: "mutable side effect", history.KindVersionMarked: "version marker",
		history.KindWorkflowCompleted: "the end with a result", history.KindWorkflowFailed: "the end with an error",
		history.KindWorkflowCanceled: "the end by cancellation", history.KindWorkflowContinuedAsNew: "continue-as-new",
	}
	if w, ok := words[history.Kind(kind)]; ok {
		return w
	}
	return kind
}
