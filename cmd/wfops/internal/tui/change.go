package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// targeting is the errand that reads what a change is about.
const targeting = "targets"

// targets are what a change is about, as it was read when it was asked for.
type targets struct {
	all []backend.Summary
	// gone are those that were chosen and are no more.
	gone []engine.Instance
}

// begin asks for what is needed for a change: of the instances that are named, in full,
// or of those that are chosen.
func (a *app) begin(action ops.Action, args []string) {
	if why := a.refuses(); why != "" {
		a.say(view.Bad, string(action)+": "+why)
		return
	}
	signal := ""
	if action == ops.ActionSignal && len(args) > 0 {
		signal, args = args[0], args[1:]
	}
	store, chosen := a.conn.Store, a.top().chosen()
	if len(args) == 0 && len(chosen) == 0 {
		a.say(view.Bad, string(action)+": there is no instance here; name one: :"+string(action)+" ID")
		return
	}
	a.say(view.Waiting, string(action)+": reading what it is about...")
	ask(a, nil, targeting, func(ctx context.Context) (targets, error) {
		if len(args) > 0 {
			return exactly(ctx, store, args)
		}
		return a.reread(ctx, store, chosen)
	}, func(t targets, err error) {
		if !a.heardOf(err) {
			return
		}
		a.say(view.Plain, "")
		a.propose(action, signal, t)
	})
}

// refuses says why nothing can be changed now, or "".
func (a *app) refuses() string {
	switch {
	case a.conn == nil:
		return "there is no connection"
	case a.lost.err != nil:
		return whyLost
	case a.change != nil:
		return "another change is under way"
	case a.opensForChanges():
		return "this connection is read-only, and :write allows changes: " + a.conn.Why
	case a.conn.Store.ReadOnly():
		return "this connection is read-only: " + a.conn.Why
	}
	return ""
}

// exactly reads instances by their ids. A beginning of one won't do: it might fit another
// instance tomorrow.
func exactly(ctx context.Context, store *ops.Store, ids []string) (t targets, err error) {
	for _, id := range ids {
		s, err := store.Exact(ctx, id)
		if err != nil {
			return t, fmt.Errorf("%w; nothing was done", err)
		}
		t.all = append(t.all, s)
	}
	return t, nil
}

// reread reads again what was chosen, which may be as old as its mark.
func (a *app) reread(ctx context.Context, store *ops.Store, chosen []backend.Summary) (t targets, err error) {
	for i := range chosen {
		s, err := store.Get(ctx, chosen[i].Instance)
		switch {
		case errors.Is(err, engine.ErrInstanceNotFound):
			t.gone = append(t.gone, chosen[i].Instance)
		case err != nil:
			return t, err
		default:
			t.all = append(t.all, s)
		}
		if i%100 == 99 {
			a.queue.post(targeting, func() {
				a.say(view.Waiting, fmt.Sprintf("reading %s of %s, Ctrl-C stops", view.Count(int64(i+1)), view.Count(int64(len(chosen)))))
			})
		}
	}
	return t, nil
}

// propose opens the dialog for a change, if there is anything left to do.
func (a *app) propose(action ops.Action, signal string, t targets) {
	outcomes, err := a.conn.Store.Preview(ops.Change{Action: action, Reason: "-", Signal: "-"}, t.all)
	if err != nil {
		a.fail(err)
		return
	}
	d := &changeDialog{a: a, action: action, gone: t.gone}
	for i, o := range outcomes {
		if o.Err != nil {
			d.refused = append(d.refused, o)
		} else {
			d.targets = append(d.targets, t.all[i])
		}
	}
	if len(d.targets) == 0 {
		a.nothingFits(action, d)
		return
	}
	if l, ok := a.top().(*list); ok && len(l.marks) > 0 {
		d.hidden = l.hiddenOf(d.targets)
	}
	d.ask(signal)
	a.over = d
}

// nothingFits says why a change makes no sense for anything that was chosen.
func (a *app) nothingFits(action ops.Action, d *changeDialog) {
	switch {
	case len(d.refused) == 1:
		a.refused(action, d.refused[0])
	case len(d.refused) > 1:
		a.say(view.Bad, fmt.Sprintf("%s makes sense for none of the %d: %s, for example %s", action, len(d.refused), whyRefused(d.refused[0]), d.refused[0].Instance.InstanceID))
	default:
		a.say(view.Bad, string(action)+": what was chosen is no longer there")
	}
}

// changing is a change under way.
type changing struct {
	action ops.Action
	done   int
	of     int
	halt   atomic.Bool
	cancel context.CancelFunc
}

// stop lets what is under way end, and begins no more. Asked again it breaks off what
// is under way too: then nobody knows whether that was done.
func (c *changing) stop() {
	if c.halt.Swap(true) {
		c.cancel()
	}
}

// together is how many instances are changed between two looks at whether to go on.
const together = 20

// apply makes a change, and tells how far it is.
func (a *app) apply(c ops.Change, to []backend.Summary) {
	ctx, cancel := context.WithCancel(a.ctx)
	change := &changing{action: c.Action, of: len(to), cancel: cancel}
	store, codec := a.conn.Store, a.conn.Codec
	a.change = change
	a.say(view.Waiting, fmt.Sprintf("%s: %d of %d", c.Action, 0, len(to)))
	ask(a, nil, "change", func(context.Context) (all []ops.Outcome, err error) {
		defer cancel()
		if c.Payload != nil && codec != nil {
			c.Sealed = true
			if c.Payload, err = codec.Seal(ctx, c.Payload); err != nil {
				return nil, fmt.Errorf("its argument can't be sealed: %w", err)
			}
		}
		for rest := to; len(rest) > 0 && !change.halt.Load() && err == nil && ctx.Err() == nil; {
			part := rest[:min(together, len(rest))]
			rest = rest[len(part):]
			var outcomes []ops.Outcome
			outcomes, err = applyAgain(ctx, store, c, part)
			all = append(all, outcomes...)
			a.queue.post("change", func() { a.progress(change, len(all)) })
		}
		return all, err
	}, func(all []ops.Outcome, err error) {
		cancel()
		a.change = nil
		a.changed(c, len(to), all, err)
	})
}

