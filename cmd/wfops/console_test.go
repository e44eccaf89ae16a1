package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/tmuxtest"
)

// console is a terminal on which wfops is this program.
type console struct {
	*tmuxtest.Terminal

	pid string // a file with its process id
}

// terminal returns one. WFOPS_DSN names the store, so that no command line holds more
// than it needs.
func terminal(t *testing.T, w, h int, dsn string, env ...string) *console {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	c := &console{pid: filepath.Join(bin, "pid")}
	script := fmt.Sprintf("#!/bin/sh\necho $$ >'%s'\n%s=1 exec '%s' \"$@\"\n", c.pid, asProgram, self)
	if err := os.WriteFile(filepath.Join(bin, "wfops"), []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	c.Terminal = tmuxtest.Start(t, w, h, append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "WFOPS_DSN=" + dsn, endsAtOnce()}, env...)...)
	return c
}

// program returns the process that was started last.
func (c *console) program() *os.Process {
	c.Helper()
	text, err := os.ReadFile(c.pid)
	if err != nil {
		c.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		c.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		c.Fatal(err)
	}
	return p
}

// signal sends it a signal.
func (c *console) signal(s os.Signal) {
	c.Helper()
	if err := c.program().Signal(s); err != nil {
		c.Fatal(err)
	}
}

// quits ends the console, and looks at what it leaves.
func (c *console) quits() {
	c.Helper()
	c.Press("q")
	if exit := c.Exit(); exit != int(cli.ExitOK) {
		c.Errorf("exit %d\n%s", exit, c.Screen())
	}
	c.IsRestored()
}

// Whatever ends the console, the terminal is as it was.
func TestConsoleRestoresTheTerminal(t *testing.T) {
	path, _ := store(t, 3)
	for name, c := range map[string]struct {
		end  func(t *console)
		exit cli.Exit
	}{
		"q":       {func(t *console) { t.Press("q") }, cli.ExitOK},
		"command": {func(t *console) { t.Press(":"); t.Type("quit"); t.Press("Enter") }, cli.ExitOK},
		"Ctrl-C":  {interruptTwice, cli.ExitOK},
		"SIGTERM": {func(t *console) { t.signal(syscall.SIGTERM) }, cli.ExitTerminated},
		"SIGINT":  {func(t *console) { t.signal(os.Interrupt) }, cli.ExitInterrupted},
		"SIGHUP":  {func(t *console) { t.signal(syscall.SIGHUP) }, cli.ExitHangup},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := terminal(t, 80, 24, path)
			term.Run("wfops")
			term.Sees("order-0", "^Space mark")
			c.end(term)
			if exit := term.Exit(); exit != int(c.exit) {
				t.Errorf("exit %d, want %d\n%s", exit, c.exit, term.Screen())
			}
			term.IsRestored()
		})
	}
}

// interruptTwice presses Ctrl-C until that ends the console: it cancels first what the
// console waits for. What comes too late would be for the shell.
func interruptTwice(t *console) {
	looks := 0
	t.Until("Ctrl-C ends it", func(screen string) bool {
		ended := strings.Contains(screen, "exit=0") || strings.Contains(screen, "exit=130")
		if looks++; !ended && looks%20 == 1 {
			t.Press("C-c")
		}
		return ended
	})
}

// So it is after a defect, which is told in a line.
func TestConsoleRestoresTheTerminalAfterAPanic(t *testing.T) {
	path, _ := store(t, 3)
	for _, where := range []string{inLoop, inGoroutine} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "strike")
			term := terminal(t, 80, 24, path, fault+"="+where, faultFile+"="+file)
			term.Run("wfops")
			term.Sees("order-0", "^Space mark")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if exit := term.Exit(); exit != int(cli.ExitDefect) {
				t.Errorf("exit %d", exit)
			}
			term.Sees("defect.*injected by a test")
			term.IsRestored()
		})
	}
}

func TestConsoleFollowsTheSizeOfTheTerminal(t *testing.T) {
	path, _ := store(t, 40)
	term := terminal(t, 80, 24, path)
	term.Run("wfops")
	term.Sees("order-39", "^Space mark")
	for _, size := range [][2]int{{120, 40}, {60, 15}, {10, 3}, {1, 1}, {200, 50}, {80, 24}} {
		term.Resize(size[0], size[1])
		if size[0] >= 60 {
			last := func(screen string) string {
				lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
				return fmt.Sprint(len(lines), lines[len(lines)-1])
			}
			term.Until(fmt.Sprintf("the hints are in line %d", size[1]), func(screen string) bool {
				return strings.HasPrefix(last(screen), fmt.Sprint(size[1])) && strings.Contains(last(screen), "Space mark")
			})
		}
	}
	term.quits()
}

// Where there is no terminal to show it on, there is no console but its help.
func TestConsoleNeedsATerminal(t *testing.T) {
	path, _ := store(t, 3)
	term := terminal(t, 100, 60, path)
	for _, c := range []struct {
		line, sees string
		exit       cli.Exit
	}{
		{"wfops | cat", "", cli.ExitOK}, // the exit code is that of cat
		{"(wfops; echo code $?) | cat", "code 2", cli.ExitOK},
		{"wfops </dev/null", "Additional help topics", cli.ExitUsage},
		{"wfops >/dev/null", "Additional help topics", cli.ExitUsage},
		{"TERM=dumb wfops", "Additional help topics", cli.ExitUsage},
		{"wfops list | head -1", "order-2", cli.ExitOK},
		{"wfops list >/dev/full", "no space left", cli.ExitUnwritten},
		{"setsid -w wfops", "/dev/tty", cli.ExitUsage},
		{"TERM=nonsense wfops", "terminfo", cli.ExitUsage},
	} {
		term.Run("clear; " + c.line)
		exit := term.Exit()
		if c.sees != "" {
			term.Sees(c.sees)
		}
		if exit != int(c.exit) {
			t.Errorf("%s: exit %d, want %d\n%s", c.line, exit, c.exit, term.Screen())
		}
		term.IsRestored()
	}
}
