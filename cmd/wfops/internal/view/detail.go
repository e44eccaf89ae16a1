package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Detail is a table of what there is to know about an execution, a line for each.
func Detail(d ops.Detail, o Options) Table {
	t := Table{Columns: []Column{{Key: "field", Title: "FIELD"}, {Key: "value", Title: "VALUE", Min: 20}}}
	add := func(field, value string, style Style) {
		if value != "" {
			t.Rows = append(t.Rows, []Cell{{field, Header}, {value, style}})
		}
	}
	s := &d.Summary
	add("instance", s.Instance.InstanceID, Plain)
	add("execution", s.Instance.ExecutionID, Muted)
	if s.FirstExecution != s.Instance.ExecutionID {
		add("continues", s.FirstExecution, Muted)
	}
	add("workflow", s.Workflow, Plain)
	add("queue", string(s.Queue), Plain)
	add("status", StatusWord(s), statusStyle(s.Status))
	situation := o.why(d)
	add("situation", situation.Text, situation.Style)
	add("nobody there", unserved(d), Attention)
	add("operator", o.Asked(s.Note), Plain)
	add("status line", s.StatusLine, Plain)
	if s.Status.Open() {
		add("last error", s.LastError, Bad)
	}
	add("created", o.when(s.Created), Plain)
	add("updated", o.when(s.Updated), Plain)
	add("finished", o.when(s.Finished), Plain)
	add("history", fmt.Sprintf("%d events, %d bytes", s.HistoryLength, s.HistoryBytes), Plain)
	add("attempts", positive(int64(s.Attempt)), Waiting)
	add("worker", s.Worker, Plain)
	add("build", s.Build, Plain)
	add("failed on", strings.Join(s.BlockedBuilds, ", "), Attention)
	add("holder", holder(d.Pending, o), Plain)
	if s.Parent != nil {
		add("parent", s.Parent.String(), Plain)
	}
	add("trace", s.TraceID, Muted)
	add("tags", tags(s.Tags), Plain)
	p := d.Pending
	add("pending", fmt.Sprintf("inbox %d, timers %d, activities %d", len(p.Inbox), len(p.Timers), len(p.Activities)), Plain)
	if s.Unread > 0 {
		add("unread", fmt.Sprintf("%d events that nobody had read when it ended", s.Unread), Attention)
	}
	return t
}

// when shows a point in time and how long ago that was.
func (o Options) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	exact := o
	if exact.Times == Relative {
		exact.Times = UTC
	}
	relative := o
	relative.Times = Relative
	return exact.Moment(t) + ", " + relative.Moment(t)
}

func holder(p backend.Pending, o Options) string {
	if p.Holder == "" {
		return ""
	}
	return p.Holder + ", lease until " + o.when(p.LeaseUntil)
}

// unserved says that nobody could run the instance, if that is so.
func unserved(d ops.Detail) string {
	if d.Status != engine.StatusRunning || d.Paused || d.File {
		return ""
	}
	knows := func(names []string, name string, queues []engine.Queue, queue engine.Queue) bool {
		return slices.Contains(names, name) && slices.Contains(queues, queue)
	}
	served := false
	for _, w := range d.Workers {
		served = served || knows(w.Workflows, d.Workflow, w.Queues, d.Queue)
	}
	if !served {
		return fmt.Sprintf("no living worker registers workflow %q on queue %q", d.Workflow, d.Queue)
	}
	for _, a := range d.Pending.Activities {
		served = a.Holder != ""
		for _, w := range d.Workers {
			served = served || knows(w.Activities, a.Name, w.Queues, a.Queue)
		}
		if !served {
			return fmt.Sprintf("no living worker registers activity %q on queue %q", a.Name, a.Queue)
		}
	}
	return ""
}

