package postgres

import (
	"embed"
	"fmt"
	"sync"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

var migrations = sync.OnceValue(func() []sqlstore.Migration { return sqlstore.ReadMigrations(migrationFiles) })

// Migration is one step of the schema. Its number is its index in Migrations plus
// one.
type Migration struct {
	Name       string
	Statements []string
}

// Migrations returns the steps of the schema, without running them.
func Migrations() []Migration {
	var all []Migration
	for _, m := range migrations() {
		all = append(all, Migration{Name: m.Name, Statements: m.Statements})
	}
	return all
}

// MigrationStatements returns the SQL that brings an empty schema, or one of schema
// version from, to the current version, for whoever wants to read it or run it by
// hand, with rights that the program lacks. It includes the transaction, the lock
// against others who do the same, and the mark that Open looks for.
func MigrationStatements(from int) []string {
	all := migrations()
	if from < 0 || from >= len(all) {
		return nil
	}
	statements := []string{"BEGIN", lockSchema}
	if from == 0 {
		statements = append(statements, createMark, insertMark)
	}
	for _, m := range all[from:] {
		statements = append(statements, m.Statements...)
	}
	return append(statements, fmt.Sprintf("UPDATE wfops_schema SET version = %d", len(all)), "COMMIT")
}

// The mark of a store is a table of its own.
const (
	createMark = `CREATE TABLE wfops_schema (one BIGINT PRIMARY KEY CHECK (one = 1), version BIGINT NOT NULL)`
	insertMark = "INSERT INTO wfops_schema (one, version) VALUES (1, 0)"
	// The number spells "wfops"; the lock is one for the whole database.
	lockSchema = "SELECT pg_advisory_xact_lock(512819687539)"
)
