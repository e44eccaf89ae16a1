package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/telemetry"
)

// trace draws the trace of an instance, or exports it.
func trace(ctx context.Context, dsn, instance, otlp string, stdout io.Writer) (err error) {
	b, err := open(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	spans, err := collect(ctx, b, instance)
	if err != nil {
		return err
	}
	if otlp == "" {
		return draw(stdout, spans)
	}
	if err := export(ctx, otlp, spans); err != nil {
		return fmt.Errorf("exporting to %s: %w", otlp, err)
	}
	_, err = fmt.Fprintf(stdout, "%d spans of %s exported to %s\n", len(spans), instance, otlp)
	return err
}

// collector makes spans of an instance and of all that hangs on it.
type collector struct {
	c     *client.Client
	seen  map[engine.Instance]bool
	spans []sdktrace.ReadOnlySpan
}

// collect returns the spans of the run that an instance id, or "instance/execution",
// names. The id alone means the last run.
func collect(ctx context.Context, b backend.Backend, name string) ([]sdktrace.ReadOnlySpan, error) {
	s := collector{c: client.New(b), seen: map[engine.Instance]bool{}}
	i := engine.Instance{InstanceID: name}
	d, err := s.c.Describe(ctx, &i)
	if at := strings.LastIndexByte(name, '/'); errors.Is(err, engine.ErrInstanceNotFound) && at > 0 {
		i = engine.Instance{InstanceID: name[:at], ExecutionID: name[at+1:]}
		d, err = s.c.Describe(ctx, &i)
	}
	if err != nil {
		return nil, err
	}
	i = engine.Instance{InstanceID: d.Instance.InstanceID, ExecutionID: d.FirstExecution}
	if err := s.run(ctx, i, history.Trace{}); err != nil {
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

func export(ctx context.Context, to string, spans []sdktrace.ReadOnlySpan) (err error) {
	exporter, err := exporterTo(ctx, to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, exporter.Shutdown(ctx)) }()
	for batch := range slices.Chunk(spans, exportBatch) {
		if err := exporter.ExportSpans(ctx, batch); err != nil {
			return err
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

// draw draws spans as a tree.
func draw(out io.Writer, spans []sdktrace.ReadOnlySpan) error {
	known := map[api.SpanID]bool{}
	for _, s := range spans {
		known[s.SpanContext().SpanID()] = true
	}
	below := map[api.SpanID][]sdktrace.ReadOnlySpan{}
	for _, s := range spans {
		parent := s.Parent().SpanID()
		if !known[parent] {
			parent = api.SpanID{}
		}
		below[parent] = append(below[parent], s)
	}
	var text strings.Builder
	if len(spans) == 0 {
		text.WriteString("nothing is over yet\n")
	}
	branch(&text, below, api.SpanID{}, "")
	_, err := io.WriteString(out, text.String())
	return err
}

func branch(out *strings.Builder, below map[api.SpanID][]sdktrace.ReadOnlySpan, of api.SpanID, indent string) {
	slices.SortStableFunc(below[of], func(a, b sdktrace.ReadOnlySpan) int {
		return cmp.Or(a.StartTime().Compare(b.StartTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, s := range below[of] {
		fmt.Fprintf(out, "%s%s  %s  %v", indent, s.Name(), s.StartTime().Format(time.RFC3339), s.EndTime().Sub(s.StartTime()).Round(time.Microsecond))
		if s.Status().Code == codes.Error {
			fmt.Fprintf(out, "  error: %s", engine.FirstLine(s.Status().Description))
		}
		if of == (api.SpanID{}) {
			fmt.Fprintf(out, "  trace %s", s.SpanContext().TraceID())
		}
		out.WriteString("\n")
		branch(out, below, s.SpanContext().SpanID(), indent+"  ")
	}
}
