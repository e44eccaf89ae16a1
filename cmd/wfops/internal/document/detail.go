package document

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Detail is the form of an execution with what is pending of it.
type Detail struct {
	Instance

	Pending Pending `json:"pending"`
}

// OfDetail returns the form of d.
func OfDetail(d ops.Detail) Detail {
	form := Detail{Instance: OfInstance(&d.Summary), Pending: OfPending(d.Pending, d.StepName)}
	form.Schema = SchemaDetail
	return form
}

// Pending is the form of what an execution has outside of its history.
type Pending struct {
	Inbox      []Inbox    `json:"inbox"`
	Timers     []Timer    `json:"timers"`
	Activities []Activity `json:"activities"`
	Holder     string     `json:"holder,omitempty"`
	LeaseUntil time.Time  `json:"lease_until,omitzero"`
	ReadyAt    time.Time  `json:"ready_at,omitzero"`
}

// Inbox is an event that is not in history yet.
type Inbox struct {
	ID    string `json:"id"`
	Event any    `json:"event"`
}

// Timer is an event that comes in at its time.
type Timer struct {
	Ref int64 `json:"ref,omitempty"`
	// Name is that of the step that it belongs to, as far as it was looked for in the history.
	Name  string    `json:"name,omitempty"`
	Due   time.Time `json:"due"`
	Event any       `json:"event"`
}

// Activity is one that is not done.
type Activity struct {
	Ref        int64           `json:"ref"`
	Name       string          `json:"name"`
	Queue      string          `json:"queue"`
	Attempt    int             `json:"attempt"`
	Scheduled  time.Time       `json:"scheduled,omitzero"`
	ReadyAt    time.Time       `json:"ready_at,omitzero"`
	Started    time.Time       `json:"started,omitzero"`
	Holder     string          `json:"holder,omitempty"`
	LeaseUntil time.Time       `json:"lease_until,omitzero"`
	LastError  string          `json:"last_error,omitempty"`
	Details    json.RawMessage `json:"details,omitempty"`
}

// OfPending returns the form of p, with what the steps of commands are called.
func OfPending(p backend.Pending, name func(ref int64) string) Pending {
	form := Pending{
		Inbox: []Inbox{}, Timers: []Timer{}, Activities: []Activity{},
		Holder: p.Holder, LeaseUntil: utc(p.LeaseUntil), ReadyAt: utc(p.ReadyAt),
	}
	for _, in := range p.Inbox {
		form.Inbox = append(form.Inbox, Inbox{ID: strconv.FormatInt(in.ID, 10), Event: single(in.Event)})
	}
	for _, t := range p.Timers {
		form.Timers = append(form.Timers, Timer{Ref: t.Ref, Name: name(t.Ref), Due: utc(t.Due), Event: single(t.Event)})
	}
	for _, a := range p.Activities {
		form.Activities = append(form.Activities, Activity{
			Ref: a.Ref, Name: a.Name, Queue: string(a.Queue), Attempt: a.Attempt, Scheduled: utc(a.Scheduled), ReadyAt: utc(a.ReadyAt), Started: utc(a.Started),
			Holder: a.Holder, LeaseUntil: utc(a.LeaseUntil), LastError: a.LastError, Details: raw(a.Details),
		})
	}
	return form
}

// single returns the form of one event, or its bytes if it can't be read.
func single(encoded history.Encoded) any {
	form, err := ofEncoded(encoded, 0)
	if err != nil {
		return raw(encoded)
	}
	form.Schema = ""
	return form
}

// Health is the form of the state of a store.
type Health struct {
	Schema   string    `json:"schema"`
	Healthy  bool      `json:"healthy"`
	Blocked  int64     `json:"blocked"`
	Findings []Finding `json:"findings"`
	Store    Store     `json:"store"`
	Queues   []Queue   `json:"queues"`
	Workers  []Worker  `json:"workers"`
}

// Finding is something that an operator should know.
type Finding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Subject  string `json:"subject,omitempty"`
	Message  string `json:"message"`
	Advice   string `json:"advice,omitempty"`
}

// Store is the form of what a store says about itself.
type Store struct {
	Kind       string    `json:"kind"`
	Version    string    `json:"version,omitempty"`
	Durability string    `json:"durability,omitempty"`
	SchemaNo   int       `json:"schema_version"`
	ReadOnly   bool      `json:"read_only"`
	Now        time.Time `json:"now"`
}

// OfStore returns the form of i.
func OfStore(i backend.Info) Store {
	return Store{Kind: i.Kind, Version: i.Version, Durability: i.Durability, SchemaNo: i.Schema, ReadOnly: i.ReadOnly, Now: utc(i.Now)}
}

// OfHealth returns the form of h.
func OfHealth(h ops.Health) Health {
	form := Health{Schema: SchemaHealth, Healthy: h.Healthy(), Blocked: h.Blocked, Findings: []Finding{}, Store: OfStore(h.Info), Queues: []Queue{}, Workers: []Worker{}}
	for _, f := range h.Findings {
		form.Findings = append(form.Findings, Finding{string(f.Severity), f.Code, f.Subject, f.Message, f.Advice})
	}
	for _, q := range h.Queues {
		d := OfQueue(q, h.Now)
		d.Schema = ""
		form.Queues = append(form.Queues, d)
	}
	for _, w := range h.Workers {
		d := OfWorker(w, h.Now)
		d.Schema = ""
		form.Workers = append(form.Workers, d)
	}
	return form
}
