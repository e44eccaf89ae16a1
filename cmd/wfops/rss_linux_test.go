package main

import (
	"os"
	"syscall"
)

// residentSet is how much memory a process had at most, in bytes.
func residentSet(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss << 10 // it is in KiB
}
