//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package replay

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// takeStdio takes standard input and output for the protocol. What the program writes
// to its own goes to standard error from now on, also from C and from variables that
// hold os.Stdout, and there is nothing to read.
func takeStdio() (in io.Reader, out io.Writer, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = null.Close() }() // its number 0 stays
	r, err := private(0)
	if err != nil {
		return nil, nil, err
	}
	w, err := private(1)
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(dup2(int(null.Fd()), 0), dup2(2, 1)); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(r), "requests"), os.NewFile(uintptr(w), "answers"), nil
}

// private duplicates a descriptor and keeps it from programs that this one starts.
func private(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(n)
	}
	return n, err
}

// detach gives the child a process group, so that an interrupt of the console does
// not end it in the middle of an answer, and so that what it starts ends with it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func kill(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
}

// dump makes the child print its stacks and end.
func dump(cmd *exec.Cmd) bool { return cmd.Process.Signal(syscall.SIGQUIT) == nil }
