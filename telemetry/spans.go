package telemetry

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// span is a span that is over, as plain data. Its attributes are valid until the story
// makes the next one.
type span struct {
	name       string
	kind       trace.SpanKind
	id         trace.SpanID
	parent     trace.SpanContext // invalid for one that begins a trace
	start, end time.Time
	attrs      []attribute.KeyValue
	events     []spanEvent
	links      []trace.Link
	failed     bool
	message    string
}

// until is when the span ends. Jaeger takes a span of no length for one that ends
// before it begins, and warns.
func (s *span) until() time.Time {
	if s.end.After(s.start) {
		return s.end
	}
	return s.start.Add(time.Nanosecond)
}

type spanEvent struct {
	name  string
	at    time.Time
	attrs []attribute.KeyValue
}

// story turns the events of one execution into spans. It is a pure function of them,
// one event at a time: a worker tells it of each step, and a history is told at one
// go. So both come to the same spans. What an event is about is a span once it is
// over.
type story struct {
	instance engine.Instance
	place    place
	// common begins the attributes of every span, which are in room.
	common, room []attribute.KeyValue

	// emit gets spans that are over; nil means that nobody wants them.
	emit func(*span)
	// show returns what may be seen of payloads; nil means nothing.
	show func(Payload) string

	started history.Event
	task    history.TaskStarted
	open    map[int64]*command
	events  []spanEvent
	links   []trace.Link
	// leftEvents and leftLinks count what there was no room for.
	leftEvents, leftLinks int64
}

// command is one that was asked for and is not over.
type command struct {
	history.Event

	// attempt is the first one of an activity that we have not told of, and ready when
	// it could begin.
	attempt int
	ready   time.Time
}

// limit is how many events and links a span has, as in the SDK. More would push out
// the first ones.
const limit = 128

func newStory(i engine.Instance, workflow string, p place) *story {
	x := &story{
		instance: i, place: p, open: map[int64]*command{},
		common: []attribute.KeyValue{AttrWorkflow.String(workflow), AttrInstance.String(i.InstanceID), AttrExecution.String(i.ExecutionID)},
	}
	if p.previous.IsValid() {
		x.link(trace.Link{SpanContext: p.previous, Attributes: []attribute.KeyValue{AttrLinkOf.String(linkPrevious)}})
	}
	return x
}

// take takes in the next event, and emits the spans that are over by it, children
// before parents.
func (x *story) take(ev history.Event) {
	switch history.ClassOf(ev.Body) {
	case history.ClassCommand:
		if history.KindSideEffectRecorded != ev.Kind() && history.KindMutableSideEffect != ev.Kind() {
			x.open[ev.Ref] = &command{Event: ev, attempt: 1, ready: ev.At}
		}
	case history.ClassCancel, history.ClassAnswer:
		// An answer that comes a second time, or too late, is consumed and ignored by
		// the execution too.
		if c := x.open[ev.Ref]; c != nil && c.Kind() == history.Target(ev.Body) {
			x.answer(c, ev)
		}
	case history.ClassFinal:
		x.finish(ev)
	case history.ClassExecution:
		x.happened(ev)
	case history.ClassMarker:
	}
}

// happened takes in an event of the whole execution.
func (x *story) happened(ev history.Event) {
	switch b := ev.Body.(type) { //nolint:gochecksumtype // the others leave no trace
	case history.WorkflowStarted:
		x.started = ev
	case history.TaskStarted:
		x.task = b
	case history.CancelRequested:
		attrs := []attribute.KeyValue{AttrSeq.Int64(ev.Seq)}
		if b.Reason != "" {
			attrs = append(attrs, AttrReason.String(b.Reason))
		}
		x.event(spanEvent{EventCancel, ev.At, attrs})
	case history.SignalReceived:
		x.event(spanEvent{EventSignal, ev.At, []attribute.KeyValue{AttrSignal.String(b.Name), AttrSeq.Int64(ev.Seq)}})
		if c := parse(b.Trace); c.IsSampled() { // another one leads nowhere
			x.link(trace.Link{SpanContext: c, Attributes: []attribute.KeyValue{AttrLinkOf.String(linkSignal), AttrSignal.String(b.Name)}})
		}
	}
}

func (x *story) event(e spanEvent) {
	if len(x.events) == limit {
		x.leftEvents++
		return
	}
	x.events = append(x.events, e)
}

func (x *story) link(l trace.Link) {
	if len(x.links) == limit {
		x.leftLinks++
		return
	}
	x.links = append(x.links, l)
}

