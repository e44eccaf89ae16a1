//go:build !cgo

package sqlstore_test

// driverName is the name that the driver has registered with database/sql.
const driverName = "sqlite"
