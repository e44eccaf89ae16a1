package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Backend is a store in Redis. It is safe for concurrent use.
type Backend struct {
	client redis.UniversalClient
	owned  bool // Close closes the client
	opts   options
	tags   []string // of the partitions
	// near tells that one server holds all partitions, so that one script may touch
	// them all.
	near   bool
	caller string // tells our hints from others'
	failed error  // of a failed open
	server server

	hub    backend.Hub
	listen sync.Once
	// listening tells that we do, and alone until when to take for granted that
	// nobody else does, in nanoseconds since 1970.
	listening atomic.Bool
	alone     atomic.Int64

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // in progress
	// life ends with Close, and work is what runs until then.
	life context.Context //nolint:containedctx // it is the store's own
	end  context.CancelFunc
	work sync.WaitGroup
	kick chan struct{} // an outbox was not emptied
}

var _ backend.Backend = (*Backend)(nil)

// schema is the version of the keys that this package writes.
const schema = 1

// Open opens the store at an address, host:port, or a URL:
//
//	redis://user:password@host:6379/0          one server; rediss:// with TLS
//	redis-cluster://user:password@host:7000,host:7001
//	redis-sentinel://host:26379,host:26380/0?master_name=mymaster&username=user&password=password
//
// Settings of go-redis may follow after a '?', like dial_timeout=3s. What is before an
// '@' in an address of Sentinel is the user and the password of Sentinel itself.
//
// Errors: engine.ErrInvalidArgument for an address that can't be understood or
// partitions that are not the store's; engine.ErrNotAStore if the keys are something
// else's; engine.ErrSchemaVersion if the store is newer than this program;
// engine.ErrReadOnly if the server is a replica that takes no writes. None shows the
// password.
func Open(ctx context.Context, address string, opts ...Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	client, err := connect(address, o.dial)
	if err != nil {
		return nil, err
	}
	return open(ctx, client, true, o)
}

// New opens the store that a client of one server, of Sentinel or of a cluster is
// connected to. Close does not close the client. With ReadOnly the store makes a
// client of its own with the same options. The client of a cluster must have
// MaxRedirects -1.
func New(ctx context.Context, client redis.UniversalClient, opts ...Option) (*Backend, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if c, ok := client.(*redis.ClusterClient); ok && c.Options().MaxRedirects > 0 {
		return nil, fmt.Errorf("redis: %w: the client follows redirections, which is not safe while slots move: set its MaxRedirects to -1, or use Open",
			engine.ErrInvalidArgument)
	}
	if !o.readOnly {
		return open(ctx, client, false, o)
	}
	own, err := twin(client)
	if err != nil {
		return nil, err
	}
	return open(ctx, own, true, o)
}

// NewRedisBackend is New for programs that start with it. A failed open is reported
// by Err, by every method, and so when a worker is started.
func NewRedisBackend(client redis.UniversalClient, opts ...Option) *Backend {
	b, err := New(context.Background(), client, opts...)
	if err != nil {
		return &Backend{failed: err}
	}
	return b
}

// Err is why NewRedisBackend could not open the store, or nil.
func (b *Backend) Err() error { return b.failed }

func open(ctx context.Context, client redis.UniversalClient, owned bool, o options) (b *Backend, err error) {
	b = &Backend{client: client, owned: owned, opts: o, caller: engine.NewID(), kick: make(chan struct{}, 1)}
	defer func() {
		if err != nil && owned {
			err = errors.Join(err, client.Close())
		}
	}()
	if o.readOnly {
		client.AddHook(guard{})
	}
	if err := b.inspect(ctx); err != nil {
		return nil, err
	}
	if err := b.readMeta(ctx); err != nil {
		return nil, err
	}
	b.life, b.end = context.WithCancel(context.Background())
	if !o.readOnly {
		b.work.Go(b.housekeep)
	}
	return b, nil
}

// readMeta reads how the store is divided, and makes a new store where there is none.
func (b *Backend) readMeta(ctx context.Context) error {
	key := b.opts.prefix + ":meta"
	found, err := b.client.HGetAll(ctx, key).Result()
	if err == nil && len(found) == 0 && !b.opts.readOnly {
		n := b.opts.partitions
		if n == 0 {
			n = DefaultPartitions
		}
		// Of several that come at once, the first decides, and nobody sees the half of it.
		_, err = b.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSetNX(ctx, key, "partitions", n)
			p.HSetNX(ctx, key, "schema", schema)
			return nil
		})
		if err == nil {
			found, err = b.client.HGetAll(ctx, key).Result()
		}
	}
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return fmt.Errorf("redis: %w: %s is something else: choose another prefix: %w", engine.ErrNotAStore, key, err)
	}
	if err != nil {
		return b.explain("reading "+key, err)
	}
	if len(found) == 0 {
		return fmt.Errorf("redis: %w: there is no key %s, and a read-only connection makes no store", engine.ErrNotAStore, key)
	}
	return b.setPartitions(key, found)
}

func (b *Backend) setPartitions(key string, found map[string]string) error {
	n, err := strconv.Atoi(found["partitions"])
	version, err2 := strconv.Atoi(found["schema"])
	switch {
	case err != nil || err2 != nil || n < 1 || n > maxPartitions:
		return fmt.Errorf("redis: %w: %s holds %v: choose another prefix", engine.ErrNotAStore, key, found)
	case version > schema:
		return fmt.Errorf("redis: %w: the store has version %d, this program knows %d: use a newer build", engine.ErrSchemaVersion, version, schema)
	case b.opts.partitions != 0 && b.opts.partitions != n:
		return fmt.Errorf("redis: %w: the store has %d partitions, not %d: that can't be changed later, leave the option out",
			engine.ErrInvalidArgument, n, b.opts.partitions)
	}
	for i := range n {
		b.tags = append(b.tags, fmt.Sprintf("p%02d", i))
	}
	return nil
}

// Close implements backend.Backend. It waits for the calls in progress.
func (b *Backend) Close() error {
	b.mu.Lock()
	first := !b.closed
	b.closed = true
	b.mu.Unlock()
	if !first || b.client == nil { // it was never opened
		return nil
	}
	b.calls.Wait()
	b.end()
	b.work.Wait()
	if !b.owned {
		return nil
	}
	if err := b.client.Close(); err != nil {
		return fmt.Errorf("redis: closing: %w", err)
	}
	return nil
}

// enter begins a call, unless it can't. leave must follow.
func (b *Backend) enter(ctx context.Context, write bool) error {
	if b.failed != nil {
		return b.failed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return fmt.Errorf("redis: %w", engine.ErrClosed)
	case write && b.opts.readOnly:
		return fmt.Errorf("redis: %w", engine.ErrReadOnly)
	case ctx.Err() != nil:
		return fmt.Errorf("redis: %w", ctx.Err())
	}
	b.calls.Add(1)
	return nil
}

func (b *Backend) leave() { b.calls.Done() }
