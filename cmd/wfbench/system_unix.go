//go:build unix

package main

import (
	"syscall"
	"time"
)

// settle waits until what was written to files is on the disk, so that the system does
// not go on with it while something is measured.
func settle() { syscall.Sync() }

// cpuTime is what this process has used so far, in user and kernel mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
