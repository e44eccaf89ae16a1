package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain runs the program itself when the test starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("QUICKSTART_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestItPrintsBothResults(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Dir = t.TempDir() // simple.sqlite goes there
	cmd.Env = append(os.Environ(), "QUICKSTART_PROCESS=1")
	stderr, err := cmd.StderrPipe() // package log writes there
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()

	var seen strings.Builder
	want := []string{"A1 result: 47", "A2 result: 12"}
	for lines := bufio.NewScanner(stderr); len(want) > 0 && lines.Scan(); {
		fmt.Fprintln(&seen, lines.Text())
		if strings.HasSuffix(lines.Text(), want[0]) {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("%q is missing in:\n%s", want, seen.String())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
}
