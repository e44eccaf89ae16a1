package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/settings"
	"github.com/wfops/wfops/samples/tracing/shop"
	"github.com/wfops/wfops/telemetry"
	"github.com/wfops/wfops/worker"
)

// program is a process of the shop: a worker and a client that are traced.
type program struct {
	client   *client.Client
	worker   *worker.Worker
	store    backend.Backend
	shutdown func(context.Context) error
}

// start sets up telemetry for the process, by the name of the service, and a worker
// for one queue. That is all that it takes.
func start(ctx context.Context, service, file string, queue engine.Queue) (*program, error) {
	if err := os.Setenv("OTEL_SERVICE_NAME", service); err != nil {
		return nil, err
	}
	tel, shutdown, err := telemetry.Setup(ctx)
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, file)
	if err != nil {
		return nil, errors.Join(err, shutdown(ctx))
	}
	measured := tel.Backend(store, telemetry.BackendOptions{})
	s := settings.Settings{Telemetry: tel}
	o := worker.Options{Settings: s}
	o.WorkflowQueues, o.ActivityQueues = []engine.Queue{queue}, []engine.Queue{queue}
	o.WorkflowPollingInterval = 50 * time.Millisecond // what the other process writes is found by looking
	p := &program{
		client: client.New(measured, client.WithSettings(s)), worker: worker.New(measured, &o), store: measured, shutdown: shutdown,
	}
	err = errors.Join(
		p.worker.RegisterWorkflow(shop.Order), p.worker.RegisterWorkflow(shop.Ship),
		p.worker.RegisterActivity(shop.Reserve), p.worker.RegisterActivity(shop.Charge), p.worker.RegisterActivity(shop.Pack),
		p.worker.Start(ctx),
	)
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// stop ends the worker first, so that all its spans are there to be exported.
func (p *program) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(p.worker.Stop(ctx), p.shutdown(ctx), p.store.Close())
}
