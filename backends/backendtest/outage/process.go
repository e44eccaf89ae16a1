package outage

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

// working is what a process says once it is at work.
const working = "working\n"

// killedLease is how long a worker that was killed keeps its work from others.
const killedLease = 2 * time.Second

func runWorker(open Opener, address string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b, err := open(ctx, address)
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
	w := worker.New(b, &worker.Options{Registry: r, LeaseDuration: killedLease})
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
	cmd *exec.Cmd
	in  io.Closer
	out *output
}

// output is what processes say.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// startProcess returns when the worker has started.
func startProcess(t *testing.T, address, journal string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self), out: &output{}} //nolint:noctx // it is killed by hand
	p.cmd.Env = append(os.Environ(), addressVariable+"="+address, journalVariable+"="+journal)
	p.cmd.Stderr = p.out
	in, inErr := p.cmd.StdinPipe()
	out, outErr := p.cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, p.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	p.in = in
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != working {
		t.Fatalf("a worker's process said %q and then: %v\n%s", line, err, p.out.text.String())
	}
	return p
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// stop lets the worker stop by itself.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("a worker's process ended with: %v\n%s", err, p.out.text.String())
	}
}
