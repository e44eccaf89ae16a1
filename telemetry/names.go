package telemetry

import "go.opentelemetry.io/otel/attribute"

// Scope is the instrumentation scope of everything that this package emits.
const Scope = "github.com/wfops/wfops/telemetry"

// Names of spans. All but SpanAttempt and SpanTask are followed by the name of the
// workflow, activity, timer or signal.
const (
	SpanCreate   = "create"
	SpanWorkflow = "workflow"
	SpanTask     = "workflow_task"
	SpanActivity = "activity"
	SpanAttempt  = "attempt"
	SpanTimer    = "timer"
	SpanChild    = "child"
	SpanSignal   = "signal"
)

// Names of events on spans.
const (
	// EventSignal is on the span of the workflow that received a signal.
	EventSignal = "signal received"
	// EventCancel is on the span of a workflow that was asked to cancel.
	EventCancel = "cancel requested"
)

// Attributes of spans.
const (
	AttrWorkflow  = attribute.Key("wfops.workflow.name")
	AttrInstance  = attribute.Key("wfops.instance.id")
	AttrExecution = attribute.Key("wfops.execution.id")
	AttrQueue     = attribute.Key("wfops.queue")
	// AttrStatus is how what the span stands for ended: a status of an instance, or
	// one of the Status constants of this package.
	AttrStatus = attribute.Key("wfops.status")
	// AttrSeq is the sequence number of the event that began it.
	AttrSeq = attribute.Key("wfops.event.seq")

	AttrActivity = attribute.Key("wfops.activity.name")
	AttrAttempt  = attribute.Key("wfops.activity.attempt")
	// AttrAttempts is how many attempts an activity took.
	AttrAttempts = attribute.Key("wfops.activity.attempts")
	// AttrQueueWait is how long an attempt waited for a worker after it could have
	// begun, in seconds.
	AttrQueueWait = attribute.Key("wfops.activity.queue_wait")
	AttrWorker    = attribute.Key("wfops.worker.id")
	AttrBuild     = attribute.Key("wfops.build.id")

	AttrTimer      = attribute.Key("wfops.timer.name")
	AttrSignal     = attribute.Key("wfops.signal.name")
	AttrTarget     = attribute.Key("wfops.target.instance.id")
	AttrChild      = attribute.Key("wfops.child.workflow.name")
	AttrChildID    = attribute.Key("wfops.child.instance.id")
	AttrContinued  = attribute.Key("wfops.continued.execution.id")
	AttrLinkOf     = attribute.Key("wfops.link")
	AttrLeftEvents = attribute.Key("wfops.events.left_out")
	AttrLeftLinks  = attribute.Key("wfops.links.left_out")
	// AttrEvents is how many events a workflow task appended, AttrReplayed how many
	// it had to replay before.
	AttrEvents   = attribute.Key("wfops.task.events")
	AttrReplayed = attribute.Key("wfops.task.replayed")
	AttrReason   = attribute.Key("wfops.reason")
	// AttrArgs and AttrResult are what Options.Payloads shows of payloads.
	AttrArgs   = attribute.Key("wfops.args")
	AttrResult = attribute.Key("wfops.result")

	// These are OpenTelemetry's own.
	attrErrorType = attribute.Key("error.type")
	attrFile      = attribute.Key("code.file.path")
	attrLine      = attribute.Key("code.line.number")
	attrFunction  = attribute.Key("code.function.name")
)

// Values of AttrStatus that are no status of an instance.
const (
	// StatusFired: the time of a timer came.
	StatusFired = "fired"
	// StatusDelivered: a signal is in the inbox of its target.
	StatusDelivered = "delivered"
	// StatusAbandoned: the workflow ended first.
	StatusAbandoned = "abandoned"
	// StatusTimedOut: a timeout of an activity passed that no attempt of it met.
	StatusTimedOut = "timed_out"
)

// Values of AttrLinkOf.
const (
	linkSignal   = "signal"
	linkPrevious = "continued_from"
)

// Keys of log records.
const (
	logTrace = "trace_id"
	logSpan  = "span_id"
)

// Names of metrics. What each one says, its unit and its attributes are in metrics.go
// and docs/telemetry.md.
const (
	MetricCreated  = "wfops.instance.created"
	MetricFinished = "wfops.instance.finished"
	MetricBlocked  = "wfops.instance.blocked"
	MetricDuration = "wfops.instance.duration"
	// MetricParked is how many instances are blocked now; MetricBlocked counts how
	// often that happens.
	MetricParked = "wfops.instance.parked"

	MetricAttempts         = "wfops.activity.attempts"
	MetricActivityDuration = "wfops.activity.duration"
	MetricScheduleToStart  = "wfops.task.schedule_to_start"
	MetricTaskDuration     = "wfops.workflow_task.duration"
	MetricReplayed         = "wfops.replay.events"

	MetricNondeterminism  = "wfops.nondeterminism"
	MetricLeaseLost       = "wfops.lease.lost"
	MetricCommitConflicts = "wfops.commit.conflicts"
	MetricCommitDuration  = "wfops.commit.duration"
	MetricCommitSize      = "wfops.commit.size"
	MetricSpansDropped    = "wfops.span.dropped"

	MetricQueueDepth    = "wfops.queue.depth"
	MetricQueueAge      = "wfops.queue.age"
	MetricWorkers       = "wfops.worker.count"
	MetricSlots         = "wfops.worker.slots"
	MetricExecutors     = "wfops.worker.executors"
	MetricExecutorBytes = "wfops.worker.executors.size"
)

// Attributes of metrics, besides those of spans that hold names of things.
const (
	// AttrKind is "workflow" or "activity".
	AttrKind = attribute.Key("wfops.task.kind")
	// AttrState is one of a few states of a task in its queue, or of a slot.
	AttrState = attribute.Key("wfops.state")
	// AttrOutcome is what came of an attempt, of a difference, or of a span.
	AttrOutcome = attribute.Key("wfops.outcome")
	// AttrBlock is the class of a block, see engine.BlockClass.
	AttrBlock = attribute.Key("wfops.block.class")

	attrSystem    = attribute.Key("db.system.name")
	attrOperation = attribute.Key("db.operation.name")
)

// Values of AttrOutcome and AttrState.
const (
	OutcomeCompleted = "completed"
	OutcomeFailed    = "failed"
	// OutcomeRetried: the attempt failed, and another one follows.
	OutcomeRetried = "retried"
	// OutcomeBlocked and OutcomePassed are what becomes of code that differs from
	// history.
	OutcomeBlocked = "blocked"
	OutcomePassed  = "passed"

	// OutcomeRefused and OutcomeNoRoom are what becomes of spans that get nowhere.
	OutcomeRefused = "refused"
	OutcomeNoRoom  = "no_room"

	StateReady   = "ready"
	StateLeased  = "leased"
	StateDelayed = "delayed"
	StateUsed    = "used"
	StateFree    = "free"
)
