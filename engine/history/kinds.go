package history

import "sync"

// Every body has one list of fields, in fields.go, which drives both
// directions. The methods here tie the bodies to their kinds and lists.

// readers decode the body of a kind, from its list of fields.
var readers = map[Kind]func(*coder) Body{
	KindWorkflowStarted:        read[WorkflowStarted](),
	KindTaskStarted:            read[TaskStarted](),
	KindSignalReceived:         read[SignalReceived](),
	KindEventDropped:           read[EventDropped](),
	KindCancelRequested:        read[CancelRequested](),
	KindWorkflowTimedOut:       read[WorkflowTimedOut](),
	KindWorkflowCompleted:      read[WorkflowCompleted](),
	KindWorkflowFailed:         read[WorkflowFailed](),
	KindWorkflowCanceled:       read[WorkflowCanceled](),
	KindWorkflowTerminated:     read[WorkflowTerminated](),
	KindWorkflowContinuedAsNew: read[WorkflowContinuedAsNew](),
	KindActivityScheduled:      read[ActivityScheduled](),
	KindActivityCanceled:       read[ActivityCanceled](),
	KindTimerScheduled:         read[TimerScheduled](),
	KindTimerCanceled:          read[TimerCanceled](),
	KindChildScheduled:         read[ChildScheduled](),
	KindChildCancelRequested:   read[ChildCancelRequested](),
	KindSignalSent:             read[SignalSent](),
	KindSideEffectRecorded:     read[SideEffectRecorded](),
	KindMutableSideEffect:      read[MutableSideEffectRecorded](),
	KindVersionMarked:          read[VersionMarked](),
	KindActivityCompleted:      read[ActivityCompleted](),
	KindActivityFailed:         read[ActivityFailed](),
	KindActivityAttemptFailed:  read[ActivityAttemptFailed](),
	KindTimerFired:             read[TimerFired](),
	KindChildCompleted:         read[ChildCompleted](),
	KindChildFailed:            read[ChildFailed](),
	KindSignalDelivered:        read[SignalDelivered](),
	KindSignalFailed:           read[SignalFailed](),
}

// fielder is a pointer to a body of type T.
type fielder[T any] interface {
	*T
	fields(c *coder)
}

// read returns the reader of a type. It reads into memory that is used again: what
// goes into a Body is a copy anyhow.
func read[T Body, P fielder[T]]() func(*coder) Body {
	pool := sync.Pool{New: func() any { return new(T) }}
	var zero T
	return func(c *coder) Body {
		b := pool.Get().(*T) //nolint:errcheck // the pool holds nothing else
		if f, ok := c.open(); ok {
			for c.visit() {
				P(b).fields(c)
			}
			c.close(f)
		}
		var body Body = *b
		*b = zero
		pool.Put(b)
		return body
	}
}

// Kind implements Body.
func (WorkflowStarted) Kind() Kind { return KindWorkflowStarted }

// Kind implements Body.
func (TaskStarted) Kind() Kind { return KindTaskStarted }

// Kind implements Body.
func (SignalReceived) Kind() Kind { return KindSignalReceived }

// Kind implements Body.
func (EventDropped) Kind() Kind { return KindEventDropped }

// Kind implements Body.
func (CancelRequested) Kind() Kind { return KindCancelRequested }

// Kind implements Body.
func (WorkflowTimedOut) Kind() Kind { return KindWorkflowTimedOut }

// Kind implements Body.
func (WorkflowCompleted) Kind() Kind { return KindWorkflowCompleted }

// Kind implements Body.
func (WorkflowFailed) Kind() Kind { return KindWorkflowFailed }

// Kind implements Body.
func (WorkflowCanceled) Kind() Kind { return KindWorkflowCanceled }

// Kind implements Body.
func (WorkflowTerminated) Kind() Kind { return KindWorkflowTerminated }

// Kind implements Body.
func (WorkflowContinuedAsNew) Kind() Kind { return KindWorkflowContinuedAsNew }

// Kind implements Body.
func (ActivityScheduled) Kind() Kind { return KindActivityScheduled }

