package outage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Helpers are functions for processes of their own, by name: the test's binary starts
// itself again and runs one in place of the tests. Each prints what it has to say on
// standard output.
type Helpers map[string]func(args []string) error

const helperVariable = "WFOPS_OUTAGE_HELPER"

// run runs the helper that this process was started for, and reports whether it was.
func (h Helpers) run() bool {
	name := os.Getenv(helperVariable)
	if name == "" {
		return false
	}
	if err := h[name](os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stdout, "error:", err)
	}
	return true
}

// Command prepares the process of a helper. It is killed when the test ends.
func Command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...) //nolint:gosec // this binary
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	return cmd
}

// Output runs a helper to its end and returns what it said.
func Output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("helper %v did not run: %v", cmd.Args, err)
	}
	return strings.TrimSpace(string(out))
}

// Begin starts a helper and waits for its first line.
func Begin(t *testing.T, cmd *exec.Cmd) (line string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("helper %v said %q and then: %v", cmd.Args, line, err)
	}
	return strings.TrimSpace(line)
}

// AtOnce runs a helper in several processes and waits for them. Each gets an address
// and a name of its own, and has nothing to say.
func AtOnce(t *testing.T, processes int, name, address string) {
	t.Helper()
	var wg sync.WaitGroup
	for n := range processes {
		cmd := Command(t, name, address, fmt.Sprint("p", n))
		wg.Go(func() {
			if out := Output(t, cmd); out != "" {
				t.Errorf("process %d: %s", n, out)
			}
		})
	}
	wg.Wait()
}
