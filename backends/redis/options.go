package redis

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	prefix     string
	partitions int
	retention  time.Duration
	readOnly   bool
	logger     *slog.Logger
	clock      func() time.Time
	// For tests: outboxes makes a single server be used like a cluster, deaf keeps the
	// store from listening to other processes, and dial goes by a network that fails.
	outboxes, deaf bool
	dial           dialer
}

// What a store has unless options say otherwise.
const (
	DefaultPrefix     = "wfops"
	DefaultPartitions = 16
	maxPartitions     = 1000
)

// WithPrefix sets what all keys begin with, so that several stores can share a
// server. The default is DefaultPrefix. It must not hold braces.
func WithPrefix(prefix string) Option { return func(o *options) { o.prefix = prefix } }

// WithPartitions sets into how many partitions a new store is divided; a cluster
// needs several for each node. The default is DefaultPartitions. A store that exists
// keeps its number, and refuses to be opened with another.
func WithPartitions(n int) Option { return func(o *options) { o.partitions = n } }

// WithRetention removes executions that long after they have ended. The default, 0,
// keeps them.
func WithRetention(d time.Duration) Option { return func(o *options) { o.retention = d } }

// ReadOnly opens an existing store for reading. Commands that could write are
// refused before they are sent, and scripts run by EVALSHA_RO. A user whom the server
// allows nothing else is safer still, see Permissions in the package comment.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }

// WithLogger sets who hears that the server may lose acknowledged writes, and of
// connections that were lost in the background. The default is slog.Default.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithClock replaces the server's clock, which leases, timers and ready times go by.
// It is for tests; all processes that share a store need the same clock.
func WithClock(now func() time.Time) Option { return func(o *options) { o.clock = now } }

// newOptions comes first wherever a store is opened, so that a process that must not
// reach one gets no further.
func newOptions(opts []Option) (options, error) {
	o := options{prefix: DefaultPrefix, logger: slog.Default()}
	if err := engine.CheckLive("redis: opening a store"); err != nil {
		return o, err
	}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case o.prefix == "" || strings.ContainsAny(o.prefix, "{}"):
		return o, fmt.Errorf("redis: %w: the key prefix is %q, it must not be empty or hold braces", engine.ErrInvalidArgument, o.prefix)
	case o.partitions < 0 || o.partitions > maxPartitions:
		return o, fmt.Errorf("redis: %w: %d partitions, want 1 to %d", engine.ErrInvalidArgument, o.partitions, maxPartitions)
	case o.retention < 0:
		return o, fmt.Errorf("redis: %w: the retention is %s", engine.ErrInvalidArgument, o.retention)
	case o.logger == nil:
		return o, fmt.Errorf("redis: %w: the logger is nil", engine.ErrInvalidArgument)
	}
	return o, nil
}