// answer takes in an event about an open command.
func (x *story) answer(c *command, ev history.Event) {
	switch b := ev.Body.(type) { //nolint:gochecksumtype // these are the answers and cancels
	case history.ActivityAttemptFailed:
		x.attempt(c, b.Run, ev.At, outcome{failure: b.Failure, status: string(engine.StatusFailed)})
		c.ready = b.Next
		return
	case history.ChildCancelRequested:
		return
	case history.ActivityCompleted:
		x.activity(c, b.Run, ev.At, outcome{status: string(engine.StatusCompleted), result: b.Result})
	case history.ActivityFailed:
		x.activity(c, b.Run, ev.At, failed(b.Failure, engine.StatusFailed))
	case history.ActivityCanceled:
		x.activity(c, history.Run{}, ev.At, outcome{status: string(engine.StatusCanceled)})
	case history.TimerFired:
		x.command(c, ev.At, outcome{status: StatusFired})
	case history.TimerCanceled:
		x.command(c, ev.At, outcome{status: string(engine.StatusCanceled)})
	case history.ChildCompleted:
		x.command(c, ev.At, outcome{status: string(engine.StatusCompleted), result: b.Result})
	case history.ChildFailed:
		x.command(c, ev.At, failed(b.Failure, b.Status))
	case history.SignalDelivered:
		x.command(c, ev.At, outcome{status: StatusDelivered})
	case history.SignalFailed:
		x.command(c, ev.At, failed(b.Failure, engine.StatusFailed))
	}
	delete(x.open, c.Ref)
}

// outcome is how what a span stands for ended.
type outcome struct {
	status  string
	failure *engine.Failure
	result  engine.Payload
}

// failed is the outcome of what ended with f. A cancellation is no error.
func failed(f *engine.Failure, s engine.Status) outcome {
	switch {
	case s == engine.StatusCanceled || f != nil && errors.Is(f, engine.ErrCanceled):
		return outcome{status: string(engine.StatusCanceled)}
	case s == "":
		s = engine.StatusFailed
	}
	return outcome{status: string(s), failure: f}
}

// finish ends what is still open, for nothing comes of it any more, and then the
// workflow.
func (x *story) finish(ev history.Event) {
	for _, ref := range slices.Sorted(maps.Keys(x.open)) {
		c, o := x.open[ref], outcome{status: StatusAbandoned}
		if c.Kind() == history.KindActivityScheduled {
			x.activity(c, history.Run{}, ev.At, o)
		} else {
			x.command(c, ev.At, o)
		}
	}
	clear(x.open)
	if x.emit == nil {
		return
	}
	status, _ := history.FinalStatus(ev.Body)
	o := outcome{status: string(status)}
	b, _ := x.started.Body.(history.WorkflowStarted)
	s := &span{
		name: SpanWorkflow + " " + b.Workflow, kind: trace.SpanKindInternal, id: x.place.self.SpanID(), parent: x.place.parent,
		start: x.started.At, attrs: x.attrs(8), events: x.events, links: x.links,
	}
	s.attrs = append(s.attrs, AttrQueue.String(string(b.Queue.OrDefault())), AttrWorker.String(x.task.Worker), AttrBuild.String(x.task.Build))
	switch b := ev.Body.(type) { //nolint:gochecksumtype // the others say no more than the status
	case history.WorkflowCompleted:
		o.result = b.Result
	case history.WorkflowFailed:
		o.failure = b.Failure
	case history.WorkflowTerminated:
		o.failure = engine.Sentinels(nil).Failure(engine.ErrTerminated)
		if b.Reason != "" {
			o.failure.Message = b.Reason
		}
	case history.WorkflowContinuedAsNew:
		s.attrs = append(s.attrs, AttrContinued.String(b.NewExecution))
	}
	if x.leftEvents > 0 {
		s.attrs = append(s.attrs, AttrLeftEvents.Int64(x.leftEvents))
	}
	if x.leftLinks > 0 {
		s.attrs = append(s.attrs, AttrLeftLinks.Int64(x.leftLinks))
	}
	x.payloads(s, SpanWorkflow, b.Workflow, b.Args, o.result)
	x.emit(s.over(ev.At, o))
}

// activity emits an activity that is over. Without an attempt in r nobody knows what
// came of the one that may be running: spans of the function have it as a parent, so
// it is there, and ends with the activity.
func (x *story) activity(c *command, r history.Run, at time.Time, o outcome) {
	b, _ := c.Body.(history.ActivityScheduled)
	if r.Attempt == 0 {
		r.Attempt = c.attempt
		if o.failure != nil {
			o.status = StatusTimedOut
		}
		never := o.failure != nil && c.attempt == 1 && b.Timeouts.ScheduleToStart > 0 && at.Equal(c.At.Add(b.Timeouts.ScheduleToStart))
		if never || !at.After(c.ready) { // nobody could begin it
			r.Attempt = 0
		}
	}
	if r.Attempt > 0 {
		x.attempt(c, r, at, o)
	}
	if x.emit == nil {
		return
	}
	s := x.span(c, SpanActivity+" "+b.Name, trace.SpanKindInternal, 7, b.Site)
	s.attrs = append(s.attrs, AttrActivity.String(b.Name), AttrAttempts.Int(c.attempt-1))
	if b.Queue != "" {
		s.attrs = append(s.attrs, AttrQueue.String(string(b.Queue)))
	}
	x.payloads(s, SpanActivity, b.Name, b.Args, o.result)
	x.emit(s.over(at, o))
}

