//go:build !unix

package main

import "time"

// settle can't wait for the disk here.
func settle() {}

// cpuTime is not known here, and so the figure is 0.
func cpuTime() time.Duration { return 0 }
