package workflow

import (
	"context"
	"slices"

	"github.com/wfops/wfops/engine/history"
)

// Metadata are the headers that context propagators carry from a caller to what
// it calls. They take no part in the check for determinism.
type Metadata history.Headers

// Get returns the value of key, or "".
func (m *Metadata) Get(key string) string { return (*m)[key] }

// Set sets the value of key.
func (m *Metadata) Set(key, value string) {
	if *m == nil {
		*m = Metadata{}
	}
	(*m)[key] = value
}

// Keys returns all keys, sorted.
func (m *Metadata) Keys() []string {
	keys := make([]string, 0, len(*m))
	for k := range *m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ContextPropagator carries values of contexts along: from the client to the
// workflow, and from there to its activities and sub-workflows. Implementations
// are safe for concurrent use; what they do with a workflow's Context must be
// deterministic. An error refuses the call that it happens in.
type ContextPropagator interface {
	// Inject stores values of the client's context.
	Inject(context.Context, *Metadata) error
	// Extract returns a context for an activity that holds what is stored.
	Extract(context.Context, *Metadata) (context.Context, error)
	// InjectFromWorkflow stores values of a workflow's Context.
	InjectFromWorkflow(Context, *Metadata) error
	// ExtractToWorkflow returns a Context for a workflow that holds what is stored.
	ExtractToWorkflow(Context, *Metadata) (Context, error)
}
