package worker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
)

// Options configure a Worker. The zero value works and is fast.
type Options struct {
	WorkflowWorkerOptions
	ActivityWorkerOptions

	// SingleWorkerMode has no effect: an activity always runs in the process that
	// runs its workflow, if that registers it and has a free slot.
	SingleWorkerMode bool

	// Roles restrict the worker to workflows or to activities.
	Roles Roles
	// Registry holds the functions; nil means an empty one that RegisterWorkflow and
	// RegisterActivity fill.
	Registry *registry.Registry
	// Settings are what worker and client must agree on.
	Settings settings.Settings
	// Observers are told of each durable step.
	Observers []Observer
	// WorkerID names the worker in the store; empty means host, process id and a
	// random part. Two workers must not have the same.
	WorkerID string
	// BuildID names the code that the worker runs; empty means 12 hexadecimal
	// digits of the SHA-256 of the executable.
	BuildID string
	// LeaseDuration is how long a task stays this worker's when nothing is heard of
	// it: so long does it take until another one takes over after a crash, and so long
	// may the store be away without anything being run twice. 0 means 30 s; at least
	// 1 s.
	LeaseDuration time.Duration
	// CacheBytes bounds the estimated memory of executors that are kept for the next
	// event of their instance. 0 means 256 MiB, less than 0 keeps none.
	CacheBytes int64
	// StopTimeout is how long running activities may go on after the context of
	// Start was canceled. 0 means 10 s.
	StopTimeout time.Duration
	// BlockedBundles is a folder, which must exist, for a bundle of each instance that
	// this worker blocks; see diagnostics.Bundle. Files hold all values of the
	// instance, can be read by their owner only, and nobody removes them. Empty means
	// none.
	BlockedBundles string
}

// Roles say what kinds of tasks a worker runs.
type Roles int8

// The closed set of roles.
const (
	// WorkflowsAndActivities is the default, and the fastest: what a workflow
	// schedules runs where it was scheduled.
	WorkflowsAndActivities Roles = iota
	WorkflowsOnly
	ActivitiesOnly
)

// WorkflowWorkerOptions configure how workflows are run.
type WorkflowWorkerOptions struct {
	// WorkflowPollers has no effect: one loop claims for all slots.
	WorkflowPollers int
	// MaxParallelWorkflowTasks bounds the instances whose code is running or whose
	// step is being stored. 0 means 1,000.
	MaxParallelWorkflowTasks int
	// WorkflowHeartbeatInterval has no effect: leases are prolonged when a third of
	// LeaseDuration has passed.
	WorkflowHeartbeatInterval time.Duration
	// WorkflowPollingInterval is the longest wait between two looks into the store
	// when nothing wakes the worker. 0 means 1 s.
	WorkflowPollingInterval time.Duration
	// WorkflowExecutorCacheSize bounds the number of executors that are kept; see
	// Options.CacheBytes. 0 means 10,000.
	WorkflowExecutorCacheSize int
	// WorkflowExecutorCacheTTL is how long an executor is kept that nothing happens
	// to. 0 means 10 minutes.
	WorkflowExecutorCacheTTL time.Duration
	// WorkflowExecutorCache must be nil: executors of this engine can't be kept
	// elsewhere.
	WorkflowExecutorCache any
	// WorkflowQueues to serve. None means engine.QueueDefault.
	WorkflowQueues []engine.Queue
}

// ActivityWorkerOptions configure how activities are run.
type ActivityWorkerOptions struct {
	// ActivityPollers has no effect: one loop claims for all slots.
	ActivityPollers int
	// MaxParallelActivityTasks bounds the activities that run at a time. 0 means
	// 20,000.
	MaxParallelActivityTasks int
	// ActivityHeartbeatInterval has no effect: leases are prolonged when a third of
	// LeaseDuration has passed.
	ActivityHeartbeatInterval time.Duration
	// ActivityPollingInterval is the longest wait between two looks into the store
	// when nothing wakes the worker. 0 means 1 s.
	ActivityPollingInterval time.Duration
	// ActivityQueues to serve. None means engine.QueueDefault.
	ActivityQueues []engine.Queue
}

// DefaultOptions are what a nil *Options means.
var DefaultOptions = Options{}

