package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver to remove schemas with

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/backends/mysql"
	"github.com/wfops/wfops/backends/postgres"
	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// storeKind is a store to measure.
type storeKind struct {
	name string
	// shared tells that several processes can open it.
	shared bool
	// server tells that it lies on a server, which -dsn names.
	server bool
	// open opens the store at a place, or makes it.
	open func(ctx context.Context, p place) (backend.Backend, error)
	// remove deletes what was made outside of the folder. It may be nil.
	remove func(ctx context.Context, p place) error
}

// place is where a store is, and how safe it keeps what it is given.
type place struct {
	dir        string
	dsn        string // of a server
	durability durability
}

// name is that of the database on a server, or of the schema in one.
func (p place) name() string { return strings.ToLower(filepath.Base(p.dir)) }

var storeKinds = []storeKind{
	{name: "memory", open: func(context.Context, place) (backend.Backend, error) { return memory.New(), nil }},
	{name: "sqlite", shared: true, open: openSQLite},
	{name: "mysql", shared: true, server: true, open: openMySQL, remove: removeMySQL},
	{name: "postgres", shared: true, server: true, open: openPostgres, remove: removePostgres},
	{name: "redis", shared: true, server: true, open: openRedis, remove: removeRedis},
}

func openSQLite(ctx context.Context, p place) (backend.Backend, error) {
	synchronous := sqlite.Full
	if p.durability == normal {
		synchronous = sqlite.Normal
	}
	return sqlite.Open(ctx, filepath.Join(p.dir, "bench.sqlite"), sqlite.WithSynchronous(synchronous))
}

func openMySQL(ctx context.Context, p place) (backend.Backend, error) {
	if err := execute(ctx, "mysql", p.dsn, "CREATE DATABASE IF NOT EXISTS "+p.name()); err != nil {
		return nil, err
	}
	server, settings, _ := strings.Cut(p.dsn, "?")
	return mysql.Open(ctx, server+p.name()+"?"+settings)
}

func removeMySQL(ctx context.Context, p place) error {
	return execute(ctx, "mysql", p.dsn, "DROP DATABASE IF EXISTS "+p.name())
}

func openPostgres(ctx context.Context, p place) (backend.Backend, error) {
	return postgres.Open(ctx, p.dsn, postgres.WithSchema(p.name()))
}

func removePostgres(ctx context.Context, p place) error {
	return execute(ctx, "pgx", p.dsn, "DROP SCHEMA IF EXISTS "+p.name()+" CASCADE")
}

// execute runs a statement on a server.
func execute(ctx context.Context, driver, dsn, statement string) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

func storeNames() string {
	return strings.Join(namesOf(storeKinds, func(s storeKind) string { return s.name }), ", ")
}

// counter counts the calls of a store. It sits below whatever gathers them, so that
// a call is what the store sees.
type counter struct {
	backend.Backend

	calls  atomic.Int64 // all of the below, and claims that found nothing
	writes atomic.Int64
	leases atomic.Int64 // rows whose lease was prolonged
}

// counts is a reading of a counter.
type counts struct{ calls, writes, leases int64 }

func (c *counter) read() counts {
	return counts{calls: c.calls.Load(), writes: c.writes.Load(), leases: c.leases.Load()}
}

func (c counts) minus(o counts) counts {
	return counts{calls: c.calls - o.calls, writes: c.writes - o.writes, leases: c.leases - o.leases}
}

func (c *counter) wrote() {
	c.calls.Add(1)
	c.writes.Add(1)
}

// claimed notes a claim, which writes if it finds something.
func (c *counter) claimed(tasks int) {
	c.calls.Add(1)
	if tasks > 0 {
		c.writes.Add(1)
	}
}

func (c *counter) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	c.wrote()
	return c.Backend.Create(ctx, cs)
}

func (c *counter) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	c.wrote()
	return c.Backend.Deliver(ctx, ds)
}

func (c *counter) ClaimWorkflows(ctx context.Context, claim backend.WorkflowClaim) (backend.WorkflowClaimed, error) {
	got, err := c.Backend.ClaimWorkflows(ctx, claim)
	c.claimed(len(got.Tasks))
	return got, err
}

func (c *counter) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	c.wrote()
	return c.Backend.CommitWorkflows(ctx, cs)
}

func (c *counter) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	c.wrote()
	c.leases.Add(int64(len(es)))
	return c.Backend.ExtendWorkflows(ctx, es)
}

func (c *counter) ClaimActivities(ctx context.Context, claim backend.ActivityClaim) (backend.ActivityClaimed, error) {
	got, err := c.Backend.ClaimActivities(ctx, claim)
	c.claimed(len(got.Tasks))
	return got, err
}

func (c *counter) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	c.wrote()
	return c.Backend.CommitActivities(ctx, cs)
}

func (c *counter) ExtendActivities(ctx context.Context, es []backend.ActivityExtension) []error {
	c.wrote()
	c.leases.Add(int64(len(es)))
	return c.Backend.ExtendActivities(ctx, es)
}

func (c *counter) Heartbeat(ctx context.Context, w backend.Worker) error {
	c.wrote()
	return c.Backend.Heartbeat(ctx, w)
}

func (c *counter) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	c.calls.Add(1)
	return c.Backend.Get(ctx, i)
}

func (c *counter) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	c.calls.Add(1)
	return c.Backend.History(ctx, i, after, limit)
}

func (c *counter) Info(ctx context.Context) (backend.Info, error) {
	c.calls.Add(1)
	return c.Backend.Info(ctx)
}
