package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// BackendOptions say what Backend does besides measuring writes.
type BackendOptions struct {
	// CallSpans adds a span for each call of the store, named like the method of
	// backend.Backend. Calls of a worker that concern many executions begin traces of
	// their own.
	CallSpans bool
}

// Backend returns b with its writes measured, and its queues, workers and blocked
// instances looked up whenever metrics are collected, until it is closed. Give it to
// client and worker in place of b: what they group is one write then. A process that
// looks at a store which others watch too sees the same numbers as they do.
func (t *Telemetry) Backend(b backend.Backend, o BackendOptions) backend.Backend {
	d := &measured{Backend: b, meters: t.meters}
	watched, err := t.meters.watch(d)
	if err != nil {
		t.log.Error("the queues of a store are not watched", slog.Any("error", err))
	}
	d.watched = watched
	if !o.CallSpans {
		return d
	}
	return intercept.New(d, d.traced(t.tracer))
}

// measured is a store whose writes are measured. It belongs below whatever groups
// writes: then it sees how many became durable together.
type measured struct {
	backend.Backend
	*meters

	watched metric.Registration // nil if the meter refused
	system  atomic.Value        // of type string, once it is known
}

// Create implements backend.Control.
func (d *measured) Create(ctx context.Context, cs []backend.Creation) []backend.CreateResult {
	began := time.Now()
	out := d.Backend.Create(ctx, cs)
	measure(ctx, d, intercept.Create, began, out, func(r backend.CreateResult) error { return r.Err })
	return out
}

// Deliver implements backend.Control.
func (d *measured) Deliver(ctx context.Context, ds []backend.Delivery) []error {
	began := time.Now()
	out := d.Backend.Deliver(ctx, ds)
	measure(ctx, d, intercept.Deliver, began, out, itself)
	return out
}

// Terminate implements backend.Control. No worker tells of the end of what is
// terminated, and the store knows it by its address only.
func (d *measured) Terminate(ctx context.Context, ts []backend.Termination) []error {
	out := d.Backend.Terminate(ctx, ts)
	for _, err := range out {
		if err == nil {
			d.finished.Add(ctx, 1, d.with(series{}.and(AttrStatus, string(engine.StatusTerminated))))
		}
	}
	return out
}

// CommitWorkflows implements backend.Work.
func (d *measured) CommitWorkflows(ctx context.Context, cs []backend.WorkflowCommit) []backend.WorkflowCommitted {
	began := time.Now()
	out := d.Backend.CommitWorkflows(ctx, cs)
	measure(ctx, d, intercept.CommitWorkflows, began, out, func(c backend.WorkflowCommitted) error { return c.Err })
	return out
}

// CommitActivities implements backend.Work.
func (d *measured) CommitActivities(ctx context.Context, cs []backend.ActivityCommit) []error {
	began := time.Now()
	out := d.Backend.CommitActivities(ctx, cs)
	measure(ctx, d, intercept.CommitActivities, began, out, itself)
	return out
}

// Info implements backend.Read.
func (d *measured) Info(ctx context.Context) (backend.Info, error) {
	info, err := d.Backend.Info(ctx)
	if err == nil {
		d.system.Store(systemOf(info))
	}
	return info, err
}

// Close implements backend.Backend.
func (d *measured) Close() error {
	var err error
	if d.watched != nil {
		err = d.watched.Unregister()
	}
	return errors.Join(err, d.Backend.Close())
}

func itself(err error) error { return err }

// measure notes a write that has been answered.
func measure[R any](ctx context.Context, d *measured, m intercept.Method, began time.Time, out []R, errOf func(R) error) {
	took := time.Since(began)
	var failed error // as a whole
	for i := range out {
		err := errOf(out[i])
		if engine.OutcomeUnknown(err) && i == 0 {
			failed = err
		} else if !engine.OutcomeUnknown(err) {
			failed = nil
		}
	}
	k := writeKey{system: d.name(ctx), operation: m}
	if failed != nil {
		k.failed = callError(failed)
	}
	d.wrote(k, took, len(out), sampledIn(trace.SpanContextFromContext(ctx)))
}

// name returns the name of the database. It is asked for once: mostly by the worker,
// when it starts.
func (d *measured) name(ctx context.Context) string {
	if name, ok := d.system.Load().(string); ok {
		return name
	}
	info, err := d.Info(ctx)
	if err != nil {
		return "unknown"
	}
	return systemOf(info)
}

// systemOf is the name that OpenTelemetry has for the database.
func systemOf(i backend.Info) string {
	switch {
	case i.Kind == "postgres":
		return "postgresql"
	case i.Kind == "mysql" && strings.Contains(i.Version, "MariaDB"):
		return "mariadb"
	}
	return i.Kind
}

// callError is one of a few words for what a call failed with.
func callError(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, engine.ErrTimeout):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, engine.ErrBusy):
		return "busy"
	case errors.Is(err, engine.ErrClosed):
		return "closed"
	}
	return "_OTHER"
}

// traced puts a span around each call.
func (d *measured) traced(tracer func() trace.Tracer) intercept.Interceptor {
	return func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		ctx, span := tracer().Start(ctx, string(m), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrOperation.String(string(m))))
		defer span.End()
		err := next(ctx)
		if span.IsRecording() {
			span.SetAttributes(attrSystem.String(d.name(ctx)))
		}
		if err != nil {
			span.SetAttributes(attrErrorType.String(callError(err)))
			span.SetStatus(codes.Error, engine.FirstLine(err.Error()))
		}
		return err
	}
}
