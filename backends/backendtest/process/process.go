// Package process runs workers in processes of their own, for suites that kill and
// replace them. A test's binary starts itself, and is told by its environment that it
// is to be a worker.
package process

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/worker"
)

// working is what a process says once it is at work.
const working = "working\n"

// Work runs a worker on b until whoever started this process is gone, or wants it to
// stop, and closes b.
func Work(b backend.Backend, o worker.Options) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := worker.New(b, &o)
	if err := w.Start(ctx); err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString(working); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	return errors.Join(w.WaitForCompletion(), b.Close())
}

// Process is a worker in a process of its own.
type Process struct {
	cmd *exec.Cmd
	in  io.Closer // nil once it was stopped
	out output
}

// output is what a process says on its standard error.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Start starts the binary of this test with additions to its environment, "NAME=value",
// and returns when it says that it is at work. It is killed at the end of the test, if
// it still runs then.
func Start(t *testing.T, env ...string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{cmd: exec.Command(self)} //nolint:noctx // it is killed by hand
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.out
	in, inErr := p.cmd.StdinPipe()
	out, outErr := p.cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, p.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	p.in = in
	t.Cleanup(p.Kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != working {
		t.Fatalf("a worker's process said %q and then: %v\n%s", line, err, p.out.String())
	}
	return p
}

// Kill ends the process as a power cut would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// stopLimit is how long a worker may take to stop.
const stopLimit = 30 * time.Second

// Stop lets the worker stop by itself. It may be called more than once.
func (p *Process) Stop(t *testing.T) {
	t.Helper()
	if p.in == nil {
		return
	}
	late := time.AfterFunc(stopLimit, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.in.Close()
	p.in = nil
	if err := p.cmd.Wait(); err != nil || t.Failed() {
		t.Errorf("a worker's process ended with: %v\n%s", err, p.out.String())
	}
}
