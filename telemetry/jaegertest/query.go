package jaegertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ErrNoTrace says that Jaeger has no trace of that id.
var ErrNoTrace = errors.New("Jaeger has no such trace")

// Trace is what Jaeger has of a trace.
type Trace struct {
	ID        string             `json:"traceID"`
	Spans     []Span             `json:"spans"`
	Processes map[string]Process `json:"processes"`
}

// Span is a span as the query API shows it.
type Span struct {
	ID         string      `json:"spanID"`
	Name       string      `json:"operationName"`
	References []Reference `json:"references"`
	Start      int64       `json:"startTime"` // microseconds since 1970
	Duration   int64       `json:"duration"`  // microseconds
	Tags       []Tag       `json:"tags"`
	Logs       []Log       `json:"logs"`
	ProcessID  string      `json:"processID"`
	Warnings   []string    `json:"warnings"`
}

// Reference is to the parent (the first CHILD_OF) or to what the span links to.
type Reference struct {
	Type    string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

// Tag is an attribute. Jaeger has kind and status as tags too.
type Tag struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// Log is an event of a span.
type Log struct {
	Time   int64 `json:"timestamp"`
	Fields []Tag `json:"fields"`
}

// Process is the resource that made a span.
type Process struct {
	Service string `json:"serviceName"`
	Tags    []Tag  `json:"tags"`
}

// Services returns the names of the services that sent spans.
func (j *Jaeger) Services(ctx context.Context) ([]string, error) {
	return get[string](ctx, j.Query+"/api/services")
}

// Traces returns up to limit traces with a span of the service, however old.
func (j *Jaeger) Traces(ctx context.Context, service string, limit int) ([]Trace, error) {
	q := url.Values{"service": {service}, "limit": {strconv.Itoa(limit)}, "start": {"1"}} // else those of the last two days
	return get[Trace](ctx, j.Query+"/api/traces?"+q.Encode())
}

// Trace returns the trace of an id in hexadecimal. The error wraps ErrNoTrace if
// there is none.
func (j *Jaeger) Trace(ctx context.Context, id string) (Trace, error) {
	found, err := get[Trace](ctx, j.Query+"/api/traces/"+url.PathEscape(id))
	var refused statusError
	if errors.As(err, &refused) && refused.code == http.StatusNotFound || err == nil && len(found) == 0 {
		return Trace{}, fmt.Errorf("trace %s: %w", id, ErrNoTrace)
	}
	if err != nil {
		return Trace{}, err
	}
	return found[0], nil
}

// Await asks for a trace until enough says that it is whole: spans come in batches,
// from several processes. When ctx ends it returns what there is, and why that is not
// enough.
func (j *Jaeger) Await(ctx context.Context, id string, enough func(Trace) bool) (Trace, error) {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	var last Trace
	for {
		found, err := j.Trace(ctx, id)
		if err == nil {
			last = found
			if enough(found) {
				return found, nil
			}
		} else if !errors.Is(err, ErrNoTrace) && ctx.Err() == nil {
			return last, err
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("trace %s has %d spans, which is not the whole of it: %w", id, len(last.Spans), context.Cause(ctx))
		case <-t.C:
		}
	}
}

// get returns the data of an answer of the query API.
func get[T any](ctx context.Context, from string) ([]T, error) {
	body, err := call(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data   []T `json:"data"`
		Errors []struct {
			Message string `json:"msg"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if len(answer.Errors) > 0 {
		return nil, fmt.Errorf("%s: %s", from, answer.Errors[0].Message)
	}
	return answer.Data, nil
}
