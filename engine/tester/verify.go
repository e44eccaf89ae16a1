package tester

import "fmt"

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
