//go:build !unix

package connect

import "os"

// writable reports whether a file could be opened for writing; one that is not there
// counts, so that the reason for the failure is the better one. It is not tried: see
// held.
func writable(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().Perm()&0o200 != 0
}