// progress tells how far a change is.
func (a *app) progress(c *changing, done int) {
	if c.done = done; a.change == c {
		stop := "Ctrl-C stops"
		if c.halt.Load() {
			stop = "stopping"
		}
		a.say(view.Waiting, fmt.Sprintf("%s: %s of %s, %s", c.action, view.Count(int64(done)), view.Count(int64(c.of)), stop))
	}
}

// applyAgain reads instances once more, so that nothing is done to what has become of
// them since somebody looked, and changes them.
func applyAgain(ctx context.Context, store *ops.Store, c ops.Change, to []backend.Summary) (all []ops.Outcome, err error) {
	var there []backend.Summary
	for i := range to {
		s, err := store.Get(ctx, to[i].Instance)
		if err != nil {
			all = append(all, ops.Outcome{Instance: to[i].Instance, Before: to[i].Status, Err: fmt.Errorf("%s %s: %w", c.Action, to[i].Instance, err)})
			continue
		}
		there = append(there, s)
	}
	outcomes, err := store.Apply(ctx, c, there)
	return append(all, outcomes...), err
}

// changed tells what became of a change.
func (a *app) changed(c ops.Change, of int, all []ops.Outcome, err error) {
	var failed []ops.Outcome
	var done []engine.Instance
	for _, o := range all {
		if o.Err != nil {
			failed = append(failed, o)
			a.log.note(o.Err)
			continue
		}
		done = append(done, o.Instance)
	}
	if l, ok := a.top().(*list); ok {
		l.unmark(done)
	}
	a.log.said(view.Muted, a.scripted(c, done))
	switch {
	case err != nil:
		a.fail(fmt.Errorf("%s: %d of %d were done: %w", c.Action, len(done), of, err))
	case len(failed) == 0 && len(done) == of:
		a.say(view.Good, happened(c, done))
	case of == 1 && len(failed) == 1:
		a.refused(c.Action, failed[0])
	default:
		a.say(view.Bad, fmt.Sprintf("%s: %d of %d were done, %d were not, %d were not tried", c.Action, len(done), of, len(failed), of-len(all)))
		if len(failed) > 0 {
			a.over = newSheet(fmt.Sprintf("%s: what was not done", c.Action), reasons(c.Action, failed))
		}
	}
	a.top().refresh()
}

// refused says in short why something was not done to an instance.
func (a *app) refused(action ops.Action, o ops.Outcome) {
	text := strings.TrimPrefix(whyRefused(o), fmt.Sprintf("%s %s: ", action, o.Instance))
	a.say(view.Bad, fmt.Sprintf("%s %s: %s", action, o.Instance.InstanceID, text))
}

// reasons says of each what went wrong.
func reasons(action ops.Action, failed []ops.Outcome) (texts []string) {
	for _, o := range failed {
		text := strings.TrimPrefix(o.Err.Error(), fmt.Sprintf("%s %s: ", action, o.Instance))
		texts = append(texts, fmt.Sprintf("%s (it was %s): %s", o.Instance.InstanceID, o.Before, text))
	}
	return texts
}

// pastOf says what has been done.
var pastOf = map[ops.Action]string{
	ops.ActionCancel: "asked to cancel", ops.ActionTerminate: "terminated", ops.ActionRetry: "set to be tried again",
	ops.ActionPause: "paused", ops.ActionResume: "resumed", ops.ActionRemove: "removed",
}

func happened(c ops.Change, done []engine.Instance) string {
	what := fmt.Sprintf("%d instances", len(done))
	if len(done) == 1 {
		what = done[0].InstanceID
	}
	if c.Action == ops.ActionSignal {
		return fmt.Sprintf("signal %q sent to %s", c.Signal, what)
	}
	return what + " " + pastOf[c.Action]
}

// scripted is the command line that does the same. Payloads are not repeated.
func (a *app) scripted(c ops.Change, to []engine.Instance) string {
	var words []string
	if c.Action == ops.ActionSignal {
		words = append(words, c.Signal)
	}
	for _, i := range to {
		words = append(words, i.InstanceID)
	}
	flags := "--reason " + quoted(c.Reason)
	if len(c.Payload) > 0 {
		flags = "--input ... " + flags
	}
	behind := operands(words...)
	if !strings.HasPrefix(behind, "-- ") { // which ends the flags
		flags, behind = behind, flags
	}
	return strings.Join([]string{"wfops", quoted(a.conn.Name), string(c.Action), flags, behind}, " ")
}

// waitedFor are the signals that instances wait for, the one that most do first.
func waitedFor(all []backend.Summary) []string {
	count := map[string]int{}
	var names []string
	for i := range all {
		if w := all[i].Waiting; w != nil && w.Kind == engine.WaitSignal && w.Name != "" {
			if count[w.Name]++; count[w.Name] == 1 {
				names = append(names, w.Name)
			}
		}
	}
	slices.SortStableFunc(names, func(x, y string) int { return count[y] - count[x] })
	return names
}

// fail says what went wrong. The log has it in full.
func (a *app) fail(err error) { a.say(view.Bad, err.Error()) }
