package deploy

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/process"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/worker"
)

// What a process is told that the test's binary is started as.
const (
	addressVariable = "WFOPS_DEPLOY_STORE"
	buildVariable   = "WFOPS_DEPLOY_BUILD"
)

// Process runs a worker of one build and reports true, if this process was started to
// be one. It is for TestMain, before anything else. open is that of the Harness.
func Process(open func(ctx context.Context, address string) (backend.Backend, error)) bool {
	address := os.Getenv(addressVariable)
	if address == "" {
		return false
	}
	if err := runWorker(open, address, os.Getenv(buildVariable)); err != nil {
		panic(err) // it says so, and which process it was
	}
	return true
}

func runWorker(open func(ctx context.Context, address string) (backend.Backend, error), address, build string) error {
	b, err := open(context.Background(), address)
	if err != nil {
		return err
	}
	r, err := functions(build)
	if err != nil {
		return err
	}
	return process.Work(b, worker.Options{Registry: r, BuildID: build, LeaseDuration: 5 * time.Second})
}

// start returns when the worker has started. It is stopped at the end of the test.
func start(t *testing.T, address, build string) *process.Process {
	t.Helper()
	p := process.Start(t, addressVariable+"="+address, buildVariable+"="+build)
	t.Cleanup(func() { p.Stop(t) })
	return p
}
