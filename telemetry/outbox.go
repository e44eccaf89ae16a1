package telemetry

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// outbox is where the sampled spans of a process wait for the collector. It is what a
// batching SpanProcessor and an exporter are elsewhere, but a span that waits is some
// hundred bytes that are on their way already, and nothing that the garbage collector
// has to look into. Spans of workflows come here without a detour, see
// Telemetry.emit.
type outbox struct {
	outboxOptions

	// ctx ends when nobody waits for spans any more.
	ctx    context.Context
	giveUp context.CancelFunc
	health health

	// sending is held by whoever sends.
	sending chan struct{}
	ready   chan struct{} // says that a batch is full
	stop    chan struct{}
	ended   chan struct{}
	stopErr error // of the client; read it after ended

	mu      sync.Mutex
	filling *batch
	full    []*batch
	spare   []*batch
	// waiting counts what was taken in and is neither exported nor refused.
	waiting, bytes int
	stopped        bool
	counts         SpanCounts
}

type outboxOptions struct {
	client   otlptrace.Client // started
	resource *resource.Resource
	log      *slog.Logger

	room  int           // for so many spans
	batch int           // so many are sent together
	delay time.Duration // after which fewer are sent
	limit time.Duration // of one export, with what is tried again
}

// maxBytes is what spans that wait take up at most, however few they are.
const maxBytes = 64 << 20

func newOutbox(o outboxOptions) *outbox {
	x := &outbox{
		outboxOptions: o, filling: &batch{},
		sending: make(chan struct{}, 1), ready: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	x.ctx, x.giveUp = context.WithCancel(context.Background())
	go x.run()
	return x
}

var _ sdktrace.SpanProcessor = (*outbox)(nil)

// OnStart implements sdktrace.SpanProcessor.
func (x *outbox) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (x *outbox) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		stub := tracetest.SpanStubFromReadOnlySpan(s)
		x.put(&stub)
	}
}

// scratch is room to encode a span in, outside of the lock.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// put takes in a span that is over, or counts it as one that there is no room for.
func (x *outbox) put(s *tracetest.SpanStub) {
	room := scratch.Get().(*[]byte) //nolint:errcheck // nothing else is in there
	b := appendSpan((*room)[:0], s)
	x.add(&s.InstrumentationScope, b)
	if cap(b) <= 1<<16 { // one large span should not be remembered by all
		*room = b
		scratch.Put(room)
	}
}

func (x *outbox) add(scope *instrumentation.Scope, span []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counts.Ended++
	if x.stopped || x.waiting == x.room || x.bytes+len(span) > maxBytes {
		x.counts.NoRoom++
		return
	}
	x.waiting++
	x.bytes += len(span)
	x.filling.add(scope, span)
	if x.filling.spans < x.batch {
		return
	}
	x.full = append(x.full, x.filling)
	x.filling = x.fresh()
	select {
	case x.ready <- struct{}{}:
	default:
	}
}

// fresh returns an empty batch, with the memory of one that was sent if there is one.
// It is called with mu held.
func (x *outbox) fresh() *batch {
	n := len(x.spare) - 1
	if n < 0 {
		return &batch{}
	}
	b := x.spare[n]
	x.spare = x.spare[:n]
	return b
}

// run sends what is waiting until the end.
func (x *outbox) run() {
	defer close(x.ended)
	t := time.NewTicker(x.delay)
	defer t.Stop()
	for {
		select {
		case <-x.ready:
			_ = x.send(x.ctx, false) // it ends with x alone
		case <-t.C:
			_ = x.send(x.ctx, true)
		case <-x.stop:
			_ = x.send(context.WithoutCancel(x.ctx), true)
			x.stopErr = x.client.Stop(context.WithoutCancel(x.ctx))
			return
		}
	}
}

// send sends all full batches, and also one that isn't if all is set.
func (x *outbox) send(ctx context.Context, all bool) error {
	select {
	case x.sending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-x.sending }()
	for b := x.next(all); b != nil; b = x.next(all) {
		x.export(ctx, b)
	}
	return ctx.Err()
}

