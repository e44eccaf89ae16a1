//go:build unix

package postgres

import (
	"os/exec"
	"syscall"
)

// runAs lets a process run as another user.
func runAs(cmd *exec.Cmd, uid uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}
