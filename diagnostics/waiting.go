package diagnostics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
)

// Facts are what is known of an instance and of the workers around it: the stored
// record of what it waits for, joined with leases, rows and heartbeats as they are
// now.
type Facts struct {
	Now    time.Time
	Status engine.Status
	Paused bool
	Queue  engine.Queue
	// Waiting is the stored record, Block the stored reason of a blocked instance, Note
	// what an operator asked last.
	Waiting *engine.Waiting
	Block   *engine.BlockReason
	Note    *engine.Note
	// Ready is since when a worker could go on with it, or zero.
	Ready time.Time
	// Holder has its lease until LeaseUntil; empty if nobody has.
	Holder     string
	LeaseUntil time.Time
	// Activities are the rows of those that are not running at the holder.
	Activities []ActivityFacts
	Workers    []WorkerFacts
}

// ActivityFacts are what is known of an activity that has no answer yet.
type ActivityFacts struct {
	Ref     int64
	Name    string
	Queue   engine.Queue
	Attempt int
	// MaxAttempts is 0 if there is no limit.
	MaxAttempts int
	LastError   string
	// ReadyAt is when the next attempt may begin. Started is when the attempt began
	// that Holder runs.
	ReadyAt time.Time
	Started time.Time
	Holder  string
}

// WorkerFacts are a worker's heartbeat.
type WorkerFacts struct {
	ID         string
	Workflows  []engine.Queue
	Activities []engine.Queue
	Seen       time.Time
}

// WorkerLost is how long a worker may be silent before it is taken for dead.
const WorkerLost = 30 * time.Second

