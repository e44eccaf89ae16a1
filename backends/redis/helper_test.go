package redis

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

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
