package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Severity says how bad a finding is.
type Severity string

// The closed set of severities, worst first.
const (
	// SeverityProblem makes the store unhealthy.
	SeverityProblem Severity = "problem"
	// SeverityNote is worth knowing.
	SeverityNote Severity = "note"
)

// Finding is something that an operator should know.
type Finding struct {
	Severity Severity
	// Code is a stable name of what was found: "queue-unserved".
	Code string
	// Subject is the queue, the worker or the build.
	Subject string
	Message string
	// Advice is what to do or look at.
	Advice string
}

// Health is the state of a store and its workers.
type Health struct {
	Info     backend.Info
	Queues   []Queue
	Workers  []Worker
	Blocked  int64
	Findings []Finding
	Now      time.Time
	// Ping is how long the store took to answer, and Skew by how much its clock is
	// ahead of this machine's: 0 if that is less than can be told.
	Ping, Skew time.Duration
}

// Healthy reports whether there is no problem.
func (h Health) Healthy() bool {
	return !slices.ContainsFunc(h.Findings, func(f Finding) bool { return f.Severity == SeverityProblem })
}

// HealthOptions are the limits of what is healthy.
type HealthOptions struct {
	// MaxWait is how long a task may wait for a worker; 0 means DefaultMaxWait.
	MaxWait time.Duration
}

// DefaultMaxWait is how long a task may wait for a worker.
const DefaultMaxWait = time.Minute

// Health looks for what is wrong. An error means that it can't be told.
func (s *Store) Health(ctx context.Context, o HealthOptions) (Health, error) {
	if o.MaxWait <= 0 {
		o.MaxWait = DefaultMaxWait
	}
	var h Health
	var err error
	if h.Info, h.Ping, h.Skew, err = s.Ping(ctx); err != nil {
		return h, fmt.Errorf("asking the store about itself: %w", err)
	}
	h.Now = h.Info.Now
	if h.Workers, err = s.Workers(ctx); err != nil {
		return h, err
	}
	stats, err := s.b.Queues(ctx)
	if err != nil {
		return h, fmt.Errorf("listing queues: %w", err)
	}
	h.Queues = joinQueues(stats, h.Workers)
	counts, err := s.b.Count(ctx, backend.Query{Statuses: []engine.Status{engine.StatusBlocked}})
	if err != nil {
		return h, fmt.Errorf("counting blocked instances: %w", err)
	}
	h.Blocked = counts[engine.StatusBlocked]
	h.Findings = slices.Concat(queueFindings(h.Queues, o, h.Now), workerFindings(h.Workers, h.Now), blockedFindings(h.Blocked), buildFindings(h.Workers))
	slices.SortStableFunc(h.Findings, func(a, b Finding) int { return -strings.Compare(string(a.Severity), string(b.Severity)) })
	return h, nil
}

func queueFindings(queues []Queue, o HealthOptions, now time.Time) []Finding {
	var found []Finding
	for _, q := range queues {
		waited := now.Sub(q.OldestReady)
		subject := fmt.Sprintf("%s/%s", q.Queue, q.Kind)
		switch {
		case q.Ready == 0:
		case q.Workers == 0:
			found = append(found, Finding{SeverityProblem, "queue-unserved", subject,
				ready(q.Ready) + " and no living worker serves the queue", "start a worker for it"})
		case waited > o.MaxWait:
			found = append(found, Finding{SeverityProblem, "queue-slow", subject,
				fmt.Sprintf("a task has waited %s; %s, %d of %d slots are taken", waited.Round(time.Second), ready(q.Ready), q.Used, q.Slots),
				"add workers if the slots are taken; else see if the workers know the workflow and activity"})
		}
	}
	return found
}

func ready(n int64) string {
	if n == 1 {
		return "1 task is ready"
	}
	return fmt.Sprintf("%d tasks are ready", n)
}

func workerFindings(workers []Worker, now time.Time) []Finding {
	var found []Finding
	for _, w := range workers {
		switch {
		case w.Lost:
			found = append(found, Finding{SeverityProblem, "worker-lost", w.ID,
				fmt.Sprintf("no heartbeat for %s from %s, which held %d leases", now.Sub(w.Seen).Round(time.Second), w.Host, w.Leases),
				"its work is taken over when the leases run out; see why it died"})
		case w.Unhealthy != "":
			found = append(found, Finding{SeverityProblem, "worker-unhealthy", w.ID, w.Unhealthy, "see its log"})
		}
	}
	return found
}

func blockedFindings(blocked int64) []Finding {
	if blocked == 0 {
		return nil
	}
	message := fmt.Sprintf("%d instances are blocked", blocked)
	if blocked == 1 {
		message = "1 instance is blocked"
	}
	return []Finding{{SeverityProblem, "blocked", "", message, "wfops list --filter is:blocked"}}
}

// buildFindings tells of queues that are served by several builds.
func buildFindings(workers []Worker) []Finding {
	builds := map[engine.Queue][]string{}
	for _, w := range workers {
		for _, q := range w.Queues {
			if !w.Lost && !slices.Contains(builds[q], w.Build) {
				builds[q] = append(builds[q], w.Build)
			}
		}
	}
	var found []Finding
	for q, several := range builds {
		if len(several) > 1 {
			slices.Sort(several)
			found = append(found, Finding{SeverityNote, "mixed-builds", string(q), "workers of several builds serve the queue: " + strings.Join(several, ", "), "expected during a rollout"})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.Subject, b.Subject) })
	return found
}
