package view

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Instances is the table of a list.
func Instances(all []backend.Summary, o Options) Table {
	t := Table{Columns: []Column{
		{Key: "sign", Title: "S", Sign: true},
		{Key: "instance", Title: "INSTANCE", Min: 12, Good: 20, Max: 48},
		{Key: "workflow", Title: "WORKFLOW", Min: 10, Good: 13, Max: 32, Rank: 3},
		{Key: "queue", Title: "QUEUE", Min: 6, Max: 20, Rank: 8, Wide: true},
		{Key: "status", Title: "STATUS", Rank: 4},
		{Key: "age", Title: "AGE", Right: true, Rank: 2},
		{Key: "idle", Title: "IDLE", Right: true, Rank: 6},
		{Key: "events", Title: "EVENTS", Right: true, Rank: 7},
		{Key: "try", Title: "TRY", Right: true, Rank: 5, Spare: true},
		{Key: "build", Title: "BUILD", Max: 14, Rank: 8, Wide: true},
		{Key: "worker", Title: "WORKER", Min: 6, Max: 24, Rank: 8, Wide: true},
		{Key: "execution", Title: "EXECUTION", Rank: 8, Wide: true},
		{Key: "tags", Title: "TAGS", Min: 8, Max: 40, Rank: 8, Wide: true},
		{Key: "situation", Title: "WAITING ON / LAST ERROR", Min: 30, Good: 40, Rank: 1},
	}}
	for i := range all {
		s := &all[i]
		t.Rows = append(t.Rows, []Cell{
			o.StatusSign(s), {s.Instance.InstanceID, Plain}, {s.Workflow, Plain}, {string(s.Queue), Muted}, {StatusWord(s), statusStyle(s.Status)},
			{o.age(s.Created), Plain}, {o.age(s.Updated), Muted}, {strconv.FormatInt(s.HistoryLength, 10), Muted}, {positive(int64(s.Attempt)), Waiting},
			{s.Build, Muted}, {s.Worker, Muted}, {s.Instance.ExecutionID, Muted}, {tags(s.Tags), Muted}, o.Situation(s),
		})
	}
	return t
}

// StatusSign is the sign of an instance: of its status or, while it runs, of what it
// waits for.
func (o Options) StatusSign(s *backend.Summary) Cell {
	style := statusStyle(s.Status)
	switch s.Status {
	case engine.StatusRunning:
		return o.runningSign(s)
	case engine.StatusBlocked:
		return o.cell(signBlocked, style)
	case engine.StatusCompleted:
		return o.cell(signCompleted, style)
	case engine.StatusFailed:
		return o.cell(signFailed, style)
	case engine.StatusCanceled:
		return o.cell(signCanceled, style)
	case engine.StatusTerminated:
		return o.cell(signTerminated, style)
	case engine.StatusContinuedAsNew:
		return o.cell(signContinued, style)
	}
	return o.cell(signNone, Plain)
}

func (o Options) runningSign(s *backend.Summary) Cell {
	switch {
	case s.Paused:
		return o.cell(signPaused, Waiting)
	case s.Attempt > 1:
		return o.cell(signRetrying, Waiting)
	case s.HistoryLength == 0:
		return o.cell(signQueued, Waiting)
	case s.Waiting != nil && s.Waiting.Kind == engine.WaitSignal:
		return o.cell(signSignal, Waiting)
	case s.Waiting != nil && s.Waiting.Kind == engine.WaitTimer:
		return o.cell(signTimer, Waiting)
	}
	return o.cell(signRunning, Running)
}

func statusStyle(s engine.Status) Style {
	switch s {
	case engine.StatusRunning:
		return Running
	case engine.StatusBlocked:
		return Attention
	case engine.StatusCompleted:
		return Good
	case engine.StatusFailed:
		return Bad
	case engine.StatusCanceled, engine.StatusTerminated:
		return Stopped
	case engine.StatusContinuedAsNew:
		return Muted
	}
	return Plain
}

// StatusWord is the status of an instance in words.
func StatusWord(s *backend.Summary) string {
	if s.Paused {
		return string(s.Status) + ", paused"
	}
	return string(s.Status)
}

