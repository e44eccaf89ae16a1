package replay

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// Info is what is known of a program that replays.
type Info struct {
	// Build is the build id that its workers have unless they set another.
	Build string `json:"build"`
	// Go is the version of Go that it was built with.
	Go string `json:"go"`
	// Workflows that it registers.
	Workflows []string `json:"workflows"`
}

// Result is what a replay in another program finds.
type Result struct {
	diagnostics.Report
	// Notes are sentences about what the report itself can't know: output that explains
	// a crash, goroutines that were left behind, answers that depend on other instances.
	Notes []string `json:"notes,omitempty"`
}

// Replayer is a program that replays histories in child processes. It is safe for
// concurrent use. Close ends it.
type Replayer struct {
	binary string
	opts   Options
	info   Info
	sink   *sink
	slots  chan struct{} // one for each child that may be busy

	mu     sync.Mutex
	closed bool
	idle   []*child
	known  map[string]*known // by workflow
}

// known is what is known of a workflow by its instances so far.
type known struct {
	seen int // replays
	// fine and hung count those that were fine, or hung, also in a process of their own;
	// differ counts those that did not do as history, by Report.Group, and differed in all.
	fine, hung, differed int
	differ               map[string]int
	// leaks tells that one came to something else after others than alone: then each one
	// that differs has to be looked at alone.
	leaks bool
}

// How much is done for one instance of many.
const (
	// closely is how many instances of a workflow are replayed with as many passes as
	// diagnostics.Options has by default, before the others get quickPasses: random code
	// shows itself in any of them. And it is how many are replayed alone at most, where
	// each differs in its own way.
	closely     = 20
	quickPasses = 3
	// confirmations is how many instances that come to the same are replayed alone too.
	confirmations = 3
	// hangDeadline is what a step of a workflow gets that hung as many times.
	hangDeadline = 100 * time.Millisecond
)

// Start starts a program as a replayer. Its error wraps ErrNotReplayer if the file is
// something else; then it was not started. It returns when the first child serves.
func Start(ctx context.Context, binary string, o Options) (*Replayer, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	path, err := filepath.Abs(binary) // children have another working directory
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	build, err := inspect(path)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	r := &Replayer{
		binary: path, opts: o, sink: &sink{w: o.Output}, slots: make(chan struct{}, o.Children),
		known: map[string]*known{},
	}
	c, err := startChild(ctx, path, o, r.sink)
	if err != nil {
		return nil, err
	}
	r.info = Info{Build: build, Go: c.hello.Go, Workflows: c.hello.Workflows}
	r.idle = append(r.idle, c)
	return r, nil
}

// Info tells which program it is.
func (r *Replayer) Info() Info { return r.info }

// Replay has the program replay a history. It blocks while all children are busy, and
// then for at most a few of Options.Timeout. A program that hangs, crashes or exits has
// a Result all the same; an error means that there is no program to ask, or that ctx
// has ended.
//
// The first few histories of each workflow that come to the same are replayed once more
// in a process of their own: what instances leave in package-level variables leaks into
// the next, and what is drawn once for each process, such as the seed of a hash, differs
// between two. That is one more pass, unless Options ask for a single one.
func (r *Replayer) Replay(ctx context.Context, b diagnostics.Bundle) (Result, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	c, err := r.take(ctx)
	if err != nil {
		return Result{}, err
	}
	alone := c.served == 0
	q := r.request(b)
	res, err := r.once(ctx, c, b, q)
	if q.StepDeadline > 0 && res.Class == diagnostics.ClassHang {
		res.Notes = append(res.Notes, fmt.Sprintf("it had %s for each step, since others of this workflow hang", hangDeadline))
	}
	idle := errors.Is(err, errIdle)
	if err != nil && (alone || !idle) || err == nil && r.enough(res, alone) {
		return res, err
	}
	fresh, err := startChild(ctx, r.binary, r.opts, r.sink)
	if err != nil {
		return Result{}, err
	}
	q = r.full()
	if !idle && (alone || res.Verdict == diagnostics.VerdictOK) {
		q.Passes = 1 // the others were done
	}
	again, err := r.once(ctx, fresh, b, q)
	if err != nil || idle {
		return again, err
	}
	return r.settle(res, again, alone), nil
}

