//go:build !cgo

package sqlite

import (
	"database/sql/driver"

	"modernc.org/sqlite"
)

func openDriver(uri string) (driver.Conn, error) {
	return (&sqlite.Driver{}).Open(uri)
}

// errorCode returns the extended result code of SQLite.
func errorCode(err error) (code int, ok bool) { return foreignCode(err) }
