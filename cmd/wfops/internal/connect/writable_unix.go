//go:build unix

package connect

import (
	"errors"

	"golang.org/x/sys/unix"
)

// writable reports whether a file could be opened for writing; one that is not there
// counts, so that the reason for the failure is the better one. It is not tried: see
// held.
func writable(path string) bool {
	err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
	return !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EROFS)
}
