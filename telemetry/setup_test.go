package telemetry_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// collector is who spans are exported to.
type collector struct {
	*httptest.Server

	mu    sync.Mutex
	posts map[string]int // by path
}

func newCollector(t *testing.T, answer http.HandlerFunc) *collector {
	t.Helper()
	c := &collector{posts: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.posts[r.URL.Path]++
		c.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) got(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.posts[path]
}

// setUp calls Setup in an environment of its own.
func setUp(t *testing.T, w *world, env map[string]string, edit ...func(*telemetry.Options)) (*telemetry.Telemetry, func(context.Context) error) {
	t.Helper()
	tracers, meters, propagator := otel.GetTracerProvider(), otel.GetMeterProvider(), otel.GetTextMapPropagator()
	t.Cleanup(func() {
		if otel.GetTracerProvider() != tracers {
			otel.SetTracerProvider(tracers)
		}
		if otel.GetMeterProvider() != meters {
			otel.SetMeterProvider(meters)
		}
		otel.SetTextMapPropagator(propagator)
	})
	for k, v := range env {
		t.Setenv(k, v)
	}
	edit = append(edit, func(o *telemetry.Options) { o.Logger = slog.New(slog.NewTextHandler(&w.log, nil)) })
	tel, shutdown, err := telemetry.Setup(t.Context(), edit...)
	if err != nil {
		t.Fatal(err)
	}
	return tel, shutdown
}

func TestSetup(t *testing.T) {
	c := newCollector(t, func(http.ResponseWriter, *http.Request) {})
	w := newWorld(t, config{mute: true})
	tel, shutdown := setUp(t, w, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_SERVICE_NAME": "test", "OTEL_TRACES_SAMPLER": "traceidratio"})
	w.tel = tel
	w.start(worker.Options{})
	w.finish(w.create("one", Simple, "ada"))
	w.stop()
	_, span := otel.Tracer("mine").Start(t.Context(), "mine")
	span.End()
	if err := shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := tel.Spans(), (telemetry.SpanCounts{Ended: 6, Exported: 6}); got != want {
		t.Errorf("spans %+v, want %+v", got, want)
	}
	if c.got("/v1/traces") == 0 {
		t.Error("nothing came")
	}
	if w.log.String() != "" {
		t.Errorf("logged %s", w.log.String())
	}
	if err := shutdown(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

// However an exporter fails, workflows go on, one line says so, and no more spans are
// kept than there is room for.
func TestExportersThatFail(t *testing.T) {
	hanging := make(chan struct{})
	slow := newCollector(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hanging:
		case <-r.Context().Done():
		}
	})
	refusing := newCollector(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	closed := newCollector(t, nil)
	closed.Close()
	defer close(hanging)
	for name, c := range map[string]*collector{"slow": slow, "refusing": refusing, "unreachable": closed} {
		for _, protocol := range []string{"http/protobuf", "grpc"} {
			t.Run(name+" "+protocol, func(t *testing.T) {
				w := newWorld(t, config{mute: true})
				tel, shutdown := setUp(t, w, map[string]string{
					"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_METRICS_EXPORTER": "none",
					"OTEL_BSP_SCHEDULE_DELAY": "5", "OTEL_BSP_EXPORT_TIMEOUT": "50", "OTEL_BSP_MAX_QUEUE_SIZE": "64",
				})
				w.tel = tel
				w.start(worker.Options{})
				const activities = 500
				w.finish(w.create("one", Wide, activities))
				w.stop()
				w.until("a failed export", func() bool { return tel.Spans().Refused > 0 })
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				_ = shutdown(ctx) // may be out of time
				w.until("a line", func() bool { return w.log.String() != "" })
				if n := strings.Count(w.log.String(), "exporting spans fails"); n != 1 {
					t.Errorf("it was said %d times: %s", n, w.log.String())
				}
				if got := tel.Spans(); got.Ended != 1+2*activities || got.Exported > 0 || got.Refused > got.Ended {
					t.Errorf("spans %+v", got)
				}
			})
		}
	}
}

// It is said when it works again.
func TestExporterThatComesBack(t *testing.T) {
	var mu sync.Mutex
	down := true
	c := newCollector(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	w := newWorld(t, config{mute: true})
	tel, shutdown := setUp(t, w, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_METRICS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "5",
	})
	w.tel = tel
	w.start(worker.Options{})
	w.finish(w.create("one", Simple, "ada"))
	w.until("a failed export", func() bool { return tel.Spans().Refused > 0 })
	mu.Lock()
	down = false
	mu.Unlock()
	w.finish(w.create("two", Simple, "ada"))
	w.until("an export", func() bool { return tel.Spans().Exported > 0 })
	w.stop()
	if err := shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"exporting spans fails", "exporting spans works again", "spans were lost"} {
		if strings.Count(w.log.String(), says) != 1 {
			t.Errorf("%q is not said once: %s", says, w.log.String())
		}
	}
}

func TestSetupTurnedOff(t *testing.T) {
	for variable, value := range map[string]string{"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "none"} {
		t.Run(variable, func(t *testing.T) {
			c := newCollector(t, func(http.ResponseWriter, *http.Request) {})
			w := newWorld(t, config{mute: true})
			tel, shutdown := setUp(t, w, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_METRICS_EXPORTER": "none", variable: value})
			w.tel = tel
			w.start(worker.Options{})
			w.finish(w.create("one", Simple, "ada"))
			w.stop()
			if err := shutdown(t.Context()); err != nil || c.got("/v1/traces") > 0 || tel.Spans() != (telemetry.SpanCounts{}) || w.log.String() != "" {
				t.Errorf("%d posts, spans %+v, %v\n%s", c.got("/v1/traces"), tel.Spans(), err, w.log.String())
			}
		})
	}
}

func TestSetupSamplers(t *testing.T) {
	for _, c := range []struct {
		sampler, arg string
		want         int64
	}{
		{"", "", 5}, {"always_on", "", 5}, {"parentbased_always_on", "", 5}, {"always_off", "", 0}, {"parentbased_always_off", "", 0},
		{"traceidratio", "0", 0}, {"parentbased_traceidratio", "1", 5}, {"Parentbased_TraceIDRatio", " 0 ", 0},
	} {
		t.Run(fmt.Sprint(c.sampler, c.arg), func(t *testing.T) {
			server := newCollector(t, func(http.ResponseWriter, *http.Request) {})
			w := newWorld(t, config{mute: true})
			tel, shutdown := setUp(t, w, map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_SAMPLER": c.sampler, "OTEL_TRACES_SAMPLER_ARG": c.arg,
			})
			w.tel = tel
			w.start(worker.Options{})
			w.finish(w.create("one", Simple, "ada"))
			w.stop()
			if err := shutdown(t.Context()); err != nil || tel.Spans().Exported != c.want {
				t.Errorf("spans %+v, want %d, %v", tel.Spans(), c.want, err)
			}
		})
	}
}

func TestSetupThatCannotBeMeant(t *testing.T) {
	for variable, value := range map[string]string{
		"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
		"OTEL_TRACES_SAMPLER": "jaeger_remote", "OTEL_TRACES_SAMPLER_ARG": "NaN",
	} {
		t.Run(variable, func(t *testing.T) {
			if variable == "OTEL_TRACES_SAMPLER_ARG" {
				t.Setenv("OTEL_TRACES_SAMPLER", "traceidratio")
			}
			t.Setenv(variable, value)
			before := otel.GetTracerProvider()
			_, _, err := telemetry.Setup(t.Context())
			if err == nil || !strings.Contains(err.Error(), variable) || !strings.Contains(err.Error(), value) {
				t.Errorf("error %v", err)
			}
			if otel.GetTracerProvider() != before {
				t.Error("it was set up half")
			}
		})
	}
}
