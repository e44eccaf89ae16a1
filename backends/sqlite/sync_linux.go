package sqlite

import (
	"os"
	"syscall"
)

// canSync tells that the store syncs the log itself.
const canSync = true

// datasync syncs the content of a file, and of its metadata what is needed to find
// it.
func datasync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
