//go:build unix

package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// No test stops this process: some press whatever there is.
var _ = func() error {
	stopSelf = func() error { return nil }
	return nil
}()

func TestSuspend(t *testing.T) {
	was := stopSelf
	defer func() { stopSelf = was }()
	stopped := 0
	p := play(t, 80, 24, nil)
	stopSelf = func() error {
		stopped++
		return syscall.Kill(os.Getpid(), syscall.SIGCONT)
	}
	p.press("Ctrl-Z")
	p.sees("order-8702")
	p.misses("there is no shell")
	stopSelf = func() error { // and while it is stopped time runs out
		time.AfterFunc(stopTime+stopTime/4, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGCONT) })
		return nil
	}
	p.press("Ctrl-Z")
	p.sees("order-8702")
	p.misses("there is no shell")
	stopSelf = func() error { return nil } // what a process does whose shell is gone
	p.press("Ctrl-Z")
	p.sees("there is no shell to go back to")
	if stopped != 1 {
		t.Errorf("stopped %d times", stopped)
	}
}

func TestStandardErrorIsDiverted(t *testing.T) {
	dir, change := stateful(t, nil)
	var o Options
	change(&o)
	restore, err := divert(o.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, "a driver complains")
	restore()
	if text := private(t, filepath.Join(dir, "console.log")); text != "a driver complains\n" {
		t.Errorf("%q", text)
	}
	if err := os.WriteFile(filepath.Join(dir, "console.log"), []byte(strings.Repeat("x", mostLogFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	restore, err = divert(o.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	restore()
	if text := private(t, filepath.Join(dir, "console.log")); text != "" {
		t.Errorf("the file has %d bytes", len(text))
	}
}
