package outage

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/process"
	"github.com/wfops/wfops/worker"
)

// What a process is told that the test's binary is started as.
const (
	addressVariable = "WFOPS_OUTAGE_STORE"
	journalVariable = "WFOPS_OUTAGE_JOURNAL"
)

// Process runs a worker or a helper and reports true, if this process was started to
// be one. It is for TestMain, before anything else. open is that of the Harness, and
// helpers are the package's own.
func Process(open Opener, helpers Helpers) bool {
	address := os.Getenv(addressVariable)
	if address == "" {
		return helpers.with(open).run()
	}
	if err := runWorker(open, address); err != nil {
		panic(err) // it says so, and which process it was
	}
	return true
}

// killedLease is how long a worker that was killed keeps its work from others.
const killedLease = 2 * time.Second

func runWorker(open Opener, address string) error {
	b, err := open(context.Background(), address)
	if err != nil {
		return err
	}
	j, err := openJournal(os.Getenv(journalVariable))
	if err != nil {
		return err
	}
	r, err := register(j, workTakes)
	if err != nil {
		return err
	}
	return process.Work(b, worker.Options{Registry: r, LeaseDuration: killedLease})
}

// startProcess returns when the worker has started.
func startProcess(t *testing.T, address, journal string) *process.Process {
	t.Helper()
	return process.Start(t, addressVariable+"="+address, journalVariable+"="+journal)
}
