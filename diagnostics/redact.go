package diagnostics

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Redact returns b without values. Payloads are replaced by their shape, length and
// hash; messages and stacks of failures, reasons, tags, headers, trace states and what
// an operator dropped by their length and hash. The hashes are keyed by a secret that
// is made for this call and forgotten: values that are equal in the bundle can be seen
// to be so, and nobody can find out a value by trying.
//
// What remains are ids of instances and traces, names of workflows, activities,
// signals, queues and JSON members, types and codes of errors, times, workers, builds
// and call sites. A member of a JSON object whose name is no identifier counts as a
// value.
func Redact(b Bundle) Bundle {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return redactor{key: key, sealed: b.Codec != ""}.bundle(b)
}

type redactor struct {
	key    []byte
	sealed bool // payloads are opaque
}

func (r redactor) bundle(b Bundle) Bundle {
	b.Redacted = true
	b.Events = slices.Clone(b.Events)
	for i := range b.Events {
		b.Events[i].Body = r.body(b.Events[i].Body)
	}
	return b
}

// body names every kind of event: a new one is not written to a file that is
// promised to hold no values before somebody has thought about it.
func (r redactor) body(b history.Body) history.Body {
	switch b := b.(type) {
	case history.WorkflowStarted:
		b.Args, b.Tags, b.Headers, b.Trace = r.payloads(b.Args), r.texts(b.Tags), r.texts(b.Headers), r.trace(b.Trace)
		b.Signals = slices.Clone(b.Signals)
		for i := range b.Signals {
			b.Signals[i].Arg = r.payload(b.Signals[i].Arg)
		}
		return b
	case history.SignalReceived:
		b.Arg, b.Headers, b.Trace = r.payload(b.Arg), r.texts(b.Headers), r.trace(b.Trace)
		return b
	case history.EventDropped:
		b.Event, b.Reason = history.Encoded(r.payload(engine.Payload(b.Event))), r.text(b.Reason)
		return b
	case history.CancelRequested:
		b.Reason = r.text(b.Reason)
		return b
	case history.WorkflowTerminated:
		b.Reason = r.text(b.Reason)
		return b
	case history.ActivityScheduled, history.ChildScheduled, history.SignalSent, history.SideEffectRecorded,
		history.MutableSideEffectRecorded, history.WorkflowContinuedAsNew:
		return r.command(b)
	case history.WorkflowCompleted, history.WorkflowFailed, history.WorkflowCanceled, history.ActivityCompleted,
		history.ActivityFailed, history.ActivityAttemptFailed, history.ChildCompleted, history.ChildFailed, history.SignalFailed:
		return r.outcome(b)
	case history.TaskStarted, history.WorkflowTimedOut, history.ActivityCanceled, history.TimerScheduled, history.TimerCanceled,
		history.ChildCancelRequested, history.VersionMarked, history.TimerFired, history.SignalDelivered:
		return b
	}
	return nil
}

func (r redactor) command(b history.Body) history.Body {
	switch b := b.(type) { //nolint:gochecksumtype // those that body passes on
	case history.ActivityScheduled:
		b.Args, b.Headers, b.Trace = r.payloads(b.Args), r.texts(b.Headers), r.trace(b.Trace)
		return b
	case history.ChildScheduled:
		b.Args, b.Headers, b.Trace = r.payloads(b.Args), r.texts(b.Headers), r.trace(b.Trace)
		return b
	case history.SignalSent:
		b.Arg, b.Headers, b.Trace = r.payload(b.Arg), r.texts(b.Headers), r.trace(b.Trace)
		return b
	case history.SideEffectRecorded:
		b.Value, b.Failure = r.payload(b.Value), r.failure(b.Failure)
		return b
	case history.MutableSideEffectRecorded:
		b.Value, b.Failure = r.payload(b.Value), r.failure(b.Failure)
		return b
	case history.WorkflowContinuedAsNew:
		b.Args = r.payloads(b.Args)
		return b
	}
	return nil
}

func (r redactor) outcome(b history.Body) history.Body {
	switch b := b.(type) { //nolint:gochecksumtype // those that body passes on
	case history.WorkflowCompleted:
		b.Result = r.payload(b.Result)
		return b
	case history.WorkflowFailed:
		b.Failure = r.failure(b.Failure)
		return b
	case history.WorkflowCanceled:
		b.Failure = r.failure(b.Failure)
		return b
	case history.ActivityCompleted:
		b.Result = r.payload(b.Result)
		return b
	case history.ActivityFailed:
		b.Failure = r.failure(b.Failure)
		return b
	case history.ActivityAttemptFailed:
		b.Failure = r.failure(b.Failure)
		return b
	case history.ChildCompleted:
		b.Result = r.payload(b.Result)
		return b
	case history.ChildFailed:
		b.Failure = r.failure(b.Failure)
		return b
	case history.SignalFailed:
		b.Failure = r.failure(b.Failure)
		return b
	}
	return nil
}

func (r redactor) payloads(ps []engine.Payload) []engine.Payload {
	if ps == nil {
		return nil
	}
	out := make([]engine.Payload, len(ps))
	for i, p := range ps {
		out[i] = r.payload(p)
	}
	return out
}

// redacted is what stands for a payload.
type redacted struct {
	Bytes int    `json:"bytes"`
	Hash  string `json:"hash"`
	Shape any    `json:"shape,omitempty"`
}

func (r redactor) payload(p engine.Payload) engine.Payload {
	if p == nil {
		return nil
	}
	v := redacted{Bytes: len(p), Hash: r.hash(p)}
	var plain any
	if !r.sealed && json.Unmarshal(p, &plain) == nil {
		v.Shape = r.shape(plain)
	}
	out, err := json.Marshal(map[string]redacted{"$redacted": v})
	if err != nil {
		return engine.Payload(`{"$redacted":{}}`)
	}
	return out
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,39}$`)

// shape is a value with the types of its parts in the place of these. Of the items
// of an array only different ones are kept: their number is a value.
func (r redactor) shape(v any) any {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return r.items(v)
	case map[string]any:
		members := make(map[string]any, len(v))
		for k, m := range v {
			if !identifier.MatchString(k) {
				k = "hash:" + r.hash([]byte(k))
			}
			members[k] = r.shape(m)
		}
		return members
	}
	return "unknown"
}

func (r redactor) items(items []any) []any {
	kinds := []any{}
	seen := map[string]bool{}
	for _, item := range items {
		s := r.shape(item)
		text, err := json.Marshal(s)
		if err != nil || seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		kinds = append(kinds, s)
	}
	return kinds
}

func (r redactor) hash(b []byte) string {
	m := hmac.New(sha256.New, r.key)
	_, _ = m.Write(b) // never fails
	return hex.EncodeToString(m.Sum(nil)[:8])
}

func (r redactor) text(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("redacted: %d bytes, %s", len(s), r.hash([]byte(s)))
}

func (r redactor) texts(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = r.text(v)
	}
	return out
}

// trace keeps the ids and not the state, in which every system on the way may have put
// what it likes.
func (r redactor) trace(t history.Trace) history.Trace {
	t.State = r.text(t.State)
	return t
}

func (r redactor) failure(f *engine.Failure) *engine.Failure {
	if f == nil {
		return nil
	}
	c := engine.Failure{
		Type: f.Type, Code: f.Code, Permanent: f.Permanent, Panic: f.Panic,
		Message: r.text(f.Message), StackTrace: r.text(f.StackTrace),
	}
	for _, cause := range f.Causes {
		c.Causes = append(c.Causes, r.failure(cause))
	}
	return &c
}
