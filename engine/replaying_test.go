package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
)

func TestCheckLive(t *testing.T) {
	if err := engine.CheckLive("opening a store"); err != nil {
		t.Errorf("in any process: %v", err)
	}
	t.Setenv(engine.ReplayVariable, "nonce")
	err := engine.CheckLive("opening a store")
	if !errors.Is(err, engine.ErrReplaying) || !strings.HasPrefix(err.Error(), "opening a store: WFOPS_REPLAY is set") {
		t.Errorf("in a replayer: %v", err)
	}
	if engine.OutcomeUnknown(err) {
		t.Error("nobody should try again")
	}
}
