//go:build !linux

package sqlite

import "os"

// canSync tells that the store syncs the log itself. Elsewhere SQLite knows best
// how its files are made durable.
const canSync = false

func datasync(f *os.File) error { return f.Sync() }