// Defaults of options.
const (
	defaultWorkflowSlots = 1_000
	defaultActivitySlots = 20_000
	defaultLease         = 30 * time.Second
	minLease             = time.Second
	defaultCacheBytes    = 256 << 20
	defaultCacheCount    = 10_000
	defaultCacheTTL      = 10 * time.Minute
	defaultStopTimeout   = 10 * time.Second
	// nearest is how soon a timer must be due for its execution to be kept.
	nearest = time.Second
)

// resolved are options with their defaults.
type resolved struct {
	roles                        Roles
	workflowQueues               []engine.Queue
	activityQueues               []engine.Queue
	workflowSlots, activitySlots int
	workflowPoll, activityPoll   time.Duration
	lease, margin, near          time.Duration
	cacheBytes                   int64
	cacheCount                   int
	cacheTTL                     time.Duration
	stopTimeout                  time.Duration
	blockedBundles               string
}

func (o Options) resolve() resolved {
	r := resolved{
		roles:          o.Roles,
		workflowQueues: queues(o.WorkflowQueues), activityQueues: queues(o.ActivityQueues),
		workflowSlots: cmp.Or(o.MaxParallelWorkflowTasks, defaultWorkflowSlots),
		activitySlots: cmp.Or(o.MaxParallelActivityTasks, defaultActivitySlots),
		workflowPoll:  cmp.Or(o.WorkflowPollingInterval, defaultPoll),
		activityPoll:  cmp.Or(o.ActivityPollingInterval, defaultPoll),
		lease:         cmp.Or(o.LeaseDuration, defaultLease),
		cacheBytes:    cmp.Or(o.CacheBytes, defaultCacheBytes),
		cacheCount:    cmp.Or(o.WorkflowExecutorCacheSize, defaultCacheCount),
		cacheTTL:      cmp.Or(o.WorkflowExecutorCacheTTL, defaultCacheTTL),
		stopTimeout:   cmp.Or(o.StopTimeout, defaultStopTimeout),

		blockedBundles: o.BlockedBundles,
	}
	r.margin = r.lease / 10
	r.near = min(nearest, r.lease/2)
	return r
}

func queues(qs []engine.Queue) []engine.Queue {
	if len(qs) == 0 {
		return []engine.Queue{engine.QueueDefault}
	}
	var out []engine.Queue
	for _, q := range qs {
		if q = q.OrDefault(); !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}

// check returns an error that wraps engine.ErrInvalidArgument and names the option,
// if o can't be meant.
func (o Options) check() error {
	for _, d := range []struct {
		name  string
		value int64
		least int64
	}{
		{"MaxParallelWorkflowTasks", int64(o.MaxParallelWorkflowTasks), 0},
		{"MaxParallelActivityTasks", int64(o.MaxParallelActivityTasks), 0},
		{"WorkflowPollingInterval", int64(o.WorkflowPollingInterval), 0},
		{"ActivityPollingInterval", int64(o.ActivityPollingInterval), 0},
		{"WorkflowExecutorCacheSize", int64(o.WorkflowExecutorCacheSize), 0},
		{"WorkflowExecutorCacheTTL", int64(o.WorkflowExecutorCacheTTL), 0},
		{"StopTimeout", int64(o.StopTimeout), 0},
		{"LeaseDuration", int64(cmp.Or(o.LeaseDuration, defaultLease)), int64(minLease)},
		{"Roles", int64(o.Roles), 0},
	} {
		if d.value < d.least {
			return fmt.Errorf("%w: worker: Options.%s is %d, the least is %d", engine.ErrInvalidArgument, d.name, d.value, d.least)
		}
	}
	switch {
	case o.Roles > ActivitiesOnly:
		return fmt.Errorf("%w: worker: Options.Roles is %d", engine.ErrInvalidArgument, o.Roles)
	case o.WorkflowExecutorCache != nil:
		return fmt.Errorf("%w: worker: Options.WorkflowExecutorCache can't be used; see CacheBytes", engine.ErrInvalidArgument)
	}
	for _, q := range slices.Concat(o.WorkflowQueues, o.ActivityQueues) {
		if err := engine.CheckName("worker: queue", string(q.OrDefault())); err != nil {
			return err
		}
	}
	for _, id := range []string{o.WorkerID, o.BuildID} {
		if id == "" {
			continue
		}
		if err := engine.CheckName("worker: Options.WorkerID or BuildID", id); err != nil {
			return err
		}
	}
	return o.Settings.Check()
}
