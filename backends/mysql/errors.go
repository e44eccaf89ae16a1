package mysql

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	my "github.com/go-sql-driver/mysql"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

var errMigrating = errors.New("another program is migrating the store")

// Errors that are about the server as a whole.
const (
	errNoCluster      = 1047
	errShutdown       = 1053
	errReadOnlyServer = 1290
	errReadOnlyMode   = 1836
)

// classes says what the server means, as far as the store treats it in a way of its
// own.
var classes = map[uint16]sqlstore.Class{
	1205: sqlstore.Busy, // lock wait timeout
	1040: sqlstore.Busy, // too many connections
	1203: sqlstore.Busy, // the user has too many connections
	1226: sqlstore.Busy, // the user has used up a resource

	1213: sqlstore.Conflict, // deadlock, and in a Galera cluster a write that lost at commit
	1062: sqlstore.Conflict, // duplicate key: another transaction has made the row in the meantime
	1020: sqlstore.Conflict, // the row has changed since it was read
	1615: sqlstore.Conflict, // a table has changed since the statement was prepared
	3572: sqlstore.Conflict, // a row is locked
	8002: sqlstore.Conflict, // TiDB: SELECT FOR UPDATE met a newer write
	8022: sqlstore.Conflict, // TiDB: the commit met one
	8028: sqlstore.Conflict, // TiDB: a table was changed meanwhile
	9007: sqlstore.Conflict, // TiDB: write conflict

	errNoCluster: sqlstore.Lost, // a Galera node that is not part of the cluster
	errShutdown:  sqlstore.Lost, // shutdown in progress
	1927:         sqlstore.Lost, // MariaDB: connection was killed
	1317:         sqlstore.Lost, // the statement was killed
	3169:         sqlstore.Lost, // MySQL: session was killed
	4031:         sqlstore.Lost, // MySQL: disconnected because it was idle

	1792:              sqlstore.ReadOnly, // in a read-only transaction
	errReadOnlyServer: sqlstore.ReadOnly, // --read-only
	errReadOnlyMode:   sqlstore.ReadOnly, // read-only mode

	1060: sqlstore.Repeated, // there is a column of that name

	1044: sqlstore.Denied, // to the database
	1045: sqlstore.Denied, // user or password
	1142: sqlstore.Denied, // for the table
	1227: sqlstore.Denied, // lacks a global privilege
	1370: sqlstore.Denied, // for the routine
}

func (d *dialect) Classify(err error) sqlstore.Class {
	if e, ok := errors.AsType[*my.MySQLError](err); ok {
		return classes[e.Number]
	}
	var op net.Error
	switch {
	case err == nil:
	case errors.Is(err, errMigrating):
		return sqlstore.Busy
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, my.ErrInvalidConn), errors.Is(err, my.ErrMalformPkt),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op):
		return sqlstore.Lost
	}
	return sqlstore.Other
}

// explain says what to do about an error of connecting.
func explain(err error) error {
	advice := ""
	if e, ok := errors.AsType[*my.MySQLError](err); ok {
		switch e.Number {
		case 1045, 1698:
			advice = "the server refuses the user or the password, or takes only connections with TLS (add tls=true to the DSN)"
		case 1044:
			advice = "the user may not use this database; GRANT ALL ON database.* TO the user"
		case 1049:
			advice = "the database does not exist; CREATE DATABASE makes it"
		case 1040, 1203:
			advice = "the server has no connection left; raise max_connections, or lower WithConnections"
		case 3159:
			advice = "the server takes only connections with TLS (add tls=true to the DSN)"
		case 1129:
			advice = "the server has blocked this host after failed attempts; FLUSH HOSTS lets it in again"
		}
	}
	var dns *net.DNSError
	var op *net.OpError
	var untrusted *tls.CertificateVerificationError
	switch {
	case advice != "":
	case errors.Is(err, my.ErrNoTLS):
		advice = "the DSN asks for TLS, which the server is not set up for"
	case errors.As(err, &untrusted):
		advice = "the certificate of the server is not trusted; install its CA on this machine, or give it to the driver by RegisterTLSConfig"
	case errors.As(err, &dns):
		advice = "the name of the host is not known"
	case errors.As(err, &op) && op.Op == "dial":
		advice = "the server can't be reached; is it running, and are host and port right?"
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, my.ErrInvalidConn):
		advice = "the server ended the connection while it was made"
	default:
		return fmt.Errorf("connecting: %w", err)
	}
	return fmt.Errorf("connecting: %s: %w", advice, err)
}
