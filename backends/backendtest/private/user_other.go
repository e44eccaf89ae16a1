//go:build !unix

package private

import "os/exec"

// runAs does nothing where there is no root.
func runAs(*exec.Cmd, uint32) {}

// Hang is not possible where there are no such signals.
func (s *Server) Hang() { s.t.Skip("a server can't be made to hang here") }
