// Package trace makes the trace of stored instances, and exports it.
package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/telemetry"
)

// collector makes spans of an instance and of all that hangs on it.
type collector struct {
	c     *client.Client
	seen  map[engine.Instance]bool
	spans []sdktrace.ReadOnlySpan
}

// Collect returns the spans of a run, of all that continues it and of their children, as
// far as they are over. first is the execution that the run began with.
func Collect(ctx context.Context, b backend.Backend, first engine.Instance) ([]sdktrace.ReadOnlySpan, error) {
	s := collector{c: client.New(b), seen: map[engine.Instance]bool{}}
	if err := s.run(ctx, first, history.Trace{}); err != nil {
		return nil, err
	}
	return s.spans, nil
}

// run adds an execution, those that continue it, and their children. parent is the
// trace context of the parent's span, for executions that carry none.
func (s *collector) run(ctx context.Context, i engine.Instance, parent history.Trace) error {
	for i.ExecutionID != "" && !s.seen[i] {
		s.seen[i] = true
		events, err := s.c.History(ctx, &i)
		if err != nil {
			return err
		}
		next, err := s.add(ctx, i, events, parent)
		if err != nil {
			return err
		}
		i.ExecutionID = next
	}
	return nil
}

// add adds one execution and its children, and returns the execution that follows.
func (s *collector) add(ctx context.Context, i engine.Instance, events []history.Event, parent history.Trace) (next string, err error) {
	started := adopt(events, parent)
	if started == nil {
		return "", nil // it has not begun
	}
	spans, err := telemetry.FromHistory(i, events, telemetry.WithResource(resource.Default()))
	if err != nil {
		return "", err
	}
	s.spans = append(s.spans, spans...)
	for _, ev := range events {
		switch b := ev.Body.(type) { //nolint:gochecksumtype // these lead on
		case history.ChildScheduled:
			err := s.run(ctx, b.Instance, telemetry.ContextOf(i, started, ev.Ref))
			if err != nil && !errors.Is(err, engine.ErrInstanceNotFound) { // it was never started, or is removed
				return "", err
			}
		case history.WorkflowContinuedAsNew:
			next = b.NewExecution
		}
	}
	return next, nil
}

// adopt puts the trace context of its parent into an execution that carries none, and
// returns the event that began it, or nil.
func adopt(events []history.Event, parent history.Trace) *history.WorkflowStarted {
	for n, ev := range events {
		started, ok := ev.Body.(history.WorkflowStarted)
		if !ok {
			continue
		}
		if started.Trace == (history.Trace{}) {
			started.Trace = parent
			events[n].Body = started
		}
		return &started
	}
	return nil
}

// exportBatch is how many spans one request has.
const exportBatch = 1000

// Export sends spans to a collector: http://host:4318, grpc://host:4317, or the same
// with https and grpcs.
func Export(ctx context.Context, to string, spans []sdktrace.ReadOnlySpan) (err error) {
	exporter, err := exporterTo(ctx, to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, exporter.Shutdown(ctx)) }()
	for batch := range slices.Chunk(spans, exportBatch) {
		if err := exporter.ExportSpans(ctx, batch); err != nil {
			return fmt.Errorf("exporting to %s: %w", to, err)
		}
	}
	return nil
}

func exporterTo(ctx context.Context, to string) (sdktrace.SpanExporter, error) {
	u, err := url.Parse(to)
	switch {
	case err != nil:
		return nil, err
	case u.Host == "":
		return nil, fmt.Errorf("%w: want a URL such as http://localhost:4318", engine.ErrInvalidArgument)
	}
	switch u.Scheme {
	case "grpc":
		return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(u.Host), otlptracegrpc.WithInsecure())
	case "grpcs":
		return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(u.Host))
	case "http", "https":
		u.Path = strings.TrimSuffix(u.Path, "/")
		if !strings.HasSuffix(u.Path, "/v1/traces") {
			u.Path += "/v1/traces"
		}
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
	}
	return nil, fmt.Errorf("%w: the scheme is %q, want http, https, grpc or grpcs", engine.ErrInvalidArgument, u.Scheme)
}

// Tree orders spans by their parents, and those of one parent by their time.
func Tree(spans []sdktrace.ReadOnlySpan) (roots []*ops.Span) {
	nodes := map[api.SpanID]*ops.Span{}
	for _, s := range spans {
		nodes[s.SpanContext().SpanID()] = plain(s)
	}
	for _, s := range spans {
		n := nodes[s.SpanContext().SpanID()]
		if parent := nodes[s.Parent().SpanID()]; parent != nil {
			parent.Children = append(parent.Children, n)
		} else {
			roots = append(roots, n)
		}
	}
	for _, n := range nodes {
		byTime(n.Children)
	}
	byTime(roots)
	return roots
}

func plain(s sdktrace.ReadOnlySpan) *ops.Span {
	p := &ops.Span{
		Name: s.Name(), TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(),
		Start: s.StartTime(), End: s.EndTime(),
	}
	if s.Parent().SpanID().IsValid() {
		p.ParentID = s.Parent().SpanID().String()
	}
	if s.Status().Code == codes.Error {
		p.Failed, p.Error = true, engine.FirstLine(s.Status().Description)
	}
	return p
}

func byTime(spans []*ops.Span) {
	slices.SortStableFunc(spans, func(a, b *ops.Span) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name))
	})
}