// Reason is the one thing that an open instance waits for.
type Reason struct {
	Kind ReasonKind `json:"kind"`
	// Name of the signal, timer, activity, child or queue; of a blocked instance its
	// class.
	Name  string    `json:"name,omitempty"`
	Ref   int64     `json:"ref,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Attempt of Attempts, which is 0 if there is no limit.
	Attempt  int `json:"attempt,omitempty"`
	Attempts int `json:"attempts,omitempty"`
	// Error is the last one of an activity, or why the instance is blocked or paused.
	Error string `json:"error,omitempty"`
	// Worker that has it, or had it.
	Worker string `json:"worker,omitempty"`
	// More is how many other things it waits for besides.
	More int `json:"more,omitempty"`
}

// ReasonKind is what kind of thing an instance waits for.
type ReasonKind string

// The closed set of reasons.
const (
	ReasonNone     ReasonKind = ""          // it has ended
	ReasonPaused   ReasonKind = "paused"    // somebody paused it
	ReasonBlocked  ReasonKind = "blocked"   // its code can't go on
	ReasonLost     ReasonKind = "lost"      // the worker that has it is not seen any more
	ReasonNoWorker ReasonKind = "no worker" // it could go on, and nobody serves its queue
	ReasonQueued   ReasonKind = "queued"    // it could go on, and will
	ReasonRunning  ReasonKind = "running"   // an activity runs
	ReasonRetry    ReasonKind = "retry"     // an activity has failed and will be tried again
	ReasonActivity ReasonKind = "activity"  // an activity waits for a worker
	ReasonNoRunner ReasonKind = "no runner" // an activity waits, and nobody serves its queue
	ReasonSignal   ReasonKind = "signal"
	ReasonTimer    ReasonKind = "timer"
	ReasonChild    ReasonKind = "child"
	ReasonOther    ReasonKind = "other"      // a channel, a lock or a condition inside the workflow
	ReasonUnknown  ReasonKind = "not stored" // no step has been stored yet
)

// Waiting returns the one reason for which an instance does not move. What an
// operator can do something about comes first.
func Waiting(f Facts) Reason {
	switch {
	case f.Status.Final():
		return Reason{}
	case f.Paused:
		return pausedReason(f.Note)
	case f.Status == engine.StatusBlocked:
		return blockedReason(f)
	case f.Holder != "" && !f.alive(f.Holder):
		return Reason{Kind: ReasonLost, Worker: f.Holder, Since: f.seen(f.Holder), Until: f.LeaseUntil}
	case f.Holder == "" && !f.Ready.IsZero() && !f.Ready.After(f.Now):
		return readyReason(f)
	case f.Waiting == nil:
		return Reason{Kind: ReasonUnknown}
	}
	return storedReason(f)
}

func pausedReason(n *engine.Note) Reason {
	r := Reason{Kind: ReasonPaused}
	if n != nil && n.Action == engine.NotePause {
		r.Since, r.Error = n.At, n.Reason
	}
	return r
}

func blockedReason(f Facts) Reason {
	r := Reason{Kind: ReasonBlocked}
	if f.Block != nil {
		r.Name, r.Error, r.Worker = string(f.Block.Class), f.Block.Message, f.Block.Worker
	}
	return r
}

func readyReason(f Facts) Reason {
	r := Reason{Kind: ReasonNoWorker, Name: string(f.Queue.OrDefault()), Since: f.Ready}
	if f.served(f.Queue, func(w WorkerFacts) []engine.Queue { return w.Workflows }) {
		r.Kind = ReasonQueued
	}
	return r
}

// storedReason is what the last step has left, with what is known of it by now.
func storedReason(f Facts) Reason {
	w := f.Waiting
	r := Reason{Name: w.Name, Ref: w.Ref, Since: w.Since, Until: w.Until, Attempt: w.Attempt, More: w.More}
	switch w.Kind {
	case engine.WaitSignal:
		r.Kind = ReasonSignal
	case engine.WaitTimer:
		r.Kind = ReasonTimer
	case engine.WaitChild:
		r.Kind = ReasonChild
	case engine.WaitOther:
		r.Kind = ReasonOther
	case engine.WaitActivity:
		activityReason(&r, f)
	}
	return r
}

// activityReason fills in an activity. One without a row runs where the instance is
// held.
func activityReason(r *Reason, f Facts) {
	r.Kind, r.Worker = ReasonRunning, f.Holder
	i := slices.IndexFunc(f.Activities, func(a ActivityFacts) bool { return a.Ref == r.Ref })
	if i < 0 {
		return
	}
	a := f.Activities[i]
	r.Attempt, r.Attempts, r.Error, r.Worker = a.Attempt, a.MaxAttempts, a.LastError, a.Holder
	switch {
	case a.Holder != "" && !f.alive(a.Holder):
		r.Kind, r.Since = ReasonLost, f.seen(a.Holder)
	case a.Holder != "":
		r.Since = a.Started
	case a.ReadyAt.After(f.Now):
		r.Kind, r.Until = ReasonRetry, a.ReadyAt
	case f.served(a.Queue, func(w WorkerFacts) []engine.Queue { return w.Activities }):
		r.Kind = ReasonActivity
	default:
		r.Kind, r.Name = ReasonNoRunner, string(a.Queue.OrDefault())
	}
}

func (f *Facts) worker(id string) (WorkerFacts, bool) {
	i := slices.IndexFunc(f.Workers, func(w WorkerFacts) bool { return w.ID == id })
	if i < 0 {
		return WorkerFacts{}, false
	}
	return f.Workers[i], true
}

func (f *Facts) alive(id string) bool {
	w, known := f.worker(id)
	return known && f.Now.Sub(w.Seen) < WorkerLost
}

func (f *Facts) seen(id string) time.Time {
	w, _ := f.worker(id)
	return w.Seen
}

func (f *Facts) served(q engine.Queue, by func(WorkerFacts) []engine.Queue) bool {
	return slices.ContainsFunc(f.Workers, func(w WorkerFacts) bool {
		return f.alive(w.ID) && slices.Contains(by(w), q.OrDefault())
	})
}

// Text is the reason in one line, for the time at which it is drawn.
func (r Reason) Text(now time.Time) string {
	parts := []string{r.words()}
	if r.Attempt > 1 || r.Kind == ReasonRetry {
		of := ""
		if r.Attempts > 0 {
			of = fmt.Sprintf("/%d", r.Attempts)
		}
		parts = append(parts, fmt.Sprintf("attempt %d%s", r.Attempt, of))
	}
	if !r.Until.IsZero() {
		parts = append(parts, r.until()+" "+about(r.Until.Sub(now)))
	} else if !r.Since.IsZero() {
		parts = append(parts, r.since(about(now.Sub(r.Since))))
	}
	if r.Error != "" {
		parts = append(parts, engine.FirstLine(r.Error))
	}
	if r.More > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", r.More))
	}
	return strings.Join(parts, ", ")
}

func (r Reason) words() string {
	switch r.Kind {
	case ReasonNone:
		return "ended"
	case ReasonPaused:
		return "paused"
	case ReasonBlocked:
		return "blocked: " + cmp.Or(r.Name, "for a reason that is not stored")
	case ReasonLost:
		return fmt.Sprintf("held by worker %s, which is not seen", r.Worker)
	case ReasonNoWorker:
		return fmt.Sprintf("no worker on queue %q", r.Name)
	case ReasonQueued:
		return "workflow task queued"
	case ReasonRunning:
		return "activity " + r.Name + " running"
	case ReasonRetry:
		return "activity " + r.Name
	case ReasonActivity:
		return "activity " + r.Name + " queued"
	case ReasonNoRunner:
		return fmt.Sprintf("no worker for activities on queue %q", r.Name)
	case ReasonSignal:
		return fmt.Sprintf("signal %q", r.Name)
	case ReasonTimer:
		return strings.TrimSpace("timer " + r.Name)
	case ReasonChild:
		return "child " + r.Name
	case ReasonOther:
		return cmp.Or(r.Name, "something inside the workflow")
	case ReasonUnknown:
		return "not known yet"
	}
	return string(r.Kind)
}

func (r Reason) until() string {
	switch r.Kind { //nolint:exhaustive // the others do not end by themselves
	case ReasonTimer:
		return "fires in"
	case ReasonRetry:
		return "next in"
	case ReasonLost:
		return "lease ends in"
	}
	return "until in"
}

func (r Reason) since(d string) string {
	if r.Kind == ReasonLost {
		return "last seen " + d + " ago"
	}
	return "for " + d
}

// about is a duration as people say it: its two largest units.
func about(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
