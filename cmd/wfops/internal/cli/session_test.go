package cli_test

import (
	"errors"
	"testing"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

var errGone = errors.New("the server is gone")

// opened is a store that is migrated and may be written to. The caller closes it.
func opened(t *testing.T, dsn string) backend.Backend {
	t.Helper()
	b, err := backends.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refusedByTheStore opens the store of the profile shop as the console does, and tries
// every action on an instance that is in a state for it.
func refusedByTheStore(t *testing.T, name string) {
	t.Helper()
	profiles, err := connect.Profiles("config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	target, err := profiles[0].Target(t.Context(), connect.Options{}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	b, err := target.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	s := ops.New(b, ops.Options{}) // which checks nothing itself
	fitting := map[ops.Action]string{ops.ActionRetry: "order-8702", ops.ActionResume: "import-311", ops.ActionRemove: "order-8788"}
	for _, action := range ops.Actions() {
		id := fitting[action]
		if id == "" {
			id = "kyc-5520"
		}
		found, err := s.Exact(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		outcomes, err := s.Apply(t.Context(), ops.Change{Action: action, Reason: "r", Signal: "go"}, []backend.Summary{found})
		if err != nil || !errors.Is(outcomes[0].Err, engine.ErrReadOnly) {
			t.Errorf("%s: %s %s: %v, %+v", name, action, id, err, outcomes)
		}
	}
}
