package fleet

import (
	"context"
	"runtime"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/replay"
)

// ReplayOne replays one history in a program, and returns all of its rows. Nothing is
// written.
func ReplayOne(ctx context.Context, store *ops.Store, program string, j Job) (Answer, error) {
	r, err := replay.Start(ctx, program, replay.Options{Replay: diagnostics.Options{AllRows: true}, Children: 1})
	if err != nil {
		return Answer{}, &InputError{err}
	}
	defer r.Close()
	runner := Runner{Store: store, Replayer: r, Parallel: 1}
	a := runner.replay(ctx, j)
	return a, a.Err
}

// Start starts a program that replays with as many processes as there are CPUs.
func Start(ctx context.Context, program string) (*replay.Replayer, error) {
	r, err := replay.Start(ctx, program, replay.Options{Children: runtime.GOMAXPROCS(0)})
	if err != nil {
		return nil, &InputError{err}
	}
	return r, nil
}
