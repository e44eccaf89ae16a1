//go:build unix

package private

import (
	"os/exec"
	"syscall"
)

// Hang makes a server that runs answer nothing, and say nothing either, until it is
// killed. Of a PostgreSQL that is so for new connections.
func (s *Server) Hang() {
	s.t.Helper()
	if err := s.process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
}

// runAs lets a process run as another user.
func runAs(cmd *exec.Cmd, uid uint32) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}
