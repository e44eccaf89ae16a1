// Package engine holds the words every other package speaks: instances and
// their status, queues, payloads, failures, retry policies and the sentinel
// errors. It imports the standard library only, and does no I/O.
//
// Authors of workflows rarely import it; engine/workflow, engine/activity and
// client re-export what they need.
package engine
