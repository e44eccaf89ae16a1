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
	short, cancel := context.WithTimeout(ctx, s.o.timeout)
	defer cancel()
	err = s.wait(short, args[0], wanted)
	if err != nil && errors.Is(err, context.DeadlineExceeded) && short.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", errTimeUp, err)
	}
	return err
}

func (s *session) wait(ctx context.Context, name string, wanted func(*backend.Summary) bool) error {
	from, err := s.store.Exact(ctx, name)
	if err != nil {
		return err
	}
	start := time.Now()
	last := from
	if !s.target.IsBundle() { // which does not change
		last, err = s.waitFor(ctx, from, wanted)
	}
	if err != nil {
		return fmt.Errorf("%s is %s after %s: %w", last.Instance, last.Status, time.Since(start).Round(time.Millisecond), err)
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
