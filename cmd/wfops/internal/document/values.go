package document

import (
	"encoding/json"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/diagnostics"
)

// Data is the form of the payloads of an execution.
type Data struct {
	Schema      string  `json:"schema"`
	InstanceID  string  `json:"instance_id"`
	ExecutionID string  `json:"execution_id"`
	Workflow    string  `json:"workflow,omitempty"`
	Status      string  `json:"status,omitempty"`
	Values      []Value `json:"values"`
}

// Value is the form of a payload.
type Value struct {
	Schema string    `json:"schema,omitempty"`
	Path   string    `json:"path"`
	Event  int64     `json:"event"`
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Name   string    `json:"name,omitempty"`
	Bytes  int       `json:"bytes"`
	// Value is the payload if that is JSON, else {"$bytes":"base64"}.
	Value json.RawMessage `json:"value"`
}

// OfData returns the form of the payloads of a history.
func OfData(b diagnostics.Bundle, all []values.Value) Data {
	form := Data{
		Schema: SchemaData, InstanceID: b.Instance.InstanceID, ExecutionID: b.Instance.ExecutionID, Workflow: b.Workflow, Status: string(b.Status),
		Values: make([]Value, len(all)),
	}
	for i, v := range all {
		form.Values[i] = OfValue(v)
		form.Values[i].Schema = ""
	}
	return form
}

// OfValue returns the form of a payload.
func OfValue(v values.Value) Value {
	return Value{
		Schema: SchemaValue, Path: v.Path, Event: v.Event, At: v.At.UTC(), Kind: string(v.Kind), Name: v.Name, Bytes: len(v.Payload), Value: raw(v.Payload),
	}
}