// next returns the batch that is to be sent next, nil if there is none.
func (x *outbox) next(all bool) *batch {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.full) > 0 {
		b := x.full[0]
		x.full = slices.Delete(x.full, 0, 1)
		return b
	}
	if !all || x.filling.spans == 0 {
		return nil
	}
	b := x.filling
	x.filling = x.fresh()
	return b
}

// export sends a batch, once: trying again is the business of the client.
func (x *outbox) export(ctx context.Context, b *batch) {
	ctx, cancel := context.WithTimeout(ctx, x.limit)
	defer cancel()
	waits := context.AfterFunc(x.ctx, cancel)
	defer waits()
	err := x.client.UploadTraces(ctx, []*tracepb.ResourceSpans{b.message(x.resource)})
	x.health.saw(ctx, x.log, "spans", err)

	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		x.counts.Refused += int64(b.spans)
	} else {
		x.counts.Exported += int64(b.spans)
	}
	x.waiting -= b.spans
	x.bytes -= b.bytes
	if len(x.spare) < 2 { // one is filled while one is sent
		b.reset()
		x.spare = append(x.spare, b)
	}
}

// ForceFlush implements sdktrace.SpanProcessor.
func (x *outbox) ForceFlush(ctx context.Context) error { return x.send(ctx, true) }

// Shutdown implements sdktrace.SpanProcessor. When ctx ends, what was not sent is
// given up.
func (x *outbox) Shutdown(ctx context.Context) error {
	x.mu.Lock()
	again := x.stopped
	x.stopped = true
	x.mu.Unlock()
	if !again {
		close(x.stop)
	}
	defer x.giveUp()
	select {
	case <-x.ended:
		return x.stopErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SpanCounts say what became of the sampled spans of a process. The rest is waiting.
type SpanCounts struct {
	// Ended spans were to be exported. Exported ones were taken by the collector,
	// Refused ones were not, and for NoRoom of them the queue had no room.
	Ended, Exported, Refused, NoRoom int64
}

func (x *outbox) sum() SpanCounts {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.counts
}

// sayLost logs how many spans came to nothing.
func (x *outbox) sayLost() {
	n := x.sum()
	if lost := n.Ended - n.Exported; lost > 0 {
		x.log.Warn("spans were lost", slog.Int64("lost", lost), slog.Int64("of", n.Ended),
			slog.Int64("refused", n.Refused), slog.Int64("no_room", n.NoRoom))
	}
}

// batch is what is sent together.
type batch struct {
	spans, bytes int
	scopes       []scoped
}

// scoped are spans of one instrumentation: messages Span, each with its length, as
// they are in a message ScopeSpans.
type scoped struct {
	scope instrumentation.Scope
	spans []byte
}

func (b *batch) add(scope *instrumentation.Scope, span []byte) {
	i := slices.IndexFunc(b.scopes, func(s scoped) bool { return s.scope == *scope })
	if i < 0 {
		i = len(b.scopes)
		b.scopes = append(b.scopes, scoped{scope: *scope})
	}
	to := &b.scopes[i]
	to.spans = appendBytes(to.spans, 2, span)
	b.spans++
	b.bytes += len(span)
}

// reset empties b and keeps the memory.
func (b *batch) reset() {
	b.spans, b.bytes = 0, 0
	for i := range b.scopes {
		b.scopes[i].spans = b.scopes[i].spans[:0]
	}
}

// message returns b as a message whose spans are encoded already: as fields that the
// message does not know, which are sent as they are.
func (b *batch) message(r *resource.Resource) *tracepb.ResourceSpans {
	m := &tracepb.ResourceSpans{Resource: &resourcepb.Resource{}, SchemaUrl: r.SchemaURL()}
	m.Resource.ProtoReflect().SetUnknown(appendAttributes(nil, 1, r.Attributes()))
	for i := range b.scopes {
		if s := &b.scopes[i]; len(s.spans) > 0 {
			m.ScopeSpans = append(m.ScopeSpans, s.message())
		}
	}
	return m
}