// Kind implements Body.
func (ActivityCanceled) Kind() Kind { return KindActivityCanceled }

// Kind implements Body.
func (TimerScheduled) Kind() Kind { return KindTimerScheduled }

// Kind implements Body.
func (TimerCanceled) Kind() Kind { return KindTimerCanceled }

// Kind implements Body.
func (ChildScheduled) Kind() Kind { return KindChildScheduled }

// Kind implements Body.
func (ChildCancelRequested) Kind() Kind { return KindChildCancelRequested }

// Kind implements Body.
func (SignalSent) Kind() Kind { return KindSignalSent }

// Kind implements Body.
func (SideEffectRecorded) Kind() Kind { return KindSideEffectRecorded }

// Kind implements Body.
func (MutableSideEffectRecorded) Kind() Kind { return KindMutableSideEffect }

// Kind implements Body.
func (VersionMarked) Kind() Kind { return KindVersionMarked }

// Kind implements Body.
func (ActivityCompleted) Kind() Kind { return KindActivityCompleted }

// Kind implements Body.
func (ActivityFailed) Kind() Kind { return KindActivityFailed }

// Kind implements Body.
func (ActivityAttemptFailed) Kind() Kind { return KindActivityAttemptFailed }

// Kind implements Body.
func (TimerFired) Kind() Kind { return KindTimerFired }

// Kind implements Body.
func (ChildCompleted) Kind() Kind { return KindChildCompleted }

// Kind implements Body.
func (ChildFailed) Kind() Kind { return KindChildFailed }

// Kind implements Body.
func (SignalDelivered) Kind() Kind { return KindSignalDelivered }

// Kind implements Body.
func (SignalFailed) Kind() Kind { return KindSignalFailed }

func (b WorkflowStarted) encode(c *coder)           { b.fields(c) }
func (b TaskStarted) encode(c *coder)               { b.fields(c) }
func (b SignalReceived) encode(c *coder)            { b.fields(c) }
func (b EventDropped) encode(c *coder)              { b.fields(c) }
func (b CancelRequested) encode(c *coder)           { b.fields(c) }
func (b WorkflowTimedOut) encode(c *coder)          { b.fields(c) }
func (b WorkflowCompleted) encode(c *coder)         { b.fields(c) }
func (b WorkflowFailed) encode(c *coder)            { b.fields(c) }
func (b WorkflowCanceled) encode(c *coder)          { b.fields(c) }
func (b WorkflowTerminated) encode(c *coder)        { b.fields(c) }
func (b WorkflowContinuedAsNew) encode(c *coder)    { b.fields(c) }
func (b ActivityScheduled) encode(c *coder)         { b.fields(c) }
func (b ActivityCanceled) encode(c *coder)          { b.fields(c) }
func (b TimerScheduled) encode(c *coder)            { b.fields(c) }
func (b TimerCanceled) encode(c *coder)             { b.fields(c) }
func (b ChildScheduled) encode(c *coder)            { b.fields(c) }
func (b ChildCancelRequested) encode(c *coder)      { b.fields(c) }
func (b SignalSent) encode(c *coder)                { b.fields(c) }
func (b SideEffectRecorded) encode(c *coder)        { b.fields(c) }
func (b MutableSideEffectRecorded) encode(c *coder) { b.fields(c) }
func (b VersionMarked) encode(c *coder)             { b.fields(c) }
func (b ActivityCompleted) encode(c *coder)         { b.fields(c) }
func (b ActivityFailed) encode(c *coder)            { b.fields(c) }
func (b ActivityAttemptFailed) encode(c *coder)     { b.fields(c) }
func (b TimerFired) encode(c *coder)                { b.fields(c) }
func (b ChildCompleted) encode(c *coder)            { b.fields(c) }
func (b ChildFailed) encode(c *coder)               { b.fields(c) }
func (b SignalDelivered) encode(c *coder)           { b.fields(c) }
func (b SignalFailed) encode(c *coder)              { b.fields(c) }
