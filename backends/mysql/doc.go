// Package mysql keeps workflows in a MySQL 8 or MariaDB (10.6 or later) database,
// and in clusters that speak like them.
//
//	b, err := mysql.Open(ctx, "mysql://user:password@host:3306/workflows")
//
// # Permissions
//
// The user needs SELECT, INSERT, UPDATE and DELETE on the database, and CREATE, ALTER,
// DROP, INDEX and REFERENCES to migrate it. MigrationStatements prints what an
// administrator can run instead.
//
// # Durability
//
// What was acknowledged survives what the server is set up for: with
// innodb_flush_log_at_trx_commit=1 (the default) and, where there is a binary log,
// sync_binlog=1, a power failure. binlog_format must not be STATEMENT.
//
// # Clusters
//
// Where locks are local to a node and conflicts appear at commit (Galera), a
// transaction that lost is repeated. Each process should talk to one node at a time,
// because another one may lag behind by moments. TiDB works in its pessimistic mode,
// which is the default.
package mysql
