// Package collector takes spans by OTLP over HTTP and draws them as trees: what a
// trace looks like where there is no Jaeger.
package collector

import (
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector keeps the spans that it is sent.
type Collector struct {
	server *http.Server
	url    string

	mu    sync.Mutex
	spans map[string][]span // by trace
}

// span is a span and the service that sent it.
type span struct {
	*tracepb.Span

	service string
}

// Listen starts a collector on a free port of this machine.
func Listen() (*Collector, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not block
	if err != nil {
		return nil, err
	}
	c := &Collector{url: "http://" + l.Addr().String(), spans: map[string][]span{}}
	c.server = &http.Server{Handler: http.HandlerFunc(c.take), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(l) }() // until Close
	return c, nil
}

// URL is the endpoint for exporters.
func (c *Collector) URL() string { return c.url }

// Close ends the collector.
func (c *Collector) Close() error { return c.server.Close() }

// take is the handler of all requests. What is not about spans, it lets pass.
func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != "/v1/traces" {
		return
	}
	var request collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, from := range request.GetResourceSpans() {
		service := ""
		for _, kv := range from.GetResource().GetAttributes() {
			if kv.GetKey() == "service.name" {
				service = kv.GetValue().GetStringValue()
			}
		}
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				trace := hex.EncodeToString(s.GetTraceId())
				c.spans[trace] = append(c.spans[trace], span{s, service})
			}
		}
	}
}
