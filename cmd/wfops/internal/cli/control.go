package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func changeFlags(s *session, fs *pflag.FlagSet) {
	filterFlags(s, fs)
	fs.StringVarP(&s.o.reason, "reason", "r", "", "`why`; it is kept with the instance")
	fs.BoolVarP(&s.o.yes, "yes", "y", false, "do not ask")
	fs.BoolVar(&s.o.dryRun, "dry-run", false, "only show what would be done")
	fs.IntVarP(&s.o.limit, "limit", "n", 0, "at most how many instances (default all)")
}

func signalFlags(s *session, fs *pflag.FlagSet) {
	changeFlags(s, fs)
	fs.StringVarP(&s.o.input, "input", "i", "", "the argument of the signal: `JSON`, @FILE, or - for standard input")
}

func runChange(action ops.Action) func(context.Context, *session, []string) error {
	return func(ctx context.Context, s *session, args []string) error {
		return s.change(ctx, ops.Change{Action: action, Reason: s.o.reason}, args)
	}
}

func runSignal(ctx context.Context, s *session, args []string) error {
	c := ops.Change{Action: ops.ActionSignal, Reason: s.o.reason, Signal: args[0]}
	input, err := s.input(len(args) > 1 && args[1] == "-")
	if err != nil {
		return err
	}
	c.Payload = input
	return s.change(ctx, c, args[1:])
}

// sealed returns the change with its payload as the programs of the store expect it.
// It is only asked for where something is sent.
func (s *session) sealed(ctx context.Context, c ops.Change) (ops.Change, error) {
	if s.codec == nil || c.Payload == nil || c.Sealed || !json.Valid(c.Payload) { // which ops refuses
		return c, nil
	}
	var err error
	c.Payload, err = s.codec.Seal(ctx, c.Payload)
	c.Sealed = true
	return c, err
}

// maxInput is how much of an argument is read: a little more than what is refused.
const maxInput = engine.MaxPayloadBytes + 1

// input reads the argument of a signal.
func (s *session) input(taken bool) (engine.Payload, error) {
	name, isFile := strings.CutPrefix(s.o.input, "@")
	var from io.Reader
	switch {
	case s.o.input == "":
		return nil, nil
	case s.o.input == "-" && taken:
		return nil, usageError{errors.New("standard input can't be both the ids and the argument")}
	case s.o.input == "-":
		from = s.env.In
	case isFile:
		f, err := os.Open(name) //nolint:gosec // the file that the user has named
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close() //nolint:errcheck // it was only read
		from = f
	default:
		return engine.Payload(s.o.input), nil
	}
	text, err := io.ReadAll(io.LimitReader(from, maxInput))
	if err != nil {
		return nil, fmt.Errorf("reading the argument of the signal: %w", err)
	}
	return engine.Payload(strings.TrimSpace(string(text))), nil
}

// change does something to the instances that are named or match.
func (s *session) change(ctx context.Context, c ops.Change, names []string) error {
	if c.Reason == "" {
		return usageError{errors.New("--reason is missing")}
	}
	targets, err := s.targets(ctx, names)
	if err != nil {
		return err
	}
	if s.o.limit > 0 && len(targets) > s.o.limit {
		targets = targets[:s.o.limit]
	}
	switch {
	case len(targets) == 0 && s.isTable():
		s.note("no instance matches")
		return nil
	case len(targets) == 0:
		return s.outcomes(c, nil)
	}
	if s.o.dryRun {
		return s.dryRun(c, targets)
	}
	if err := s.confirm(c, targets); err != nil {
		return err
	}
	if c, err = s.sealed(ctx, c); err != nil {
		return err
	}
	return s.apply(ctx, c, targets)
}

// targets reads the instances to change. Names are whole: a prefix might fit another
// instance tomorrow.
func (s *session) targets(ctx context.Context, names []string) ([]backend.Summary, error) {
	if len(names) == 0 == (s.o.filter == "") {
		return nil, usageError{errors.New("name instances, or choose them by --filter, but not both")}
	}
	if s.o.filter != "" {
		return s.matching(ctx)
	}
	if len(names) == 1 && names[0] == "-" {
		var err error
		if names, err = s.readNames(); err != nil {
			return nil, err
		}
	}
	targets := make([]backend.Summary, 0, len(names))
	for _, name := range names {
		found, err := s.store.Exact(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%w; nothing was done", err)
		}
		targets = append(targets, found)
	}
	return targets, nil
}

// mostTargets is how many instances one command changes, unless told.
const mostTargets = 100_000

