//go:build !cgo

package sqlite

// driverName is the name that the driver has registered with database/sql.
const driverName = "sqlite"
