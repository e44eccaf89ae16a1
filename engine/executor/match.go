package executor

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// match holds a recorded command against the next issued one.
func (e *Executor) match(ev history.Event) error {
	next, ok := e.issued.first()
	if !ok {
		return e.mismatch(ev, ev.Body, e.finalIfDone())
	}
	if next.ref != ev.Ref || !sameCommand(next.body, ev.Body) {
		return e.mismatchIssued(ev, ev.Body, next)
	}
	if diffs := e.differences(next.body, ev.Body); len(diffs) > 0 {
		if e.opts.Strict {
			return e.mismatchIssued(ev, ev.Body, next, diffs...)
		}
		e.warn(ev, diffs)
	}
	if p, ok := e.open.byRef[ev.Ref]; ok && next.body.Kind() == p.kind() {
		p.body = ev.Body // history's word counts, in options too
	}
	e.issued.take()
	return nil
}

// matchFinal holds a recorded end against the one that the code came to.
func (e *Executor) matchFinal(ev history.Event) error {
	if err := e.checkSurplus(ev); err != nil {
		return err
	}
	if e.done == nil {
		return e.mismatch(ev, ev.Body, nil)
	}
	if final := e.finalBody(); final.Kind() != ev.Kind() {
		return e.mismatch(ev, ev.Body, final)
	}
	e.finished = true
	return nil
}

// checkSurplus refuses commands that the code issued and history lacks. It runs
// at every task boundary and at the end: a surplus command that stayed unnoticed
// would be scheduled by the next live step as if it were new.
func (e *Executor) checkSurplus(at history.Event) error {
	first, ok := e.issued.first()
	if !ok {
		return nil
	}
	var recorded history.Body
	if history.IsFinal(at.Body) {
		recorded = at.Body
	}
	return e.mismatchIssued(at, recorded, first)
}

func (e *Executor) finalIfDone() history.Body {
	if e.done == nil {
		return nil
	}
	return e.finalBody()
}

func (e *Executor) mismatch(at history.Event, recorded, got history.Body) error {
	return e.mismatchIssued(at, recorded, issued{body: got})
}

func (e *Executor) mismatchIssued(at history.Event, recorded history.Body, got issued, diffs ...string) error {
	r := engine.BlockReason{
		Class:    engine.BlockNondeterminism,
		Seq:      at.Seq,
		Event:    string(at.Kind()),
		Expected: describe(at.Ref, recorded),
		Issued:   describe(got.ref, got.body),
		Stack:    stackText(got.coroutine, sitesIn(got.stack)),
	}
	if r.Stack == "" {
		r.Stack = e.standing()
	}
	if s := siteIn(got.stack); !s.IsZero() {
		r.Issued.Function, r.Issued.File, r.Issued.Line = s.Function, s.File, s.Line
	}
	if len(diffs) > 0 {
		r.Issued.Detail = strings.Join(diffs, ", ")
	}
	r.Message = fmt.Sprintf("event %d: history has %s, the code %s", at.Seq, sentence(r.Expected), issuedSentence(r.Issued))
	return e.block(r)
}

// sentence names a command for people.
func sentence(c *engine.BlockCommand) string {
	if c == nil {
		return "nothing more"
	}
	s := c.Kind
	if c.Name != "" {
		s += fmt.Sprintf(" %q", c.Name)
	}
	var where []string
	if c.Ref > 0 {
		where = append(where, fmt.Sprintf("command %d", c.Ref))
	}
	if c.File != "" {
		where = append(where, fmt.Sprintf("%s:%d", c.File, c.Line))
	}
	if len(where) > 0 {
		s += " (" + strings.Join(where, ", ") + ")"
	}
	return s
}

func issuedSentence(c *engine.BlockCommand) string {
	switch {
	case c == nil:
		return "asks for nothing"
	case c.Detail != "":
		return "asks for it with changed " + c.Detail
	default:
		return "comes to " + sentence(c)
	}
}

// describe is one side of a mismatch, without values.
func describe(ref int64, b history.Body) *engine.BlockCommand {
	if b == nil {
		return nil
	}
	c := &engine.BlockCommand{Kind: string(b.Kind()), Ref: ref, Name: history.Subject(b)}
	s := history.SiteOf(b)
	c.Function, c.File, c.Line = s.Function, s.File, s.Line
	return c
}

// sameCommand compares what makes two commands the same one: kind, name, target.
func sameCommand(a, b history.Body) bool {
	return a.Kind() == b.Kind() && history.Subject(a) == history.Subject(b)
}

