//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package replay

import (
	"io"
	"os"
	"os/exec"
)

// takeStdio takes standard input and output for the protocol. What the program writes
// to os.Stdout goes to standard error from now on, and there is nothing to read in
// os.Stdin.
func takeStdio() (in io.Reader, out io.Writer, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	in, out = os.Stdin, os.Stdout
	os.Stdin, os.Stdout = null, os.Stderr //nolint:reassign // that's what is meant
	return in, out, nil
}

func detach(*exec.Cmd) {}

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // it may have ended

func dump(*exec.Cmd) bool { return false }