// attempt emits one attempt of an activity. Of one that ended twice, because a lease
// ran out under it, the first end counts.
func (x *story) attempt(c *command, r history.Run, at time.Time, o outcome) {
	if r.Attempt < c.attempt {
		return
	}
	c.attempt = r.Attempt + 1
	if x.emit == nil {
		return
	}
	b, _ := c.Body.(history.ActivityScheduled)
	s := &span{
		name: SpanAttempt, kind: trace.SpanKindConsumer, id: attemptID(x.instance.ExecutionID, c.Ref, r.Attempt),
		parent: x.place.self.WithSpanID(commandID(x.instance.ExecutionID, c.Ref)), start: r.Started, attrs: x.attrs(7),
	}
	s.attrs = append(s.attrs, AttrActivity.String(b.Name), AttrAttempt.Int(r.Attempt))
	if r.Started.IsZero() {
		s.start = c.ready
	} else {
		s.attrs = append(s.attrs, AttrQueueWait.Float64(max(0, r.Started.Sub(c.ready)).Seconds()))
	}
	if r.Worker != "" {
		s.attrs = append(s.attrs, AttrWorker.String(r.Worker))
	}
	if r.Build != "" {
		s.attrs = append(s.attrs, AttrBuild.String(r.Build))
	}
	x.emit(s.over(at, o))
}

// command emits a timer, child or signal that is over.
func (x *story) command(c *command, at time.Time, o outcome) {
	if x.emit == nil {
		return
	}
	var s *span
	switch b := c.Body.(type) {
	case history.TimerScheduled:
		name := SpanTimer
		if b.Name != "" {
			name += " " + b.Name
		}
		s = x.span(c, name, trace.SpanKindInternal, 5, b.Site)
		if b.Name != "" {
			s.attrs = append(s.attrs, AttrTimer.String(b.Name))
		}
	case history.ChildScheduled:
		s = x.span(c, SpanChild+" "+b.Workflow, trace.SpanKindInternal, 6, b.Site)
		s.attrs = append(s.attrs, AttrChild.String(b.Workflow), AttrChildID.String(b.Instance.InstanceID))
		x.payloads(s, SpanChild, b.Workflow, b.Args, o.result)
	case history.SignalSent:
		s = x.span(c, SpanSignal+" "+b.Name, trace.SpanKindProducer, 6, b.Site)
		s.attrs = append(s.attrs, AttrSignal.String(b.Name), AttrTarget.String(b.InstanceID))
		x.payloads(s, SpanSignal, b.Name, []engine.Payload{b.Arg}, nil)
	default:
		return
	}
	x.emit(s.over(at, o))
}

// payloads adds what may be seen of arguments and a result.
func (x *story) payloads(s *span, kind, name string, args []engine.Payload, result engine.Payload) {
	if x.show == nil {
		return
	}
	shown := make([]string, 0, len(args))
	for _, arg := range args {
		shown = append(shown, x.show(Payload{Span: kind, Name: name, Key: AttrArgs, Data: arg}))
	}
	if slices.ContainsFunc(shown, func(v string) bool { return v != "" }) {
		s.attrs = append(s.attrs, AttrArgs.StringSlice(shown))
	}
	if result == nil {
		return
	}
	if v := x.show(Payload{Span: kind, Name: name, Key: AttrResult, Data: result}); v != "" {
		s.attrs = append(s.attrs, AttrResult.String(v))
	}
}

// span is the beginning of a span for a command, with room for n attributes besides
// those of the site.
func (x *story) span(c *command, name string, kind trace.SpanKind, n int, site history.Site) *span {
	s := &span{
		name: name, kind: kind, id: commandID(x.instance.ExecutionID, c.Ref), parent: x.place.self, start: c.At, attrs: x.attrs(n + 3),
	}
	s.attrs = append(s.attrs, AttrSeq.Int64(c.Seq))
	if !site.IsZero() {
		s.attrs = append(s.attrs, attrFunction.String(site.Function), attrFile.String(site.File), attrLine.Int(site.Line))
	}
	return s
}

// attrs returns the common attributes, with room for n more, in memory that the next
// call uses again.
func (x *story) attrs(n int) []attribute.KeyValue {
	x.room = append(slices.Grow(x.room[:0], len(x.common)+n), x.common...)
	return x.room
}

// over ends s. Clocks of two machines may disagree; no span ends before it began.
func (s *span) over(at time.Time, o outcome) *span {
	s.end = at
	if at.Before(s.start) {
		s.end = s.start
	}
	s.attrs = append(s.attrs, AttrStatus.String(o.status))
	if f := o.failure; f != nil {
		s.failed, s.message = true, cut(f.Message)
		s.attrs = append(s.attrs, attrErrorType.String(errorType(f)))
	}
	return s
}

// errorType is what errors are grouped by: the code of a sentinel, or else the Go type.
func errorType(f *engine.Failure) string {
	for link := f; link != nil; {
		if link.Code != "" {
			return link.Code
		}
		if len(link.Causes) == 0 {
			break
		}
		link = link.Causes[0]
	}
	return cmp.Or(f.Type, "_OTHER")
}

// maxMessage is how much of an error message a status has.
const maxMessage = 1 << 10

func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
