package jaegertest

import "syscall"

// endsWithParent has the system end Jaeger when a test is killed, or panics for its
// timeout, and so can't stop it.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
