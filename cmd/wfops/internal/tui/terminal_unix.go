//go:build unix

package tui

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

const canSuspend = true

// stopTime is how long a process takes at most to stop that may.
const stopTime = 200 * time.Millisecond

// suspend leaves the program in the background, as Ctrl-Z does elsewhere, and goes on
// when the shell lets it. Where there is no shell that could, nothing stops it, and
// after a moment it goes on by itself.
func (a *app) suspend() {
	if err := a.terminal.Suspend(); err != nil {
		a.fail(fmt.Errorf("leaving the terminal: %w", err))
		return
	}
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	err := stopSelf()
	if err == nil {
		said := "there is no shell to go back to"
		for range 2 { // time also runs out while it is stopped: why it goes on is heard after that
			if heard(continued, stopTime) {
				said = ""
				break
			}
		}
		a.say(view.Muted, said)
	}
	a.redraw = true
	if resumed := a.terminal.Resume(); resumed != nil {
		a.broken = fmt.Errorf("taking the terminal back: %w", resumed)
	}
	if err != nil {
		a.fail(fmt.Errorf("stopping: %w", err))
	}
	a.top().refresh()
}

// heard waits for a signal, for so long.
func heard(signals <-chan os.Signal, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-signals:
		return true
	case <-timer.C:
		return false
	}
}

// stopSelf stops the job that the program is part of, as the terminal would have done.
// Tests do something else.
var stopSelf = func() error { return syscall.Kill(0, syscall.SIGTSTP) }

// mostLogFile is how large the file grows that standard error goes to.
const mostLogFile = 1 << 20

// divert sends what is written to standard error, by libraries and by the runtime, to a
// file: on the terminal it would be in the middle of a screen. The returned function
// undoes that.
func divert(getenv func(string) string) (restore func(), err error) {
	dir := stateDir(getenv)
	path := os.DevNull
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		path = filepath.Join(dir, "console.log")
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > mostLogFile {
		if err := os.Truncate(path, 0); err != nil {
			return nil, err
		}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // a file of ours
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // its descriptor lives on as the second
	const stderr = 2
	was, err := unix.Dup(stderr)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(was)
	if err := unix.Dup2(int(file.Fd()), stderr); err != nil { //nolint:gosec // descriptors are small
		_ = unix.Close(was)
		return nil, err
	}
	return func() {
		_ = unix.Dup2(was, stderr) // what else could be done
		_ = unix.Close(was)
	}, nil
}
