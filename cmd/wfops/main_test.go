package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// asProgram makes the test binary behave like the program.
const asProgram = "WFOPS_TEST_AS_PROGRAM"

// endsAtOnce returns a variable for programs with the race detector, which otherwise
// waits for a second before they end, for nothing.
func endsAtOnce() string { return "GORACE=" + os.Getenv("GORACE") + " atexit_sleep_ms=0" }

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(faulty(environment(), os.Getenv(fault), os.Getenv(faultFile))))
	}
	if path := os.Getenv(asSeeder); path != "" {
		if err := crowd(context.Background(), path, os.Getenv(benchInstances)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is the program with its arguments, not started yet.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...) //nolint:gosec // the test binary
	cmd.Env = append(os.Environ(), asProgram+"=1", "WFOPS_DSN=", endsAtOnce())
	return cmd
}

// store is a file with instances that nobody runs. It stays open, as that of a
// program that works.
func store(t *testing.T, n int) (path string, b backend.Backend) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "app.db")
	b, err := sqlite.Open(t.Context(), path, sqlite.WithSynchronous(sqlite.Normal))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	create(t, b, n)
	return path, b
}

// create makes instances that nobody runs.
func create(t *testing.T, b backend.Backend, n int) {
	t.Helper()
	started, err := history.Encode(history.Event{At: time.Now(), Body: history.WorkflowStarted{Workflow: "Order"}})
	if err != nil {
		t.Fatal(err)
	}
	var cs []backend.Creation
	for i := range n {
		id := fmt.Sprintf("order-%d", i)
		cs = append(cs, backend.Creation{Instance: engine.Instance{InstanceID: id, ExecutionID: id}, FirstExecution: id, Workflow: "Order", Queue: "default", Started: started})
	}
	for _, r := range b.Create(t.Context(), cs) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

func output(t *testing.T, cmd *exec.Cmd) (out, stderr string, exit int) {
	t.Helper()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

func TestProgram(t *testing.T) {
	path, b := store(t, 3)
	if out, stderr, exit := output(t, program(t, path, "list", "-o", "name", "--sort", "created")); out != "order-2\norder-1\norder-0\n" || stderr != "" || exit != 0 {
		t.Errorf("exit %d\n%s\n%s", exit, out, stderr)
	}
	if out, stderr, exit := output(t, program(t, path)); out != "" || !strings.Contains(stderr, "Available Commands") || exit != 2 {
		t.Errorf("exit %d\n%s\n%s", exit, out, stderr)
	}
	if _, stderr, exit := output(t, program(t, path, "terminate", "order-1", "--reason", "ticket 12", "--yes")); exit != 0 {
		t.Errorf("exit %d: %s", exit, stderr)
	}
	s, err := b.Get(t.Context(), engine.Instance{InstanceID: "order-1"})
	if err != nil || s.Status != engine.StatusTerminated || !strings.HasPrefix(s.LastError, "ticket 12 (") {
		t.Errorf("%+v, %v", s, err)
	}
	if _, stderr, exit := output(t, program(t, path, "terminate", "order-2", "--reason", "r")); exit != 5 || !strings.Contains(stderr, "--yes") {
		t.Errorf("exit %d: %s", exit, stderr)
	}
	if out, _, exit := output(t, program(t, path, "wait", "order-1", "--for", "completed", "--timeout", "10s")); exit != 1 || out != "order-1 is terminated\n" {
		t.Errorf("exit %d: %s", exit, out)
	}
	if _, _, exit := output(t, program(t, path, "wait", "order-2", "--for", "completed", "--timeout", "50ms")); exit != 124 {
		t.Errorf("exit %d", exit)
	}
}

// `wfops list | head -1` is no failure, and nothing to talk about.
func TestReaderThatGoesAway(t *testing.T) {
	path, _ := store(t, 3000)
	cmd := program(t, path, "list", "-o", "jsonl")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(io.LimitReader(out, 4096)).ReadString('\n'); err != nil || !strings.Contains(line, "instance_id") {
		t.Errorf("%q, %v", line, err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %s", err, stderr.String())
	}
}

// Also a command that reads what nobody writes ends, and says nothing.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such signals")
	}
	path, _ := store(t, 1)
	for sig, exit := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		cmd := program(t, path, "pause", "-", "--reason", "r", "--yes")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// More than a pipe holds: it is reading when this returns.
		if _, err := in.Write(bytes.Repeat([]byte("\n"), 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it tells the exit code again
		if got := cmd.ProcessState.ExitCode(); got != exit || stderr.Len() > 0 {
			t.Errorf("%v: exit %d, %s", sig, got, stderr.String())
		}
	}
}
