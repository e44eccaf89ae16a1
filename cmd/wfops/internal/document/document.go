// Package document is the JSON that the console writes: versioned, in snake_case, with
// times in UTC, durations in milliseconds, ids as texts, and nothing cut or escaped
// for eyes. A document names its schema; fields are only ever added to one.
package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// The schemas.
const (
	SchemaInstance = "wfops.instance/v1"
	SchemaDetail   = "wfops.detail/v1"
	SchemaEvent    = "wfops.event/v1"
	SchemaQueue    = "wfops.queue/v1"
	SchemaWorker   = "wfops.worker/v1"
	SchemaHealth   = "wfops.health/v1"
	SchemaCounts   = "wfops.counts/v1"
	SchemaTree     = "wfops.tree/v1"
	SchemaOutcome  = "wfops.outcome/v1"
	SchemaError    = "wfops.error/v1"
	SchemaList     = "wfops.list/v1"
	SchemaChange   = "wfops.change/v1"
	SchemaTrace    = "wfops.trace/v1"
	SchemaReplay   = "wfops.replay/v1"
	SchemaReplays  = "wfops.replays/v1"
	SchemaDiff     = "wfops.diff/v1"
	SchemaTimeline = "wfops.timeline/v1"
)

// Instance is the form of an execution.
type Instance struct {
	Schema         string            `json:"schema,omitempty"`
	InstanceID     string            `json:"instance_id"`
	ExecutionID    string            `json:"execution_id"`
	FirstExecution string            `json:"first_execution,omitempty"`
	Workflow       string            `json:"workflow"`
	Queue          string            `json:"queue"`
	Status         string            `json:"status"`
	Paused         bool              `json:"paused"`
	BlockClass     string            `json:"block_class,omitempty"`
	Block          json.RawMessage   `json:"block,omitempty"`
	BlockedBuilds  []string          `json:"blocked_builds,omitempty"`
	Waiting        *engine.Waiting   `json:"waiting,omitempty"`
	Note           *engine.Note      `json:"note,omitempty"`
	StatusLine     string            `json:"status_line,omitempty"`
	LastError      string            `json:"last_error,omitempty"`
	Attempt        int               `json:"attempt"`
	Created        time.Time         `json:"created"`
	Updated        time.Time         `json:"updated"`
	Finished       time.Time         `json:"finished,omitzero"`
	HistoryEvents  int64             `json:"history_events"`
	HistoryBytes   int64             `json:"history_bytes"`
	Local          int               `json:"local_activities,omitempty"`
	Worker         string            `json:"worker,omitempty"`
	Build          string            `json:"build,omitempty"`
	Parent         *engine.Instance  `json:"parent,omitempty"`
	TraceID        string            `json:"trace_id,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	Unread         int               `json:"unread,omitempty"`
}

// OfInstance returns the form of s.
func OfInstance(s *backend.Summary) Instance {
	return Instance{
		Schema: SchemaInstance, InstanceID: s.Instance.InstanceID, ExecutionID: s.Instance.ExecutionID, FirstExecution: s.FirstExecution,
		Workflow: s.Workflow, Queue: string(s.Queue), Status: string(s.Status), Paused: s.Paused,
		BlockClass: s.BlockClass, Block: raw(s.Block), BlockedBuilds: s.BlockedBuilds, Waiting: inUTC(s.Waiting), Note: s.Note,
		StatusLine: s.StatusLine, LastError: s.LastError, Attempt: s.Attempt,
		Created: s.Created.UTC(), Updated: s.Updated.UTC(), Finished: utc(s.Finished),
		HistoryEvents: s.HistoryLength, HistoryBytes: s.HistoryBytes, Local: s.Local, Worker: s.Worker, Build: s.Build,
		Parent: s.Parent, TraceID: s.TraceID, Tags: s.Tags, Unread: s.Unread,
	}
}

func inUTC(w *engine.Waiting) *engine.Waiting {
	if w == nil {
		return nil
	}
	c := *w
	c.Since, c.Until, c.Next = utc(c.Since), utc(c.Until), utc(c.Next)
	return &c
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// raw returns bytes that are JSON as they are, and others the way histories keep
// payloads.
func raw(b []byte) json.RawMessage {
	switch {
	case b == nil:
		return nil
	case json.Valid(b) && utf8.Valid(b) && !isWrapped(b):
		return b
	}
	wrapped, err := json.Marshal(map[string][]byte{"$bytes": b})
	if err != nil {
		return nil // a map of bytes always encodes
	}
	return wrapped
}

// isWrapped reports whether JSON looks like what stands for other bytes, and so has to
// be told apart from it.
func isWrapped(b []byte) bool {
	if !bytes.Contains(b, []byte("bytes")) {
		return false
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal(b, &members)
	return err == nil && len(members) == 1 && members["$bytes"] != nil
}

// Event is the form of an event: the wire format of histories, with its number.
type Event struct {
	Schema string          `json:"schema,omitempty"`
	Seq    int64           `json:"seq,omitempty"`
	Kind   string          `json:"kind"`
	At     time.Time       `json:"at"`
	Ref    int64           `json:"ref,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// OfEvent returns the form of e.
func OfEvent(e history.Event) (Event, error) {
	encoded, err := history.Encode(e)
	if err != nil {
		return Event{}, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	return ofEncoded(encoded, e.Seq)
}

func ofEncoded(encoded history.Encoded, seq int64) (Event, error) {
	var one []Event
	if err := json.Unmarshal(encoded, &one); err != nil || len(one) != 1 {
		return Event{}, fmt.Errorf("event %d is not one in wire format: %w", seq, err)
	}
	one[0].Schema, one[0].Seq = SchemaEvent, seq
	return one[0], nil
}

// Queue is the form of a queue.
type Queue struct {
	Schema       string    `json:"schema,omitempty"`
	Queue        string    `json:"queue"`
	Kind         string    `json:"kind"`
	Ready        int64     `json:"ready"`
	Leased       int64     `json:"leased"`
	Delayed      int64     `json:"delayed"`
	OldestReady  time.Time `json:"oldest_ready,omitzero"`
	OldestWaitMS int64     `json:"oldest_wait_ms,omitempty"`
	Workers      int       `json:"workers"`
	SlotsUsed    int       `json:"slots_used"`
	Slots        int       `json:"slots"`
}

// OfQueue returns the form of q.
func OfQueue(q ops.Queue, now time.Time) Queue {
	d := Queue{
		Schema: SchemaQueue, Queue: string(q.Queue), Kind: string(q.Kind), Ready: q.Ready, Leased: q.Leased, Delayed: q.Delayed,
		OldestReady: utc(q.OldestReady), Workers: q.Workers, SlotsUsed: q.Used, Slots: q.Slots,
	}
	if !q.OldestReady.IsZero() {
		d.OldestWaitMS = now.Sub(q.OldestReady).Milliseconds()
	}
	return d
}

// Worker is the form of a worker.
type Worker struct {
	Schema         string         `json:"schema,omitempty"`
	ID             string         `json:"worker"`
	Host           string         `json:"host"`
	PID            int            `json:"pid"`
	Build          string         `json:"build"`
	VCS            string         `json:"revision,omitempty"`
	Queues         []engine.Queue `json:"queues"`
	Workflows      []string       `json:"workflows"`
	Activities     []string       `json:"activities"`
	WorkflowsUsed  int            `json:"workflows_used"`
	WorkflowSlots  int            `json:"workflow_slots"`
	ActivitiesUsed int            `json:"activities_used"`
	ActivitySlots  int            `json:"activity_slots"`
	Leases         int            `json:"leases"`
	Warm           int            `json:"warm"`
	Started        time.Time      `json:"started"`
	Seen           time.Time      `json:"seen"`
	SeenMS         int64          `json:"seen_ms"`
	Lost           bool           `json:"lost"`
	Unhealthy      string         `json:"unhealthy,omitempty"`
}

// OfWorker returns the form of w.
func OfWorker(w ops.Worker, now time.Time) Worker {
	return Worker{
		Schema: SchemaWorker, ID: w.ID, Host: w.Host, PID: w.PID, Build: w.Build, VCS: w.VCS,
		Queues: filled(w.Queues), Workflows: filled(w.Workflows), Activities: filled(w.Activities),
		WorkflowsUsed: w.WorkflowsUsed, WorkflowSlots: w.WorkflowSlots, ActivitiesUsed: w.ActivitiesUsed, ActivitySlots: w.ActivitySlots,
		Leases: w.Leases, Warm: w.Warm, Started: w.Started.UTC(), Seen: w.Seen.UTC(), SeenMS: now.Sub(w.Seen).Milliseconds(), Lost: w.Lost, Unhealthy: w.Unhealthy,
	}
}

// filled makes an empty list of a missing one.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Counts is the form of a count.
type Counts struct {
	Schema   string                  `json:"schema"`
	ByStatus map[engine.Status]int64 `json:"by_status"`
	Total    int64                   `json:"total"`
	Scanned  int                     `json:"scanned,omitempty"`
	Capped   bool                    `json:"capped"`
}

// OfCounts returns the form of c.
func OfCounts(c ops.Counts) Counts {
	return Counts{Schema: SchemaCounts, ByStatus: c.ByStatus, Total: c.Total, Scanned: c.Scanned, Capped: c.Capped}
}

// Tree is the form of an execution with its children.
type Tree struct {
	Schema string `json:"schema,omitempty"`
	Instance

	Children []Tree `json:"children"`
	More     bool   `json:"more_children,omitempty"`
}

// OfTree returns the form of n.
func OfTree(n *ops.Node) Tree {
	t := ofNode(n)
	t.Schema = SchemaTree
	return t
}

func ofNode(n *ops.Node) Tree {
	t := Tree{Instance: OfInstance(&n.Summary), Children: []Tree{}, More: n.More}
	t.Instance.Schema = ""
	for _, child := range n.Children {
		t.Children = append(t.Children, ofNode(child))
	}
	return t
}

// Outcome is the form of what became of a change to one instance.
type Outcome struct {
	Schema      string `json:"schema,omitempty"`
	InstanceID  string `json:"instance_id"`
	ExecutionID string `json:"execution_id"`
	Action      string `json:"action"`
	Reason      string `json:"reason"`
	// ReasonKept tells that the store has it now: the instance's history, or its note.
	// Else this is the only place that it is in.
	ReasonKept bool   `json:"reason_kept"`
	Before     string `json:"status_before"`
	Done       bool   `json:"done"`
	DryRun     bool   `json:"dry_run,omitempty"`
	Error      string `json:"error,omitempty"`
}

// OfOutcome returns the form of o.
func OfOutcome(c ops.Change, o ops.Outcome, dryRun bool) Outcome {
	d := Outcome{
		Schema: SchemaOutcome, InstanceID: o.Instance.InstanceID, ExecutionID: o.Instance.ExecutionID, Action: string(c.Action), Reason: c.Reason,
		Before: string(o.Before), Done: o.Err == nil && !dryRun, DryRun: dryRun,
	}
	d.ReasonKept = d.Done && c.Action.KeepsReason()
	if o.Err != nil {
		d.Error = o.Err.Error()
	}
	return d
}

// Change is the form of how an instance of a list differs from the time before.
type Change struct {
	Schema string `json:"schema"`
	// Change is added, changed or gone.
	Change   string   `json:"change"`
	Instance Instance `json:"instance"`
}

// Error is the form of an error that ends a command.
type Error struct {
	Schema  string `json:"schema"`
	Exit    int    `json:"exit"`
	Message string `json:"message"`
	// Offset and Length, in bytes, point into Filter.
	Filter string `json:"filter,omitempty"`
	Offset *int   `json:"offset,omitempty"`
	Length *int   `json:"length,omitempty"`
}