// enough reports whether there is nothing to be learned from another process.
func (r *Replayer) enough(res Result, alone bool) bool {
	switch {
	case alone && res.Verdict == diagnostics.VerdictUnanswerable:
		r.confirm(res) // nobody waits for another timeout
		return true
	case alone && res.Class == diagnostics.ClassRandom:
		return true // that is certain
	case r.opts.Replay.Passes == 1 && (alone || res.Verdict == diagnostics.VerdictOK):
		return true // that was it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.of(res.Workflow)
	switch {
	case res.Verdict == diagnostics.VerdictOK:
		return k.fine >= confirmations || k.differed >= closely
	case res.Class == diagnostics.ClassUnregistered, res.Class == diagnostics.ClassName && res.Verdict == diagnostics.VerdictUnanswerable:
		return true // no code has run
	}
	return !k.leaks && (k.differ[res.Group()] >= confirmations || k.differed >= closely)
}

// settle makes one result of two, of which the second is of a process that has replayed
// nothing else; alone tells that the first is too.
func (r *Replayer) settle(first, again Result, alone bool) Result {
	if first.Verdict == again.Verdict && first.Group() == again.Group() {
		r.confirm(again)
		if (alone || again.Verdict == diagnostics.VerdictOK) && len(first.Warnings) >= len(again.Warnings) {
			again = first
		}
		again.Passes.Run++ // those of the other process count as one
		again.Passes.Agreed++
		return again
	}
	if !alone {
		if again.Verdict != diagnostics.VerdictOK {
			r.confirm(again) // whatever it did after others
		}
		if first.Verdict != diagnostics.VerdictOK && again.Class != diagnostics.ClassRandom {
			r.leaks(again.Workflow)
		}
		again.Notes = append(again.Notes, fmt.Sprintf("after other instances in the same process it came to something else (%s): "+
			"the code keeps something in package-level variables, or does not do the same twice", first.Summary))
		return again
	}
	passes := diagnostics.Passes{Run: first.Passes.Run + 1, Agreed: first.Passes.Agreed}
	if again.Verdict != diagnostics.VerdictDiverged && first.Verdict == diagnostics.VerdictDiverged {
		first, again = again, first
	}
	again.Notes = append(again.Notes, fmt.Sprintf("in another process it came to something else (%s): "+
		"it depends on what is set once for each process, such as package-level variables and seeds of hashes", first.Summary))
	if again.Verdict == diagnostics.VerdictDiverged {
		again.Report = again.Random()
	}
	again.Passes = passes
	return again
}

// leaks notes that instances of a workflow leave something to the next.
func (r *Replayer) leaks(workflow string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(workflow).leaks = true
}

// confirm counts an instance that came to this in a process of its own.
func (r *Replayer) confirm(res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.of(res.Workflow)
	if res.Verdict == diagnostics.VerdictOK {
		k.fine++
		return
	}
	k.differed++
	k.differ[res.Group()]++
	if res.Class == diagnostics.ClassHang {
		k.hung++
	}
}

// of returns what is known of a workflow. r.mu is held.
func (r *Replayer) of(workflow string) *known {
	k := r.known[workflow]
	if k == nil {
		k = &known{differ: map[string]int{}}
		r.known[workflow] = k
	}
	return k
}

// Close ends all children and waits until they are gone. Replays under way must have
// returned.
func (r *Replayer) Close() {
	r.mu.Lock()
	idle := r.idle
	r.idle, r.closed = nil, true
	r.mu.Unlock()
	var ends sync.WaitGroup
	for _, c := range idle {
		ends.Go(c.close)
	}
	ends.Wait()
}

// take returns a child that has nothing to do. Those that wait longest come last, so
// that few processes are kept warm if few are needed.
func (r *Replayer) take(ctx context.Context) (*child, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, fmt.Errorf("replay: the replayer is %w", engine.ErrClosed)
	}
	for n := len(r.idle); n > 0; n-- {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		select {
		case <-c.ended: // by itself
			continue
		default:
		}
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	return startChild(ctx, r.binary, r.opts, r.sink)
}

// put gives a child back.
func (r *Replayer) put(c *child) {
	r.mu.Lock()
	full := r.closed || len(r.idle) == r.opts.Children
	if !full {
		r.idle = append(r.idle, c)
	}
	r.mu.Unlock()
	if full {
		c.close()
	}
}

// request is what is asked about one instance of many.
func (r *Replayer) request(b diagnostics.Bundle) request {
	q := r.full()
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.of(b.Workflow)
	if k.seen++; k.seen > closely && q.Passes == 0 && q.PassTime == 0 {
		q.Passes = quickPasses
	}
	if k.hung >= confirmations {
		q.StepDeadline = int64(hangDeadline)
	}
	return q
}

func (r *Replayer) full() request {
	o := r.opts.Replay
	return request{Strict: o.Strict, Passes: o.Passes, PassTime: int64(o.PassTime), Context: o.Context, AllRows: o.AllRows, Values: o.Values}
}

// leftNotes tells of goroutines. A coroutine that hangs is none: the report tells of it.
func leftNotes(left []string) (notes []string) {
	for _, stack := range left {
		if !strings.Contains(stack, "/coro.(*Coroutine).") {
			notes = append(notes, "a goroutine that the code has started still runs after the replay; use workflow.Go instead:\n"+stack)
		}
	}
	return notes
}
