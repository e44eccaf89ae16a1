//go:build !unix

package postgres

import "os/exec"

// runAs does nothing where there is no root.
func runAs(*exec.Cmd, uint32) {}
