package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

// The test binary starts itself again for what needs another process: helpers run
// in place of the tests. Each prints what it has to say on standard output.
var helpers = map[string]func(args []string) error{
	"open": helperOpen,
	"dial": helperDial,
}

const helperVariable = "WFOPS_REDIS_TEST_HELPER"

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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
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

// logbook is a log that a test reads while others write.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func pause(d time.Duration) { <-time.After(d) }

// until waits for a condition.
func until(t *testing.T, what string, within time.Duration, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !cond(); pause(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s still not: %s", within, what)
		}
	}
}

// insist makes a call again while its outcome is unknown.
func insist(ctx context.Context, call func() error) error {
	for {
		err := call()
		if ctx.Err() != nil || !engine.OutcomeUnknown(err) {
			return err
		}
		pause(20 * time.Millisecond)
	}
}
