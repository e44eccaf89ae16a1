//go:build cgo

package sqlite

import (
	"database/sql/driver"
	"errors"

	"github.com/mattn/go-sqlite3"
)

// openDriver opens one connection. A store never uses a connection from two
// goroutines at once, so the library's own lock on it is left out.
func openDriver(uri string) (driver.Conn, error) {
	return (&sqlite3.SQLiteDriver{}).Open(uri + "&_mutex=no")
}

// errorCode returns the extended result code of SQLite.
func errorCode(err error) (code int, ok bool) {
	if e, ok := errors.AsType[sqlite3.Error](err); ok {
		return int(e.ExtendedCode), true
	}
	return foreignCode(err)
}
