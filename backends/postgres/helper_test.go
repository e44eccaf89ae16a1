package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The test binary starts itself again for what needs another process: helpers run
// in place of the tests. Each prints what it has to say on standard output.
var helpers = map[string]func(args []string) error{
	"migrate": helperMigrate,
	"write":   helperWrite,
}

const helperVariable = "WFOPS_POSTGRES_TEST_HELPER"

func runHelper() bool {
	name := os.Getenv(helperVariable)
	if name == "" {
		return false
	}
	if err := helpers[name](os.Args[1:]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	return true
}

// helper prepares a process. It is killed when the test ends.
func helper(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	return cmd
}

// run runs a helper to its end and returns what it said.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("helper %v did not run: %v", cmd.Args, err)
	}
	return strings.TrimSpace(string(out))
}

// start starts a helper and waits for its first line.
func start(t *testing.T, cmd *exec.Cmd) (line string) {
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