// What can differ between two commands that are the same one.
const (
	DiffArguments   = "arguments"
	DiffQueue       = "queue"
	DiffID          = "id"
	DiffRetry       = "retry policy"
	DiffTimeouts    = "timeouts"
	DiffDuration    = "duration"
	DiffParentClose = "parent-close policy"
)

// differences names what differs between two commands that are the same one:
// arguments, options and durations. Those are a warning unless Strict.
func (e *Executor) differences(a, b history.Body) []string {
	var d []string
	add := func(what string, differs bool) {
		if differs {
			d = append(d, what)
		}
	}
	switch now := a.(type) { //nolint:gochecksumtype // the others have neither
	case history.ActivityScheduled:
		then, _ := b.(history.ActivityScheduled)
		add(DiffArguments, e.argsDiffer(now.Args, then.Args))
		add(DiffQueue, now.Queue != then.Queue)
		add(DiffID, now.ID != then.ID)
		add(DiffRetry, !sameRetry(now.Retry, then.Retry))
		add(DiffTimeouts, now.Timeouts != then.Timeouts)
	case history.TimerScheduled:
		then, _ := b.(history.TimerScheduled)
		add(DiffDuration, now.Duration != then.Duration)
	case history.ChildScheduled:
		then, _ := b.(history.ChildScheduled)
		add(DiffArguments, e.argsDiffer(now.Args, then.Args))
		add(DiffQueue, now.Queue != then.Queue)
		add(DiffParentClose, now.ParentClose != then.ParentClose)
	case history.SignalSent:
		then, _ := b.(history.SignalSent)
		add(DiffArguments, e.argsDiffer([]engine.Payload{now.Arg}, []engine.Payload{then.Arg}))
	}
	return d
}

func sameRetry(a, b engine.RetryPolicy) bool {
	names := slices.Equal(a.NonRetryable, b.NonRetryable)
	a.NonRetryable, b.NonRetryable = nil, nil
	return names && a.MaxAttempts == b.MaxAttempts && a.FirstRetryInterval == b.FirstRetryInterval &&
		a.MaxRetryInterval == b.MaxRetryInterval && a.BackoffCoefficient == b.BackoffCoefficient &&
		a.RetryTimeout == b.RetryTimeout && a.Jitter == b.Jitter
}

// argsDiffer compares payloads as the converter made them: a codec may seal the
// same value differently each time.
func (e *Executor) argsDiffer(a, b []engine.Payload) bool {
	p := e.opts.Command.Payloads
	if !p.Comparable() {
		return false
	}
	return !slices.EqualFunc(a, b, func(x, y engine.Payload) bool {
		if bytes.Equal(x, y) {
			return true
		}
		px, errX := p.Open(x)
		py, errY := p.Open(y)
		return errX == nil && errY == nil && bytes.Equal(px, py)
	})
}

func (e *Executor) warn(ev history.Event, diffs []string) {
	const most = 10 // more say nothing new, and one is logged per instance and build
	if len(e.warnings) < most {
		e.warnings = append(e.warnings, Warning{Seq: ev.Seq, Message: fmt.Sprintf(
			"event %d: history has %s, the code asks for it with changed %s", ev.Seq, sentence(describe(ev.Ref, ev.Body)), strings.Join(diffs, ", "))})
	}
}

// past is what replay looks up ahead of its place in history.
type past struct {
	versions map[string]int                       // answers of Version, by change id
	effects  map[string]mutable                   // state of MutableSideEffect, by id
	sides    map[int64]history.SideEffectRecorded // by ref
	mutables map[mutableCall]history.MutableSideEffectRecorded
}

// mutable is how far MutableSideEffect has come with an id.
type mutable struct {
	calls int64
	last  engine.Payload
	known bool // last is a value
}

type mutableCall struct {
	id   string
	call int64
}

func (p *past) index(events []history.Event) {
	p.sides, p.mutables = map[int64]history.SideEffectRecorded{}, map[mutableCall]history.MutableSideEffectRecorded{}
	for _, ev := range events {
		switch b := ev.Body.(type) { //nolint:gochecksumtype // only markers are looked up
		case history.VersionMarked:
			p.versions[b.ChangeID] = b.Version
		case history.SideEffectRecorded:
			p.sides[ev.Ref] = b
		case history.MutableSideEffectRecorded:
			p.mutables[mutableCall{b.ID, b.Call}] = b
		}
	}
}