func (s *session) matching(ctx context.Context) (all []backend.Summary, err error) {
	f, err := s.filter()
	if err != nil {
		return nil, err
	}
	r := ops.ListRequest{Filter: f, Sort: ops.SortCreated, Ascending: true, Limit: backend.MaxLimit, MaxScan: s.o.scan}
	for {
		page, err := s.store.List(ctx, r)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if s.o.limit == 0 && len(all) > mostTargets {
			return nil, usageError{fmt.Errorf("more than %d instances match: do it in portions, with --limit", mostTargets)}
		}
		if r.Cursor = page.Next; page.Next == "" || s.o.limit > 0 && len(all) >= s.o.limit {
			return all, nil
		}
		if page.Capped {
			return nil, fmt.Errorf("%w: it stopped after looking at %d instances, and nothing was done: narrow the filter, or raise --scan", errPartial, page.Scanned)
		}
	}
}

func (s *session) readNames() (names []string, err error) {
	lines := bufio.NewScanner(s.env.In)
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			names = append(names, name)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading ids from standard input: %w", err)
	}
	return names, nil
}

func (s *session) dryRun(c ops.Change, targets []backend.Summary) error {
	outcomes, err := s.store.Preview(c, targets)
	if err != nil {
		return err
	}
	return s.outcomes(c, outcomes)
}

// confirm asks where something can't be taken back or is done to many.
func (s *session) confirm(c ops.Change, targets []backend.Summary) error {
	dangerous := c.Action == ops.ActionCancel || c.Action == ops.ActionTerminate || c.Action == ops.ActionRemove
	switch {
	case s.o.yes, !dangerous && len(targets) == 1:
		return nil
	case !s.env.InTTY || !s.env.ErrTTY || !s.isTable():
		return fmt.Errorf("%w: %s %s needs --yes where nobody can be asked", errUnconfirmed, c.Action, many(len(targets)))
	}
	want := "yes"
	question := fmt.Sprintf("%s %s in %s?", c.Action, targets[0].Instance.InstanceID, s.target)
	if len(targets) > 1 {
		want = strconv.Itoa(len(targets))
		question = fmt.Sprintf("%s %s in %s?", c.Action, many(len(targets)), s.target)
	}
	fmt.Fprintf(s.env.Err, "%s Type %s: ", view.Escape(question), want)
	answer, err := bufio.NewReader(s.env.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if strings.TrimSpace(answer) != want {
		return fmt.Errorf("%w: nothing was done", errUnconfirmed)
	}
	return nil
}

func many(n int) string {
	if n == 1 {
		return "1 instance"
	}
	return fmt.Sprintf("%d instances", n)
}

// changed is how many instances are changed between two looks at ctx.
const changed = 100

// apply makes the change, and tells of all that was tried however it ends.
func (s *session) apply(ctx context.Context, c ops.Change, targets []backend.Summary) error {
	var all []ops.Outcome
	var stopped error
	for rest := targets; len(rest) > 0 && stopped == nil; {
		part := rest[:min(len(rest), changed)]
		outcomes, err := s.store.Apply(ctx, c, part)
		all, rest = append(all, outcomes...), rest[len(part):]
		if stopped = err; err == nil {
			stopped = ctx.Err()
		}
	}
	if len(all) == 0 && stopped != nil {
		return stopped
	}
	sum := sumUp(all, len(targets), stopped)
	if sum != nil && len(targets) == 1 && s.isTable() {
		return sum // which says it all
	}
	if err := s.outcomes(c, all); err != nil {
		return err
	}
	return sum
}

// sumUp turns outcomes into one error.
func sumUp(all []ops.Outcome, of int, stopped error) error {
	done, last := 0, stopped
	for _, o := range all {
		if o.Err == nil {
			done++
		} else if last == nil {
			last = o.Err
		}
	}
	switch {
	case done == of:
		return nil
	case of == 1:
		return last
	}
	return fmt.Errorf("%w: %d of %d instances were done; the first that was not: %w", errPartial, done, of, last)
}

// outcomes writes what became of a change.
func (s *session) outcomes(c ops.Change, all []ops.Outcome) error {
	t := view.Outcomes(string(c.Action), all, s.o.dryRun)
	docs := make([]any, len(all))
	names := make([]string, len(all))
	for i, o := range all {
		docs[i] = document.OfOutcome(c, o, s.o.dryRun)
		names[i] = o.Instance.InstanceID
	}
	return s.printAll(t, docs, names)
}