// Situation says in one line why an instance does not move, or how it ended.
func (o Options) Situation(s *backend.Summary) Cell {
	switch {
	case s.Status == engine.StatusBlocked:
		return Cell{blockedBecause(s), Attention}
	case s.Status.Final():
		return Cell{s.LastError, Bad}
	case s.Paused:
		return Cell{o.paused(s.Note), Waiting}
	case s.HistoryLength == 0:
		return Cell{"not begun for " + o.age(s.Created), Waiting}
	case s.Waiting != nil:
		return Cell{o.waiting(s), Waiting}
	}
	return Cell{s.StatusLine, Plain}
}

// paused says for how long and why, unless something else was asked since.
func (o Options) paused(n *engine.Note) string {
	if n == nil || n.Action != engine.NotePause {
		return "paused"
	}
	return withReason("paused "+o.age(n.At), engine.FirstLine(n.Reason))
}

// Asked says what an operator has asked last, when and why, or nothing.
func (o Options) Asked(n *engine.Note) string {
	if n == nil {
		return ""
	}
	done := map[engine.NoteAction]string{engine.NotePause: "paused", engine.NoteResume: "resumed", engine.NoteRetry: "tried again"}
	return withReason(cmp.Or(done[n.Action], string(n.Action))+" "+o.age(n.At)+" ago", n.Reason)
}

func withReason(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}

// blockedBecause shows the reason of a blocked instance.
func blockedBecause(s *backend.Summary) string {
	var reason engine.BlockReason
	if err := json.Unmarshal(s.Block, &reason); err != nil || reason.Message == "" {
		return "blocked: " + s.BlockClass
	}
	at := ""
	if reason.Seq > 0 && !strings.Contains(reason.Message, fmt.Sprintf("event %d", reason.Seq)) {
		at = fmt.Sprintf(" at event %d", reason.Seq)
	}
	return fmt.Sprintf("%s%s: %s", s.BlockClass, at, inShort(reason))
}

// inShort leaves out of what a worker has found all but the two names, where those tell
// it: there is little room.
func inShort(reason engine.BlockReason) string {
	was, is := reason.Expected, reason.Issued
	if was == nil || is == nil || was.Name == "" || is.Name == "" || was.Name == is.Name {
		return reason.Message
	}
	return "history has " + was.Name + ", the code " + is.Name
}

// waiting shows what is waited for: what it is first, then since when or until when, and
// why it is tried again.
func (o Options) waiting(s *backend.Summary) string {
	w := s.Waiting
	text := o.waitedFor(w)
	switch left := w.Until.Sub(o.Now); {
	case w.Kind == engine.WaitTimer && !w.Until.IsZero() && left < 0:
		text += " overdue for " + Span(-left)
	case w.Kind == engine.WaitTimer && !w.Until.IsZero():
		text += " in " + Span(left)
	case w.Next.After(o.Now):
		text += " retry in " + Span(w.Next.Sub(o.Now))
	case !w.Since.IsZero():
		text += " for " + o.age(w.Since)
	}
	if w.Kind != engine.WaitTimer && w.Until.After(o.Now) {
		text += ", timer in " + Span(w.Until.Sub(o.Now))
	}
	if s.Attempt > 1 && s.LastError != "" {
		text += ": " + s.LastError
	}
	if w.More > 0 {
		text += fmt.Sprintf(", %d more", w.More)
	}
	return text
}

// waitedFor names what is waited for. Names of activities stand for themselves: most
// instances wait for one.
func (o Options) waitedFor(w *engine.Waiting) string {
	kind := string(w.Kind)
	switch w.Kind {
	case engine.WaitActivity:
		return cmp.Or(w.Name, kind) + o.attempt(w.Attempt)
	case engine.WaitOther:
		return cmp.Or(w.Name, "something inside the workflow")
	case engine.WaitChild:
		return strings.TrimSpace(kind + " " + w.Name)
	case engine.WaitSignal, engine.WaitTimer:
	}
	if w.Name != "" {
		kind += " " + strconv.Quote(w.Name)
	}
	return kind
}

// attempt shows which attempt it is, unless it is the first.
func (o Options) attempt(n int) string {
	switch {
	case n <= 1:
		return ""
	case o.ASCII:
		return fmt.Sprintf(" try %d", n)
	}
	return fmt.Sprintf(" %s%d", signRetrying.glyph, n)
}

func positive(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func tags(all map[string]string) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		pairs = append(pairs, k+"="+all[k])
	}
	return strings.Join(pairs, " ")
}
