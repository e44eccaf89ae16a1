package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/metrics"
	"strconv"
	"sync"
	"time"

	"github.com/wfops/wfops/telemetry"
)

// ratio is the flag -telemetry: the share of traces that is sampled, 1 if it has no
// value, and 0 without it.
type ratio float64

func (r *ratio) String() string { return strconv.FormatFloat(float64(*r), 'g', -1, 64) }

// IsBoolFlag lets the flag stand without a value.
func (r *ratio) IsBoolFlag() bool { return true }

// Set implements flag.Value.
func (r *ratio) Set(text string) error {
	if text == "true" {
		text = "1"
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v <= 1) {
		return errors.New("it must be a share of traces, above 0 and up to 1")
	}
	*r = ratio(v)
	return nil
}

// Figures of runs with telemetry. Spans count as delivered when the collector has
// taken them, and as expected when they have to be made: by the shape of the
// workload where that is known and all traces are sampled, else by the SDK.
const (
	spansDelivered   = "spans_delivered"
	spansExpected    = "spans_expected"
	deliveredPercent = "spans_delivered_percent"
	flushSeconds     = "flush_seconds"
	peakHeap         = "peak_heap_mib"
)

var telemetryFigures = []string{deliveredPercent, spansDelivered, spansExpected, flushSeconds, peakHeap}

// traced is the telemetry of one run: the pipeline that Setup makes, with a collector
// in this process that reads what it is sent and throws it away. An endpoint in the
// environment is used instead.
type traced struct {
	*telemetry.Telemetry

	shutdown func(context.Context) error
	all      bool         // traces are sampled
	sink     *http.Server // nil if there is another
	heap     *heapWatch
}

// collectorVariable names a collector that is there already.
const collectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"

func startTelemetry(ctx context.Context, share ratio) (*traced, error) {
	t := &traced{heap: watchHeap(), all: share == 1}
	endpoint := os.Getenv(collectorVariable)
	if endpoint == "" {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		t.sink = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // what does not arrive, the exporter sends again
		})}
		go func() { _ = t.sink.Serve(l) }() // until stop
		endpoint = "http://" + l.Addr().String()
	}
	err := setAll(map[string]string{
		collectorVariable: endpoint, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": share.String(),
	}, func() (err error) {
		t.Telemetry, t.shutdown, err = telemetry.Setup(ctx)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// setAll calls f with variables of the environment set.
func setAll(vars map[string]string, f func() error) error {
	var undo []func() error
	defer func() {
		for _, u := range undo {
			_ = u() // it was possible to set them
		}
	}()
	for k, v := range vars {
		if before, ok := os.LookupEnv(k); ok {
			undo = append(undo, func() error { return os.Setenv(k, before) })
		} else {
			undo = append(undo, func() error { return os.Unsetenv(k) })
		}
		if err := os.Setenv(k, v); err != nil {
			return err
		}
	}
	return f()
}

func (t *traced) close() error {
	t.heap.stop()
	if t.sink == nil {
		return nil
	}
	return t.sink.Close()
}

// finish delivers what is waiting, and notes the figures. made is how many spans the
// workload makes, 0 if that is not known.
func (t *traced) finish(ctx context.Context, figures map[string]float64, made int) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	err := t.shutdown(ctx)
	figures[flushSeconds] = time.Since(start).Seconds()
	n := t.Spans()
	expected := float64(n.Ended)
	if made > 0 {
		expected = float64(made)
	}
	figures[spansDelivered], figures[spansExpected] = float64(n.Exported), expected
	if expected > 0 {
		figures[deliveredPercent] = 100 * float64(n.Exported) / expected
	}
	if err = errors.Join(err, t.close()); err != nil {
		return fmt.Errorf("delivering spans: %w", err)
	}
	figures[peakHeap] = t.heap.peak
	return nil
}

// heapWatch keeps the largest heap that it saw.
type heapWatch struct {
	peak float64 // MiB; read it after stop
	stop func()
}

func watchHeap() *heapWatch {
	w := &heapWatch{}
	over, done := make(chan struct{}), make(chan struct{})
	w.stop = sync.OnceFunc(func() {
		close(over)
		<-done
	})
	go func() {
		defer close(done)
		t := time.NewTicker(100 * time.Millisecond)
		defer t.Stop()
		in := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
		for {
			metrics.Read(in) // unlike runtime.ReadMemStats, it does not stop what is measured
			w.peak = max(w.peak, float64(in[0].Value.Uint64()+in[1].Value.Uint64())/(1<<20))
			select {
			case <-t.C:
			case <-over:
				return
			}
		}
	}()
	return w
}
