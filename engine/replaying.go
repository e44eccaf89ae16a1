package engine

import (
	"fmt"
	"os"
)

// ReplayVariable is the environment variable under which a program is started to
// replay histories, see package diagnostics/replay. It holds a nonce.
const ReplayVariable = "WFOPS_REPLAY"

// begunAsReplayer is kept because programs load and clear environments, and what must
// not happen must not happen after that either.
var begunAsReplayer = os.Getenv(ReplayVariable) != ""

// CheckLive returns an error that wraps ErrReplaying if this process was started to
// replay histories: then nobody may open a store, make a client or start a worker,
// however the program got there. Every adapter whose store outlives the process
// calls it before it touches anything. what says what is refused.
func CheckLive(what string) error {
	if !begunAsReplayer && os.Getenv(ReplayVariable) == "" {
		return nil
	}
	return fmt.Errorf("%s: %s is set: %w; the program has to call replay.Serve before it does this", what, ReplayVariable, ErrReplaying)
}
