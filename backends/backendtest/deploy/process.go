package deploy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

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

// working is what a process says once it is at work.
const working = "working\n"

func runWorker(open func(ctx context.Context, address string) (backend.Backend, error), address, build string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b, err := open(ctx, address)
	if err != nil {
		return err
	}
	r, err := functions(build)
	if err != nil {
		return err
	}
	w := worker.New(b, &worker.Options{Registry: r, BuildID: build, LeaseDuration: 5 * time.Second})
	if err := w.Start(ctx); err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString(working); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started this process is gone, or wants it to stop
	cancel()
	return errors.Join(w.WaitForCompletion(), b.Close())
}

// process is a worker in a process of its own.
type process struct {
	cmd    *exec.Cmd
	in     io.Closer
	stderr strings.Builder
}

// start returns when the worker has started. It is stopped at the end of the test.
func start(t *testing.T, address, build string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self)} //nolint:noctx // it is stopped by hand
	p.cmd.Env = append(os.Environ(), addressVariable+"="+address, buildVariable+"="+build)
	p.cmd.Stderr = &p.stderr
	in, inErr := p.cmd.StdinPipe()
	out, outErr := p.cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, p.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	p.in = in
	t.Cleanup(func() { p.stop(t) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != working {
		t.Fatalf("the worker of build %s said %q and then: %v", build, line, err)
	}
	return p
}

// stopLimit is how long a worker may take to stop.
const stopLimit = 30 * time.Second

// stop lets the worker stop by itself.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if p.in == nil {
		return // it was
	}
	late := time.AfterFunc(stopLimit, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.in.Close()
	p.in = nil
	if err := p.cmd.Wait(); err != nil || t.Failed() {
		t.Errorf("a worker's process: %v\n%s", err, p.stderr.String())
	}
}
