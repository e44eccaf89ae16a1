// Package postgres keeps workflows in a PostgreSQL database, version 12 or later, or
// in one that speaks its protocol and its SQL.
//
//	b, err := postgres.Open(ctx, "postgres://user:password@host:5432/orders")
//
// Any number of processes can share the store. The tables lie in the schema that
// the connection finds first in its search_path; see WithSchema for one of their own.
//
// # Durability
//
// What was acknowledged is as durable as the server makes a commit: with
// synchronous_commit=on and fsync=on, its defaults, it survives a power failure. Info
// says what the server is set to.
//
// # Waking
//
// Processes wake each other with NOTIFY. A connection that gets no notifications, as
// behind a pooler in transaction mode, is noticed, and then the store looks for
// changes once a second.
//
// # Poolers
//
// The store works behind a pooler in transaction mode, such as PgBouncer. It
// recognizes one, and then keeps no statements and no settings at the server. It
// has a small, fixed number of connections itself, so a direct one is faster.
package postgres