// Pending is the table of what an execution has outside of its history. name is that of
// the step that a command began, which only the history has, or "".
func Pending(p backend.Pending, name func(ref int64) string, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "kind", Title: "KIND"},
		{Key: "ref", Title: "REF", Right: true, Rank: 3},
		{Key: "name", Title: "NAME", Min: 10, Max: 40},
		{Key: "try", Title: "TRY", Right: true, Rank: 2},
		{Key: "state", Title: "STATE", Min: 10},
		{Key: "detail", Title: "DETAIL", Min: 24, Rank: 1},
	}}
	for _, a := range p.Activities {
		t.Rows = append(t.Rows, activityRow(a, o))
	}
	for _, tm := range p.Timers {
		state := "fires " + o.Moment(tm.Due)
		if !tm.Due.After(o.Now) {
			state = "overdue, " + o.Moment(tm.Due)
		}
		kind, of := timerKind(tm)
		t.Rows = append(t.Rows, []Cell{{kind, Plain}, {positive(tm.Ref), Muted}, {strings.TrimSpace(of + " " + name(tm.Ref)), Plain}, {}, {state, Waiting}, {}})
	}
	for _, in := range p.Inbox {
		kind, what := "event", "can't be read"
		if e, err := in.Event.DecodeOne(); err == nil {
			_, _, what, _ = describe(e.Body)
			kind = string(e.Kind())
		}
		t.Rows = append(t.Rows, []Cell{{"inbox", Plain}, {strconv.FormatInt(in.ID, 10), Muted}, {kind, Plain}, {}, {"not read yet", Waiting}, {what, Plain}})
	}
	return t
}

func activityRow(a backend.PendingActivity, o Options) []Cell {
	state := Cell{"ready", Waiting}
	switch {
	case a.Holder != "":
		state = Cell{"on " + a.Holder + " for " + o.age(a.Started), Running}
	case a.ReadyAt.After(o.Now):
		state = Cell{"retry " + o.Moment(a.ReadyAt), Waiting}
	}
	return []Cell{{"activity", Plain}, {positive(a.Ref), Muted}, {a.Name, Plain}, {strconv.Itoa(max(1, a.Attempt)), Plain}, state, {a.LastError, Bad}}
}

// timerKind tells timers of the workflow from timeouts.
func timerKind(t backend.Timer) (kind, of string) {
	e, err := t.Event.DecodeOne()
	if err != nil {
		return "timer", "can't be read"
	}
	switch e.Body.(type) {
	case history.TimerFired:
		return "timer", ""
	case history.WorkflowTimedOut:
		return "timeout", "of the execution"
	default:
		return "timeout", "of the activity"
	}
}

// Tree is the table of an execution and its children.
func Tree(n *ops.Node, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "sign", Title: "S", Sign: true},
		{Key: "instance", Title: "INSTANCE", Min: 20},
		{Key: "workflow", Title: "WORKFLOW", Min: 10, Max: 32, Rank: 3},
		{Key: "status", Title: "STATUS", Rank: 4},
		{Key: "age", Title: "AGE", Right: true, Rank: 2},
		{Key: "situation", Title: "WAITING ON / LAST ERROR", Min: 24, Good: 36, Rank: 1},
	}}
	t.branch(n, "", "", o)
	return t
}

func (t *Table) branch(n *ops.Node, first, rest string, o Options) {
	s := &n.Summary
	t.Rows = append(t.Rows, []Cell{
		o.StatusSign(s), {first + s.Instance.InstanceID, Plain}, {s.Workflow, Plain}, {StatusWord(s), statusStyle(s.Status)}, {o.age(s.Created), Muted}, o.Situation(s),
	})
	fork, last, bar := o.twigs()
	for i, child := range n.Children {
		if i == len(n.Children)-1 && !n.More {
			t.branch(child, rest+last, rest+strings.Repeat(" ", Width(last)), o)
			continue
		}
		t.branch(child, rest+fork, rest+bar, o)
	}
	if n.More {
		t.Rows = append(t.Rows, []Cell{{}, {rest + last + "more children", Muted}, {}, {}, {}, {"all: " + filter.ChildrenOf(s.Instance.InstanceID), Muted}})
	}
}
