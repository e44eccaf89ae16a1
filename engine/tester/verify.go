package tester

import (
	"errors"
	"fmt"

	"github.com/wfops/wfops/engine/executor"
)

// verify replays the history of every execution, and demands that arguments,
// options and durations agree, too. Mocks are no code to be checked.
func (w *world) verify() {
	w.mu.Lock()
	skip := w.o.noReplay || w.mistake != nil || w.goexit
	runs := w.runs
	w.mu.Unlock()
	if skip {
		return
	}
	for _, i := range runs {
		if i.mocked || i.blocked {
			continue
		}
		x, _ := w.executor(i, true)
		err := x.Replay(i.history)
		x.Close()
		if err != nil {
			w.fail(fmt.Errorf("workflow %q is not deterministic: it did something else when the history that it made was replayed: %w", i.name, explain(err)))
			return
		}
	}
}

// explain returns err with what helps to find the place.
func explain(err error) error {
	var b *executor.BlockedError
	if errors.As(err, &b) && b.Reason.Stack != "" {
		return fmt.Errorf("%w\n%s", err, b.Reason.Stack)
	}
	return err
}
