//go:build !unix

package sqlite

import "os/exec"

// runAs does nothing where there is no root.
func runAs(*exec.Cmd, uint32) {}
