package tui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// edit opens a file in the editor of the user, at a line unless that is 0. The editor
// has the terminal until it ends.
func (a *app) edit(file string, line int) {
	args, err := editor(a.o.Getenv, file, line)
	if err != nil {
		a.fail(err)
		return
	}
	if err := a.terminal.Suspend(); err != nil {
		a.fail(fmt.Errorf("giving the terminal to %s: %w", args[0], err))
		return
	}
	ended := make(chan struct{})
	a.away = ended
	ask(a, nil, "edit", func(ctx context.Context) (string, error) {
		defer close(ended)
		return "", runOnTerminal(ctx, args)
	}, func(_ string, err error) {
		a.away, a.redraw = nil, true
		if err := a.terminal.Resume(); err != nil {
			a.broken = fmt.Errorf("taking the terminal back: %w", err)
			return
		}
		if err != nil {
			a.fail(fmt.Errorf("running %s: %w", args[0], err))
			return
		}
		a.say(view.Plain, "")
		a.top().refresh()
	})
}

// runOnTerminal runs a program that has the terminal. When ctx ends it is asked to end,
// so that it can put the terminal in order; what it leaves behind is mended.
func runOnTerminal(ctx context.Context, args []string) error {
	stdin := int(os.Stdin.Fd()) //nolint:gosec // descriptors are small
	if state, err := term.GetState(stdin); err == nil {
		defer func() { _ = term.Restore(stdin, state) }() // nothing else could be done
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the user's own
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stdout
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endTime / 2
	return cmd.Run()
}

// awaitEditor lets an editor end that has the terminal when the console has to end.
func (a *app) awaitEditor() {
	if a.away == nil {
		return
	}
	a.cancel()
	timer := time.NewTimer(endTime)
	defer timer.Stop()
	select {
	case <-a.away:
	case <-timer.C:
	}
}

// editor returns the command that opens a file at a line.
func editor(getenv func(string) string, file string, line int) ([]string, error) {
	command := "vi"
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if value := strings.TrimSpace(getenv(name)); value != "" {
			command = value
			break
		}
	}
	args, err := words(command)
	if err != nil || len(args) == 0 {
		return nil, fmt.Errorf("the editor %q can't be run: %w", command, err)
	}
	if line <= 0 {
		return append(args, file), nil
	}
	at := strconv.Itoa(line)
	switch strings.TrimSuffix(filepath.Base(args[0]), ".exe") {
	case "code", "codium", "cursor":
		return append(args, "--wait", "--goto", file+":"+at), nil
	case "hx", "helix", "subl", "zed":
		return append(args, file+":"+at), nil
	}
	return append(args, "+"+at, file), nil
}
