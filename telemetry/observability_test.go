package telemetry_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// exposition is what Prometheus sees: the names of all series of a program in which
// everything happens that is counted, each with its labels.
func exposition(t *testing.T) map[string][]string {
	t.Helper()
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.URL)
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	tel, shutdown, err := telemetry.Setup(t.Context(), func(o *telemetry.Options) {
		o.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{Backend: memory.New()}
	m := &measured{T: t, tel: tel, store: tel.Backend(f, telemetry.BackendOptions{}), stop: func() {}}
	defer m.close()
	m.client = client.New(m.store, client.WithSettings(settings.Settings{Telemetry: tel}))
	m.work(worker.Options{CacheBytes: -1}, orders, payments)
	m.run("cheap", "order", 7)
	m.run("dear", "order", 700)
	f.set("deliver", context.DeadlineExceeded)
	m.store.Deliver(t.Context(), make([]backend.Delivery, 1))
	m.create("open", "wait")
	for _, i := range []worker.Incident{
		{Kind: worker.IncidentBlocked, Workflow: "order", Class: engine.BlockNondeterminism},
		{Kind: worker.IncidentDiffered, Workflow: "order"},
		{Kind: worker.IncidentRefused, Workflow: "order"},
		{Kind: worker.IncidentLeaseLost, Workflow: "order"},
		{Kind: worker.IncidentLeaseLost, Workflow: "order", Activity: "pay"},
	} {
		tel.Incident(i)
	}
	if err := shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return series(t, registry)
}

// series returns the labels of every series of a registry, by its name.
func series(t *testing.T, registry *prometheus.Registry) map[string][]string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{}
	for _, f := range families {
		var labels []string
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName())
			}
		}
		if f.GetType().String() != "HISTOGRAM" {
			seen[f.GetName()] = labels
			continue
		}
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			seen[f.GetName()+part] = labels
		}
	}
	return seen
}

// queries are the lines of a file of docs/observability that may hold names.
func queries(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile("../docs/observability/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, ".yml") {
		return strings.Split(regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(string(b), ""), "\n")
	}
	var all []string
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if text, ok := value.(string); ok && (key == "expr" || key == "query" || key == "legendFormat") {
					all = append(all, text)
				}
				look(value)
			}
		case []any:
			for _, value := range v {
				look(value)
			}
		}
	}
	var dashboard any
	if err := json.Unmarshal(b, &dashboard); err != nil {
		t.Fatal(err)
	}
	look(dashboard)
	return all
}

// What the dashboard and the alerts ask for exists, by the names that Prometheus has
// for it; and there is no metric that the dashboard leaves out.
func TestDashboardAndAlertsNameWhatThereIs(t *testing.T) {
	seen := exposition(t)
	labels := slices.Concat(slices.Collect(maps.Values(seen))...)
	word := regexp.MustCompile(`\b(wfops|db|error)_[a-z_]+\b`)
	used := map[string]bool{} // by the dashboard
	for _, file := range []string{"dashboard.json", "alerts.yml"} {
		found := 0
		for _, q := range queries(t, file) {
			for _, name := range word.FindAllString(q, -1) {
				switch _, ok := seen[name]; {
				case ok:
					used[family(name)] = used[family(name)] || file == "dashboard.json"
					found++
				case !slices.Contains(labels, name):
					t.Errorf("%s: nothing is called %s, in %s", file, name, q)
				}
			}
		}
		if found == 0 {
			t.Errorf("no metric was found in %s", file)
		}
	}
	for name := range seen {
		if strings.HasPrefix(name, "wfops_") && !used[family(name)] {
			t.Errorf("%s is on no panel", name)
		}
	}
}

// family is the name that the series of a histogram have in common.
func family(name string) string {
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, part); ok {
			return base
		}
	}
	return name
}
