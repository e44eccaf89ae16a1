package telemetry

import (
	"errors"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// story turns the events of one execution into spans. It is a pure function of them,
// one event at a time: a worker tells it of each step, and a history is told at one
// go. So both come to the same spans. What an event is about is a span once it is
// over.
type story struct {
	instance engine.Instance
	place    place
	// local is the context of the workflow's span as that of this process.
	local trace.SpanContext
	// common begins the attributes of every span, which are in room.
	common, room []attribute.KeyValue

	// emit gets spans that are over; nil means that nobody wants them. A span, and its
	// attributes, are valid until the story makes the next one.
	emit func(*tracetest.SpanStub)
	made tracetest.SpanStub
	// show returns what may be seen of payloads; nil means nothing.
	show func(Payload) string

	started history.Event
	task    history.TaskStarted
	open    map[int64]*command
	events  []sdktrace.Event
	links   []sdktrace.Link
	// leftEvents and leftLinks count what there was no room for.
	leftEvents, leftLinks int64
}

// command is one that was asked for and is not over.
type command struct {
	history.Event

	id trace.SpanID
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
		instance: i, place: p, local: p.self.WithRemote(false), open: map[int64]*command{},
		common: []attribute.KeyValue{AttrWorkflow.String(workflow), AttrInstance.String(i.InstanceID), AttrExecution.String(i.ExecutionID)},
	}
	if p.previous.IsValid() {
		x.link(sdktrace.Link{SpanContext: p.previous, Attributes: []attribute.KeyValue{AttrLinkOf.String(linkPrevious)}})
	}
	return x
}

// take takes in the next event, and emits the spans that are over by it, children
// before parents.
func (x *story) take(ev history.Event) {
	switch history.ClassOf(ev.Body) {
	case history.ClassCommand:
		if history.KindSideEffectRecorded != ev.Kind() && history.KindMutableSideEffect != ev.Kind() {
			x.open[ev.Ref] = &command{Event: ev, id: commandID(x.instance.ExecutionID, ev.Ref), attempt: 1, ready: ev.At}
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
		x.event(sdktrace.Event{Name: EventCancel, Time: ev.At, Attributes: attrs})
	case history.SignalReceived:
		x.event(sdktrace.Event{Name: EventSignal, Time: ev.At, Attributes: []attribute.KeyValue{AttrSignal.String(b.Name), AttrSeq.Int64(ev.Seq)}})
		if c := parse(b.Trace); c.IsSampled() { // another one leads nowhere
			x.link(sdktrace.Link{SpanContext: c, Attributes: []attribute.KeyValue{AttrLinkOf.String(linkSignal), AttrSignal.String(b.Name)}})
		}
	}
}

func (x *story) event(e sdktrace.Event) {
	if len(x.events) == limit {
		x.leftEvents++
		return
	}
	x.events = append(x.events, e)
}

func (x *story) link(l sdktrace.Link) {
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
	s := x.begin(SpanWorkflow+" "+b.Workflow, trace.SpanKindInternal, x.place.self.SpanID(), x.started.At, 8)
	s.Parent, s.Events, s.Links = x.place.parent, x.events, x.links
	s.Attributes = append(s.Attributes, AttrQueue.String(string(b.Queue.OrDefault())), AttrWorker.String(x.task.Worker), AttrBuild.String(x.task.Build))
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
		s.Attributes = append(s.Attributes, AttrContinued.String(b.NewExecution))
	}
	if x.leftEvents > 0 {
		s.Attributes = append(s.Attributes, AttrLeftEvents.Int64(x.leftEvents))
	}
	if x.leftLinks > 0 {
		s.Attributes = append(s.Attributes, AttrLeftLinks.Int64(x.leftLinks))
	}
	x.payloads(s, SpanWorkflow, b.Workflow, b.Args, o.result)
	x.over(s, ev.At, o)
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
	s := x.span(c, SpanActivity+" "+b.Name, trace.SpanKindInternal, 7, &b.Site)
	s.Attributes = append(s.Attributes, AttrActivity.String(b.Name), AttrAttempts.Int(c.attempt-1))
	if b.Queue != "" {
		s.Attributes = append(s.Attributes, AttrQueue.String(string(b.Queue)))
	}
	x.payloads(s, SpanActivity, b.Name, b.Args, o.result)
	x.over(s, at, o)
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
	s := x.begin(SpanAttempt, trace.SpanKindConsumer, attemptID(x.instance.ExecutionID, c.Ref, r.Attempt), r.Started, 7)
	s.Parent = x.place.self.WithSpanID(c.id)
	s.Attributes = append(s.Attributes, AttrActivity.String(b.Name), AttrAttempt.Int(r.Attempt))
	if r.Started.IsZero() {
		s.StartTime = c.ready
	} else {
		s.Attributes = append(s.Attributes, AttrQueueWait.Float64(max(0, r.Started.Sub(c.ready)).Seconds()))
	}
	if r.Worker != "" {
		s.Attributes = append(s.Attributes, AttrWorker.String(r.Worker))
	}
	if r.Build != "" {
		s.Attributes = append(s.Attributes, AttrBuild.String(r.Build))
	}
	x.over(s, at, o)
}

// command emits a timer, child or signal that is over.
func (x *story) command(c *command, at time.Time, o outcome) {
	if x.emit == nil {
		return
	}
	var s *tracetest.SpanStub
	switch b := c.Body.(type) {
	case history.TimerScheduled:
		name := SpanTimer
		if b.Name != "" {
			name += " " + b.Name
		}
		s = x.span(c, name, trace.SpanKindInternal, 5, &b.Site)
		if b.Name != "" {
			s.Attributes = append(s.Attributes, AttrTimer.String(b.Name))
		}
	case history.ChildScheduled:
		s = x.span(c, SpanChild+" "+b.Workflow, trace.SpanKindInternal, 6, &b.Site)
		s.Attributes = append(s.Attributes, AttrChild.String(b.Workflow), AttrChildID.String(b.Instance.InstanceID))
		x.payloads(s, SpanChild, b.Workflow, b.Args, o.result)
	case history.SignalSent:
		s = x.span(c, SpanSignal+" "+b.Name, trace.SpanKindProducer, 6, &b.Site)
		s.Attributes = append(s.Attributes, AttrSignal.String(b.Name), AttrTarget.String(b.InstanceID))
		x.payloads(s, SpanSignal, b.Name, []engine.Payload{b.Arg}, nil)
	default:
		return
	}
	x.over(s, at, o)
}
