package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine/activity"
)

// handOver is how long a worker that is out of time goes on to give away what it
// has. Where that fails the leases have to run out.
const handOver = 5 * time.Second

// CutOffError tells what was still running when the deadline of Stop passed. It has
// been given to other workers, who run it again.
type CutOffError struct {
	// Activities are one line each: name, instance and attempt.
	Activities []string
}

func (e *CutOffError) Error() string {
	const most = 10
	lines := e.Activities
	more := ""
	if len(lines) > most {
		more = fmt.Sprintf(" and %d more", len(lines)-most)
		lines = lines[:most]
	}
	return fmt.Sprintf("worker stopped with %d activities cut off, which run again elsewhere: %s%s",
		len(e.Activities), strings.Join(lines, "; "), more)
}

// Stop stops claiming at once, and returns when everything that runs has ended and
// all leases were given back. When ctx ends first, what still runs is told to stop
// and given to other workers, who start it at once; the error is a *CutOffError
// then. Stop may take some seconds longer than ctx to tell the store. A worker that
// was stopped can't be started again.
//
// Concurrent calls share the first call's deadline.
func (w *Worker) Stop(ctx context.Context) error {
	w.mu.Lock()
	before := w.state
	if before == made {
		w.state = stopped
		w.cancel()
		close(w.stop)
		close(w.done)
	}
	if before == started {
		w.state = stopping
		close(w.stop)
	}
	w.mu.Unlock()
	if before == started {
		w.detached()
		err := w.shutDown(ctx)
		w.unwatch()
		w.mu.Lock()
		w.state, w.stopErr = stopped, err
		w.mu.Unlock()
		close(w.done)
	}
	return w.WaitForCompletion()
}

// WaitForCompletion returns when the worker has stopped, with the error that Stop
// had. It blocks for ever if nobody stops the worker.
func (w *Worker) WaitForCompletion() error {
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopErr
}

// stopInTime is what the end of Start's context does.
func (w *Worker) stopInTime() {
	ctx, cancel := context.WithTimeout(context.Background(), w.opts.stopTimeout)
	defer cancel()
	_ = w.Stop(ctx) // WaitForCompletion returns it
}

// shutDown lets what runs end, gives away what doesn't, and ends everything else.
func (w *Worker) shutDown(ctx context.Context) error {
	w.nudge()
	w.await(ctx, w.adrift, w.acts)
	w.cutoff.Store(true) // before looking: what begins until here is seen
	var cut *CutOffError
	if lines := w.running(); len(lines) > 0 {
		cut = &CutOffError{Activities: lines}
	}
	last, cancel := context.WithTimeout(context.Background(), handOver)
	defer cancel()
	for _, r := range w.rows.all() {
		r.giveBack()
	}
	for _, a := range w.adrift.all() {
		a.revoke(activity.ErrShutdown)
	}
	w.nudge()
	w.await(last)
	w.cancel()
	w.loops.Wait() // or a last heartbeat could bring the row back
	w.cache.close()
	row := w.row()
	row.Stopped = true
	err := w.store.Heartbeat(last, row)
	if err != nil {
		err = fmt.Errorf("stopping worker %s: %w", w.id, err)
	}
	if cut == nil {
		return err
	}
	return errors.Join(cut, err)
}

// nudge makes every hold look whether it still has something to wait for.
func (w *Worker) nudge() {
	for _, h := range w.holds.all() {
		h.mu.Lock()
		run := h.phase == idle && h.choose() != doRest && h.arrive()
		h.mu.Unlock()
		if run {
			go w.drive(h)
		}
	}
}

// counted is something that Stop waits for.
type counted interface {
	// count returns how many there are; gone is signaled when it has become 0.
	count() int
	gone() <-chan struct{}
}

// await returns when nothing is in this worker's hands any more, and nothing of
// also, or when ctx ends. What ends can leave something else behind: it looks until
// it finds nothing.
func (w *Worker) await(ctx context.Context, also ...counted) {
	all := append([]counted{w.claimers, w.holds, w.rows, w.late, w.steps}, also...)
	for busy := true; busy; {
		busy = false
		for _, c := range all {
			for c.count() > 0 {
				busy = true
				select {
				case <-c.gone():
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// running describes the activities that are running.
func (w *Worker) running() []string {
	as := w.adrift.all()
	for _, h := range w.holds.all() {
		h.mu.Lock()
		for _, l := range h.local {
			if l.attempt != nil {
				as = append(as, l.attempt)
			}
		}
		h.mu.Unlock()
	}
	for _, r := range w.rows.all() {
		as = append(as, r.a)
	}
	lines := make([]string, len(as))
	for i, a := range as {
		lines[i] = fmt.Sprintf("%s of %s (attempt %d)", a.start.body.Name, a.task.Info.Instance, a.start.attempt)
	}
	slices.Sort(lines)
	return lines
}

// whyStop is what an activity is told that a step made superfluous.
func (w *Worker) whyStop() error {
	if w.cutoff.Load() {
		return activity.ErrShutdown
	}
	return activity.ErrCanceled
}
