package workflow

import (
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Workflow is a workflow function, or the name under which one is registered.
type Workflow = any

// Activity is an activity function, a method of a registered struct, or the name
// under which one is registered.
type Activity = any

// Instance names one run of a workflow.
type Instance = engine.Instance

// Queue separates work: a worker claims only from the queues it serves.
type Queue = engine.Queue

// QueueDefault is the queue of an instance that was started without one.
const QueueDefault = engine.QueueDefault

// ParentClosePolicy says what becomes of a sub-workflow when its parent ends.
type ParentClosePolicy = history.ParentClosePolicy

// The parent-close policies.
const (
	ParentCloseCancel    = history.ParentCloseCancel
	ParentCloseTerminate = history.ParentCloseTerminate
	ParentCloseAbandon   = history.ParentCloseAbandon
)
