package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

func runQueues(ctx context.Context, s *session, _ []string) error {
	queues, err := s.store.Queues(ctx)
	if err != nil {
		return err
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	var names []string
	docs := make([]any, len(queues))
	for i, q := range queues {
		names = append(names, string(q.Queue))
		docs[i] = document.OfQueue(q, o.Now)
	}
	return s.printAll(view.Queues(queues, o), docs, names)
}

func runWorkers(ctx context.Context, s *session, _ []string) error {
	workers, err := s.store.Workers(ctx)
	if err != nil {
		return err
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	var names []string
	docs := make([]any, len(workers))
	for i, w := range workers {
		names = append(names, w.ID)
		docs[i] = document.OfWorker(w, o.Now)
	}
	return s.printAll(view.Workers(workers, o), docs, names)
}

// printAll is print for several documents: a JSON array of them, or one after the
// other.
func (s *session) printAll(t view.Table, docs []any, names []string) error {
	if s.isTable() || s.flags.output == formatName {
		return s.print(t, nil, names)
	}
	if s.flags.output == formatJSON && s.flags.jq == "" {
		return s.document(docs)
	}
	for _, doc := range docs {
		if err := s.document(doc); err != nil {
			return err
		}
	}
	return nil
}

func healthFlags(s *session, fs *pflag.FlagSet) {
	watchFlags(s, fs)
	fs.DurationVar(&s.o.maxWait, "max-wait", ops.DefaultMaxWait, "how long a task may wait for a worker")
}

func runHealth(ctx context.Context, s *session, _ []string) error {
	h, err := s.store.Health(ctx, ops.HealthOptions{MaxWait: s.o.maxWait})
	if err != nil {
		return err
	}
	var codes []string
	for _, f := range h.Findings {
		codes = append(codes, f.Code)
	}
	if len(h.Findings) > 0 || !s.isTable() {
		err = s.print(view.Findings(h.Findings, s.view(h.Now)), document.OfHealth(h), codes)
	} else {
		_, err = fmt.Fprintln(s.env.Out, view.Escape(fmt.Sprintf("healthy: %s, %d queues, %d workers", h.Info.Kind, len(h.Queues), len(h.Workers))))
	}
	if err == nil && !h.Healthy() {
		err = errNo
	}
	return err
}

func waitFlags(s *session, fs *pflag.FlagSet) {
	fs.StringSliceVar(&s.o.wanted, "for", []string{"final"}, "`status` to wait for: one of the statuses, final, or paused")
	fs.DurationVar(&s.o.timeout, "timeout", 0, "how long to wait; 0 means for ever")
}

func runWait(ctx context.Context, s *session, args []string) error {
	wanted, err := wantedStatuses(s.o.wanted)
	if err != nil {
		return err
	}
	if s.o.timeout <= 0 {
		return s.wait(ctx, args[0], wanted)
	}
	short, cancel := context.WithTimeoutCause(ctx, s.o.timeout, errTimeUp)
	defer cancel()
	return s.wait(short, args[0], wanted)
}

func (s *session) wait(ctx context.Context, name string, wanted func(*backend.Summary) bool) error {
	start := time.Now()
	last, err := s.store.Exact(ctx, name)
	if err == nil && !s.target.IsBundle() { // which does not change
		last, err = s.waitFor(ctx, last, wanted)
	}
	if err != nil {
		return notSeen(ctx, &last, time.Since(start).Round(time.Millisecond), err)
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	if s.isTable() {
		_, err = fmt.Fprintln(s.env.Out, view.Escape(last.Instance.InstanceID+" is "+view.StatusWord(&last)))
	} else {
		err = s.print(view.Table{}, document.OfInstance(&last), []string{last.Instance.InstanceID})
	}
	if err == nil && !wanted(&last) {
		if line := o.Situation(&last).Text; line != "" {
			s.note("%s", line)
		}
		err = errNo
	}
	return err
}

// notSeen is the error of a wait that has ended before the instance has, with what was
// seen of it last, if anything was.
func notSeen(ctx context.Context, last *backend.Summary, after time.Duration, err error) error {
	seen := "the store has not answered"
	if last.Status != "" {
		seen = last.Instance.String() + " is " + view.StatusWord(last)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), errTimeUp):
		return fmt.Errorf("%w: %s after %s", errTimeUp, seen, after)
	case last.Status != "":
		return fmt.Errorf("%s after %s: %w", seen, after, err)
	}
	return err
}

// waitFor waits on through outages of the store, which it tells of: a pipeline that
// waits for an instance does not fail because a server is restarted.
func (s *session) waitFor(ctx context.Context, from backend.Summary, wanted func(*backend.Summary) bool) (backend.Summary, error) {
	for {
		last, err := s.store.Wait(ctx, from, wanted)
		if err == nil || ctx.Err() != nil || !passes(ctx, err) {
			return last, err
		}
		s.note("wfops: %v; trying again", err)
		if err := pauseFor(ctx, retryAfter); err != nil {
			return last, err
		}
		from = last
	}
}

// retryAfter is how long a store that is away is left alone.
const retryAfter = time.Second
