package postgres

import (
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

// The codes that the store treats in a way of its own. See appendix A of the
// server's manual.
const (
	codeUniqueViolation   = "23505"
	codeReadOnly          = "25006"
	codeIdleInTransaction = "25P03"
	codeNoStatement       = "26000"
	codeStatementExists   = "42P05"
	codeSerialization     = "40001"
	codeDeadlock          = "40P01"
	codeLockNotAvailable  = "55P03"
	codeDenied            = "42501"
)

// sqlState returns the code of the server's error in err, or "".
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Classify implements sqlstore.Dialect.
func (d *dialect) Classify(err error) sqlstore.Class {
	switch code := sqlState(err); {
	case code == codeSerialization, code == codeDeadlock, code == codeUniqueViolation:
		return sqlstore.Conflict
	case code == codeLockNotAvailable:
		return sqlstore.Busy
	case code == codeReadOnly:
		return sqlstore.ReadOnly
	case code == codeDenied:
		return sqlstore.Denied
	case forgotten(err):
		return sqlstore.Conflict
	case code == codeIdleInTransaction, strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"):
		return sqlstore.Lost
	case errors.Is(err, driver.ErrBadConn):
		return sqlstore.Lost
	}
	return sqlstore.Other
}

// forgotten reports whether the server does not know a statement that was given to it
// before, or no longer as it was: a pooler that was not recognized, or a migration.
func forgotten(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == codeNoStatement || e.Code == codeStatementExists || e.Routine == "RevalidateCachedQuery"
}
