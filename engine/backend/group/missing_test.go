package group_test

import (
	"errors"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/group"
)

// opened is what a constructor returns a nil pointer to.
type opened struct{ backend.Backend }

// Whoever ignores the error of opening a store learns of it from the first call.
func TestNilBackend(t *testing.T) {
	for name, b := range map[string]backend.Backend{"nil": nil, "nil pointer": (*opened)(nil)} {
		t.Run(name, func(t *testing.T) { refusesAll(t, group.New(b)) })
	}
}

func refusesAll(t *testing.T, b backend.Backend) {
	t.Helper()
	defer b.Subscribe(backend.Topic{Kind: backend.TopicFinished, Name: "i"}).Close()
	_, get := b.Get(t.Context(), engine.Instance{InstanceID: "i"})
	_, claim := b.ClaimWorkflows(t.Context(), backend.WorkflowClaim{})
	_, info := b.Info(t.Context())
	for name, err := range map[string]error{
		"Create":          b.Create(t.Context(), make([]backend.Creation, 2))[1].Err,
		"Deliver":         b.Deliver(t.Context(), make([]backend.Delivery, 2))[1],
		"CommitWorkflows": b.CommitWorkflows(t.Context(), make([]backend.WorkflowCommit, 2))[1].Err,
		"Terminate":       b.Terminate(t.Context(), make([]backend.Termination, 2))[1],
		"Get":             get,
		"ClaimWorkflows":  claim,
		"Info":            info,
	} {
		if !errors.Is(err, engine.ErrInvalidArgument) {
			t.Errorf("%s answered %v", name, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
