// Package sqlite keeps workflows in one SQLite file. It needs no server, and any
// number of processes on one machine can share the file.
//
//	b, err := sqlite.Open(ctx, "orders.db")
//
// With cgo it uses github.com/mattn/go-sqlite3, without it modernc.org/sqlite. The
// file is the same for both.
//
// # Durability
//
// The file is in WAL mode, with the guarantee of synchronous=FULL: what was
// acknowledged survives a power failure. WithSynchronous(Normal) survives the death
// of the process, but may lose the last moments with the machine.
//
// If the disk fails to sync, every call answers with that error until the store is
// closed and opened again.
//
// # The file and its neighbors
//
// While the store is open, files with the endings -wal and -shm lie beside the
// database file and belong to it. The file must not be on a network file system.
// Within one process it must not be opened by two different SQLite libraries, for
// example by this package with cgo and by a *sql.DB of modernc.org/sqlite: each
// would drop the other's locks on it.
package sqlite
