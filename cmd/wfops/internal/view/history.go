package view

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// HistoryColumns are those of HistoryRow.
func HistoryColumns() []Column {
	return []Column{
		{Key: "seq", Title: "EVENT", Right: true},
		{Key: "at", Title: "AT", Right: true, Rank: 2},
		{Key: "sign", Title: "S", Sign: true, Rank: 5},
		{Key: "kind", Title: "KIND", Min: 10},
		{Key: "ref", Title: "REF", Right: true, Rank: 4},
		{Key: "what", Title: "WHAT", Min: 20, Rank: 1},
		{Key: "site", Title: "CODE", Min: 10, Max: 30, Rank: 3},
		{Key: "function", Title: "FUNCTION", Wide: true, Rank: 6},
	}
}

// History is the table of events. Times are counted from the first.
func History(events []history.Event, o Options) Table {
	t := Table{Columns: HistoryColumns()}
	var start time.Time
	if len(events) > 0 {
		start = events[0].At
	}
	for _, e := range events {
		t.Rows = append(t.Rows, HistoryRow(e, start, o))
	}
	return t
}

// HistoryRow is one event of an execution that began at start.
func HistoryRow(e history.Event, start time.Time, o Options) []Cell {
	s, style, what, site := describe(e.Body)
	code := ""
	if !site.IsZero() {
		code = fmt.Sprintf("%s:%d", site.File, site.Line)
	}
	return []Cell{
		{positive(e.Seq), Muted}, {o.after(start, e.At), Muted}, o.cell(s, style), {string(e.Kind()), style}, {positive(e.Ref), Muted},
		{what, Plain}, {code, Muted}, {site.Function, Muted},
	}
}

// describe says what an event is about.
func describe(b history.Body) (s sign, style Style, what string, site history.Site) {
	switch history.ClassOf(b) {
	case history.ClassExecution, history.ClassFinal:
		s, style, what = describeExecution(b)
	case history.ClassCommand, history.ClassMarker, history.ClassCancel:
		s, style = signNone, Plain
		what, site = describeCommand(b)
	case history.ClassAnswer:
		s, style, what = describeAnswer(b)
	}
	return s, style, what, site
}

func describeExecution(b history.Body) (s sign, style Style, what string) {
	switch b := b.(type) {
	case history.WorkflowStarted:
		return signNone, Plain, b.Workflow + "(" + payloads(b.Args) + ")"
	case history.TaskStarted:
		return signNone, Muted, strings.TrimSpace(b.Worker + " " + b.Build)
	case history.SignalReceived:
		return signSignal, Running, strconv.Quote(b.Name) + " " + payload(b.Arg)
	case history.EventDropped:
		return signAttention, Attention, b.Reason
	case history.CancelRequested:
		return signCanceled, Stopped, b.Reason
	case history.WorkflowTimedOut:
		return signFailed, Bad, ""
	case history.WorkflowCompleted:
		return signCompleted, Good, payload(b.Result)
	case history.WorkflowFailed:
		return signFailed, Bad, failure(b.Failure)
	case history.WorkflowCanceled:
		return signCanceled, Stopped, failure(b.Failure)
	case history.WorkflowTerminated:
		return signTerminated, Stopped, b.Reason
	case history.WorkflowContinuedAsNew:
		return signContinued, Muted, b.NewExecution + "(" + payloads(b.Args) + ")"
	default:
		return signNone, Plain, ""
	}
}

func describeCommand(b history.Body) (what string, site history.Site) {
	switch b := b.(type) {
	case history.ActivityScheduled:
		return "activity " + b.Name + "(" + payloads(b.Args) + ")", b.Site
	case history.ActivityCanceled:
		return "", b.Site
	case history.TimerScheduled:
		return strings.TrimSpace("timer "+b.Name) + " " + b.Duration.String(), b.Site
	case history.TimerCanceled:
		return "", b.Site
	case history.ChildScheduled:
		return "child " + b.Workflow + "(" + payloads(b.Args) + ") as " + b.Instance.InstanceID, b.Site
	case history.ChildCancelRequested:
		return "", b.Site
	case history.SignalSent:
		return "signal " + strconv.Quote(b.Name) + " to " + b.InstanceID + " " + payload(b.Arg), b.Site
	case history.SideEffectRecorded:
		return payload(b.Value) + " " + failure(b.Failure), b.Site
	case history.MutableSideEffectRecorded:
		return b.ID + " " + payload(b.Value) + " " + failure(b.Failure), b.Site
	case history.VersionMarked:
		return fmt.Sprintf("%s is %d", b.ChangeID, b.Version), b.Site
	default:
		return "", site
	}
}

func describeAnswer(b history.Body) (s sign, style Style, what string) {
	switch b := b.(type) {
	case history.ActivityCompleted:
		return signCompleted, Good, payload(b.Result) + attempt(b.Run)
	case history.ActivityFailed:
		return signFailed, Bad, failure(b.Failure) + attempt(b.Run)
	case history.ActivityAttemptFailed:
		return signRetrying, Waiting, failure(b.Failure) + attempt(b.Run)
	case history.TimerFired:
		return signTimer, Running, ""
	case history.ChildCompleted:
		return signCompleted, Good, payload(b.Result)
	case history.ChildFailed:
		return signFailed, Bad, strings.TrimSpace(string(b.Status) + " " + failure(b.Failure))
	case history.SignalDelivered:
		return signCompleted, Good, ""
	case history.SignalFailed:
		return signFailed, Bad, failure(b.Failure)
	default:
		return signNone, Plain, ""
	}
}

func attempt(r history.Run) string {
	var parts []string
	if r.Attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", r.Attempt))
	}
	if r.Worker != "" {
		parts = append(parts, "on "+r.Worker)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, " ") + ")"
}

func failure(f *engine.Failure) string {
	switch {
	case f == nil:
		return ""
	case f.Type != "" && f.Type != "errorString" && f.Type != "wrapError":
		return f.Type + ": " + engine.FirstLine(f.Message)
	}
	return engine.FirstLine(f.Message)
}

// shownPayload is how much of a payload a line has room for at most.
const shownPayload = 2000

// payload shows as much of a payload as a line has room for.
func payload(p engine.Payload) string {
	if p == nil {
		return ""
	}
	if bytes.Equal(p, values.Sealed) {
		return "sealed"
	}
	if len(p) > shownPayload {
		return string(p[:shownPayload]) + ellipsis
	}
	return string(p)
}

func payloads(ps []engine.Payload) string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = payload(p)
	}
	return strings.Join(texts, ", ")
}
