package workflow

import (
	"fmt"

	"github.com/wfops/wfops/engine"
)

// DefaultVersion is what Version returns for an execution that passed this point
// before the change was made.
const DefaultVersion = -1

// Version is how running code is changed. It returns which version of the change
// called changeID this execution has: highest if the execution reaches this point
// for the first time, which is then recorded, or else what was recorded, or
// DefaultVersion if the execution passed here before the call was added. An
// execution has one version per change, wherever and how often it is asked for.
//
//	switch workflow.Version(ctx, "fees", workflow.DefaultVersion, 1) {
//	case workflow.DefaultVersion: // as it was
//	case 1:                       // as it is now
//	}
//
// If the execution's version is lower than lowest or higher than highest, it is
// blocked: its code is not there any more, or not yet. Raise lowest once no
// execution with an older version is left.
func Version(ctx Context, changeID string, lowest, highest int) int {
	x := ctx.exec()
	x.mustIssue("ask for a version")
	if err := engine.CheckName("changeID of Version", changeID); err != nil {
		panic(err)
	}
	if lowest > highest || lowest < DefaultVersion {
		panic(fmt.Errorf("%w: Version(%q, %d, %d): versions are at least %d, and the lowest comes first", ErrInvalidArgument, changeID, lowest, highest, DefaultVersion))
	}
	return x.sink.Version(changeID, lowest, highest)
}

// Patched is Version with two versions: it reports whether this execution runs
// with the change.
func Patched(ctx Context, changeID string) bool {
	return Version(ctx, changeID, DefaultVersion, 1) == 1
}
