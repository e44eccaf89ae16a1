package telemetry

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// post is a collector that spans are sent to.
type post struct {
	mu      sync.Mutex
	got     [][]uint64 // the numbers of the spans of each upload
	fails   error
	hold    chan struct{} // unless nil, an upload waits for it
	stopped bool
}

func (p *post) Start(context.Context) error { return nil }

func (p *post) Stop(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	return nil
}

func (p *post) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body := must(proto.Marshal(spans[0]))
	if p.hold != nil {
		select {
		case <-p.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails != nil {
		return p.fails
	}
	var m tracepb.ResourceSpans
	if err := proto.Unmarshal(body, &m); err != nil {
		return err
	}
	var numbers []uint64
	for _, scope := range m.GetScopeSpans() {
		for _, s := range scope.GetSpans() {
			numbers = append(numbers, binary.BigEndian.Uint64(s.GetSpanId()))
		}
	}
	p.got = append(p.got, numbers)
	return nil
}

func newPost(t *testing.T, p *post, o outboxOptions) *outbox {
	t.Helper()
	o.client, o.resource, o.limit = p, resource.Empty(), time.Minute
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	if o.delay == 0 {
		o.delay = time.Hour
	}
	x := newOutbox(o)
	t.Cleanup(func() { _ = x.Shutdown(context.Background()) })
	return x
}

func numbered(n uint64) *tracetest.SpanStub {
	var id trace.SpanID
	binary.BigEndian.PutUint64(id[:], n)
	return &tracetest.SpanStub{
		Name: "span", SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: id, TraceFlags: trace.FlagsSampled}),
		InstrumentationScope: instrumentation.Scope{Name: Scope},
	}
}

// Every span arrives once and in order, however many put them in and flush.
func TestOutboxDeliversAllOnce(t *testing.T) {
	const putters, each = 8, 1000
	var p post
	x := newPost(t, &p, outboxOptions{room: putters * each, batch: 64})
	var wg sync.WaitGroup
	for n := range uint64(putters) {
		wg.Go(func() {
			for k := range uint64(each) {
				x.put(numbered(1 + n*each + k))
				if k == each/2 {
					if err := x.ForceFlush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := x.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, seen := make([]uint64, putters), 0
	for _, numbers := range p.got {
		if len(numbers) > 64 {
			t.Errorf("%d spans came together", len(numbers))
		}
		for _, n := range numbers {
			by := (n - 1) / each
			if n <= last[by] {
				t.Errorf("span %d came after %d", n, last[by])
			}
			last[by] = n
			seen++
		}
	}
	if got := x.sum(); seen != putters*each || got != (SpanCounts{Ended: putters * each, Exported: putters * each}) || !p.stopped {
		t.Errorf("%d spans came, %+v, stopped %v", seen, got, p.stopped)
	}
}

func TestOutboxSendsAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p post
		x := newPost(t, &p, outboxOptions{room: 100, batch: 10, delay: 5 * time.Second})
		defer x.Shutdown(context.Background()) //nolint:errcheck // it has nothing to stop
		for n := range uint64(15) {
			x.put(numbered(n + 1))
		}
		synctest.Wait()
		if got := x.sum().Exported; got != 10 {
			t.Errorf("%d spans were sent at once, want a batch", got)
		}
		<-time.After(5 * time.Second)
		synctest.Wait()
		if got := x.sum().Exported; got != 15 {
			t.Errorf("%d spans were sent after a while, want all", got)
		}
	})
}

// What there is no room for is counted, and what waits is bounded in number and size.
func TestOutboxIsBounded(t *testing.T) {
	p := post{hold: make(chan struct{})}
	x := newPost(t, &p, outboxOptions{room: 100, batch: 10})
	for n := range uint64(150) {
		x.put(numbered(n + 1))
	}
	if got := x.sum(); got.NoRoom != 50 || got.Ended != 150 {
		t.Errorf("of 150 spans and room for 100: %+v", got)
	}
	close(p.hold)
	if err := x.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := x.sum(); got.Exported != 100 {
		t.Errorf("sent are %+v", got)
	}
	x.mu.Lock()
	x.bytes = maxBytes - 10
	x.mu.Unlock()
	x.put(numbered(1))
	if got := x.sum(); got.NoRoom != 51 {
		t.Errorf("with no more than ten bytes of room: %+v", got)
	}
}

// A shutdown that may not take longer gives up what is left, and says that it did not
// arrive.
func TestOutboxGivesUp(t *testing.T) {
	p := post{hold: make(chan struct{})}
	x := newPost(t, &p, outboxOptions{room: 100, batch: 10})
	for n := range uint64(95) {
		x.put(numbered(n + 1))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := x.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	<-x.ended
	if got := x.sum(); got != (SpanCounts{Ended: 95, Refused: 95}) {
		t.Errorf("%+v", got)
	}
	x.put(numbered(1))
	if got := x.sum(); got.NoRoom != 1 {
		t.Errorf("after the end: %+v", got)
	}
	if err := x.ForceFlush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := x.Shutdown(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestOutboxFlushThatMayNotWait(t *testing.T) {
	p := post{hold: make(chan struct{})}
	defer close(p.hold)
	x := newPost(t, &p, outboxOptions{room: 100, batch: 1})
	x.put(numbered(1))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := x.ForceFlush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
