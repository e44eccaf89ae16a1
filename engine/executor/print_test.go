package executor_test

import (
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// maxPrinted bounds how many lines of one kind a step prints.
const maxPrinted = 24

// printStep prints all that a step holds.
func printStep(w io.Writer, s executor.Step) {
	var lines []string
	for _, e := range s.Events {
		lines = append(lines, eventLine(e))
	}
	lines = shorten(lines)
	lines = append(lines, shorten(effectLines(s))...)
	lines = append(lines, lineOf(s))
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
}

func shorten(lines []string) []string {
	if n := len(lines); n > maxPrinted {
		return slices.Concat(lines[:maxPrinted/2], []string{fmt.Sprintf("  … %d more …", n-maxPrinted)}, lines[n-maxPrinted/2:])
	}
	return lines
}

func eventLine(e history.Event) string {
	l := fmt.Sprintf("%d %s", e.Seq, e.Kind())
	if e.Ref > 0 {
		l += fmt.Sprintf(" #%d", e.Ref)
	}
	if d := detail(e); d != "" {
		l += " " + d
	}
	return l
}

func detail(e history.Event) string {
	switch b := e.Body.(type) {
	case history.TaskStarted:
		return since(e.At) + onlyIf(b.Suggest, ", continue as new suggested")
	case history.WorkflowStarted:
		return startedDetail(b)
	case history.SignalReceived:
		return b.Name + "=" + string(b.Arg)
	case history.EventDropped:
		return b.Reason
	case history.CancelRequested:
		return b.Reason
	case history.ActivityScheduled:
		return b.Name + call(b.Args) + activityOptions(b) + where(b.Site)
	case history.ActivityCanceled:
		return strings.TrimSpace(where(b.Site))
	case history.TimerScheduled:
		return strings.TrimSpace(b.Name + " until " + since(b.Until) + where(b.Site))
	case history.TimerCanceled:
		return strings.TrimSpace(where(b.Site))
	case history.ChildScheduled:
		return fmt.Sprintf("%s%s as %s, %s%s", b.Workflow, call(b.Args), b.Instance.InstanceID, b.ParentClose, where(b.Site)) +
			onlyIf(b.Attempt > 1, fmt.Sprintf(", attempt %d", b.Attempt))
	case history.ChildCancelRequested:
		return strings.TrimSpace(where(b.Site))
	case history.SignalSent:
		return fmt.Sprintf("%s=%s to %s%s", b.Name, b.Arg, b.InstanceID, where(b.Site))
	case history.VersionMarked:
		return fmt.Sprintf("%s=%d%s", b.ChangeID, b.Version, where(b.Site))
	case history.SideEffectRecorded:
		return value(b.Value, b.Failure) + where(b.Site)
	case history.MutableSideEffectRecorded:
		return fmt.Sprintf("%s[%d]=%s%s", b.ID, b.Call, value(b.Value, b.Failure), where(b.Site))
	}
	return answerDetail(e.Body)
}

func answerDetail(b history.Body) string {
	switch b := b.(type) {
	case history.WorkflowCompleted:
		return string(b.Result)
	case history.WorkflowFailed:
		return value(nil, b.Failure)
	case history.WorkflowCanceled:
		return value(nil, b.Failure)
	case history.WorkflowContinuedAsNew:
		return call(b.Args) + where(b.Site)
	case history.ActivityCompleted:
		return string(b.Result)
	case history.ActivityFailed:
		return value(nil, b.Failure)
	case history.ActivityAttemptFailed:
		return fmt.Sprintf("attempt %d: %s", b.Run.Attempt, value(nil, b.Failure))
	case history.ChildCompleted:
		return string(b.Result)
	case history.ChildFailed:
		return strings.TrimSpace(string(b.Status) + " " + value(nil, b.Failure))
	case history.SignalFailed:
		return value(nil, b.Failure)
	}
	return ""
}

func startedDetail(b history.WorkflowStarted) string {
	l := b.Workflow + call(b.Args)
	if b.ContinuedFrom != "" {
		l += " continued from " + b.ContinuedFrom
	}
	for i, s := range b.Signals {
		if i == maxPrinted/2 {
			return l + fmt.Sprintf(" … %d in all", len(b.Signals))
		}
		l += fmt.Sprintf(" %s=%s", s.Name, s.Arg)
	}
	return l + tagText(b.Tags)
}

func activityOptions(b history.ActivityScheduled) string {
	var l string
	if b.Queue != "" {
		l += " on " + string(b.Queue)
	}
	if b.ID != "" {
		l += " id " + b.ID
	}
	if b.Retry.MaxAttempts > 1 {
		l += fmt.Sprintf(" max %d", b.Retry.MaxAttempts)
	}
	if b.Timeouts != (history.Timeouts{}) {
		l += fmt.Sprintf(" within %v", b.Timeouts.StartToClose)
	}
	return l
}

func effectLines(s executor.Step) []string {
	var l []string
	add := func(format string, args ...any) { l = append(l, fmt.Sprintf("  "+format, args...)) }
	for _, a := range s.StartActivities {
		add("start activity #%d %s", a.Event.Ref, a.Body.Name)
	}
	for _, r := range s.DropActivities {
		add("drop activity #%d", r)
	}
	for _, t := range s.StartTimers {
		add("start timer #%d until %s", t.Ref, since(t.Until))
	}
	for _, r := range s.DropTimers {
		add("drop timer #%d", r)
	}
	for _, c := range s.StartChildren {
		add("start child #%d %s", c.Event.Ref, c.Body.Instance.InstanceID)
	}
	for _, c := range s.CancelChildren {
		add("cancel child #%d %s", c.Ref, c.Child.InstanceID)
	}
	for _, r := range s.DropChildren {
		add("drop child #%d", r)
	}
	for _, g := range s.Signals {
		add("send signal #%d %s to %s", g.Event.Ref, g.Body.Name, g.Body.InstanceID)
	}
	if s.Parent != nil {
		add("tell %s: %s", s.Parent.To, strings.TrimPrefix(eventLine(s.Parent.Event), "0 "))
	}
	if s.Next != nil {
		add("next: %s%s", startedDetail(s.Next.Started), onlyIf(s.Next.Cancel != nil, ", and is asked to cancel"))
	}
	return append(l, summaryLines(s)...)
}

func summaryLines(s executor.Step) []string {
	var l []string
	add := func(format string, args ...any) { l = append(l, fmt.Sprintf("  "+format, args...)) }
	if s.Tags != nil {
		add("tags%s", tagText(s.Tags))
	}
	if s.StatusLine != nil {
		add("status line: %s", *s.StatusLine)
	}
	if s.LastError != nil {
		add("last error: %s", *s.LastError)
	}
	if s.Attempt > 1 {
		add("attempt %d", s.Attempt)
	}
	for _, n := range s.Notes {
		add("note: %v", n)
	}
	for _, w := range s.Warnings {
		add("warning: %s", normal(w.Message))
	}
	for _, a := range s.Abandoned {
		add("abandoned: %s", normal(a))
	}
	return l
}

func lineOf(s executor.Step) string {
	w := s.Waiting
	if w == nil {
		return string(s.Status)
	}
	l := fmt.Sprintf("%s, waiting for %s", s.Status, w.Kind)
	if w.Name != "" {
		l += fmt.Sprintf(" %q", w.Name)
	}
	if w.Ref > 0 {
		l += fmt.Sprintf(" #%d", w.Ref)
	}
	if !w.Since.IsZero() {
		l += " since " + since(w.Since)
	}
	if !w.Until.IsZero() {
		l += " until " + since(w.Until)
	}
	return l + onlyIf(w.Attempt > 0, fmt.Sprintf(", attempt %d", w.Attempt)) + onlyIf(w.More > 0, fmt.Sprintf(", and %d more", w.More))
}

// printBlocked prints why an execution can't go on. Lines of source files are
// left out, as they change with every edit.
func printBlocked(w io.Writer, b *executor.BlockedError) {
	r := b.Reason
	fmt.Fprintf(w, "blocked %s at event %d %s%s\n", r.Class, r.Seq, r.Event, onlyIf(b.Transient, "(transient)"))
	fmt.Fprintf(w, "  %s\n", normal(r.Message))
	for _, side := range []struct {
		name string
		c    *engine.BlockCommand
	}{{"expected", r.Expected}, {"issued", r.Issued}} {
		if side.c != nil {
			fmt.Fprintf(w, "  %s %s %q #%d in %s %s\n", side.name, side.c.Kind, side.c.Name, side.c.Ref, base(side.c.Function), side.c.File)
		}
	}
	if r.Stack != "" {
		first, rest, _ := strings.Cut(r.Stack, "\n")
		function, _, _ := strings.Cut(rest, "\n")
		fmt.Fprintf(w, "  stack %s … %s\n", normal(base(first)), onlyIf(strings.HasPrefix(first, "coroutine"), base(function)))
	}
}

var lineNumber = regexp.MustCompile(`\.go:\d+`)

func normal(s string) string { return lineNumber.ReplaceAllString(s, ".go:N") }

func base(function string) string { return path.Base(function) }

func where(s history.Site) string {
	if s.IsZero() {
		return ""
	}
	return " at " + strings.TrimPrefix(base(s.Function), "executor_test.")
}

func call(args []engine.Payload) string {
	var l []string
	for _, a := range args {
		l = append(l, string(a))
	}
	return "(" + strings.Join(l, ", ") + ")"
}

func value(v engine.Payload, f *engine.Failure) string {
	switch {
	case f == nil:
		return string(v)
	case f.Panic:
		return fmt.Sprintf("panic %q", f.Message)
	}
	return fmt.Sprintf("error %q", f.Message)
}

func tagText(tags map[string]string) string {
	var l string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		l += fmt.Sprintf(" [%s=%s]", k, tags[k])
	}
	return l
}

func since(t time.Time) string { return "+" + t.Sub(epoch).String() }

func onlyIf(b bool, s string) string {
	if b {
		return s
	}
	return ""
}
