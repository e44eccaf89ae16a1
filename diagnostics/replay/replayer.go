package replay

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

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
	// seen counts replays by workflow, and confirmed those by Report.Group that came to
	// the same alone.
	seen, confirmed map[string]int
}

// How much is done for one instance of many.
const (
	// closely is how many instances of a workflow are replayed with as many passes as
	// diagnostics.Options has by default, before the others get quickPasses: random code
	// shows itself in any of them.
	closely     = 20
	quickPasses = 3
	// confirmations is how many instances with the same divergence are replayed alone.
	confirmations = 3
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
		seen: map[string]int{}, confirmed: map[string]int{},
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
// A history that is not ok after others were replayed in the same process is replayed
// once more in a process of its own: package-level variables may leak from one instance
// to the next. Of those that differ alike only the first few are.
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
	res, err := r.once(ctx, c, b, r.request(b))
	idle := errors.Is(err, errIdle)
	if alone || err != nil && !idle || err == nil && (res.Verdict == diagnostics.VerdictOK || r.known(res.Group(), false)) {
		return res, err
	}
	fresh, err := startChild(ctx, r.binary, r.opts, r.sink)
	if err != nil {
		return Result{}, err
	}
	again, err := r.once(ctx, fresh, b, r.full())
	if err != nil {
		return Result{}, err
	}
	if idle {
		return again, nil
	}
	if again.Group() == res.Group() {
		r.known(res.Group(), true)
		return again, nil
	}
	again.Notes = append(again.Notes, fmt.Sprintf("after other instances in the same process it came to something else (%s): "+
		"the code keeps something in package-level variables, or does not do the same twice", res.Summary))
	return again, nil
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

// known reports whether enough instances with this divergence were confirmed, and
// counts one more.
func (r *Replayer) known(group string, more bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if more {
		r.confirmed[group]++
	}
	return r.confirmed[group] >= confirmations
}

// request is what is asked about one instance of many.
func (r *Replayer) request(b diagnostics.Bundle) request {
	q := r.full()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[b.Workflow]++; r.seen[b.Workflow] > closely && q.Passes == 0 && q.PassTime == 0 {
		q.Passes = quickPasses
	}
	return q
}

func (r *Replayer) full() request {
	o := r.opts.Replay
	return request{Strict: o.Strict, Passes: o.Passes, PassTime: int64(o.PassTime), Context: o.Context, AllRows: o.AllRows, Values: o.Values}
}

func leftNotes(left []string) []string {
	left = slices.Clone(left)
	for i, stack := range left {
		left[i] = "a goroutine that the code has started still runs after the replay; use workflow.Go instead:\n" + stack
	}
	return left
}
