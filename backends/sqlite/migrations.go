package sqlite

import (
	"embed"
	"fmt"
	"sync"

	"github.com/wfops/wfops/backends/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migration is one step of the schema. Its number is its index in Migrations plus
// one.
type Migration struct {
	Name       string
	Statements []string
}

var migrations = sync.OnceValue(func() []sqlstore.Migration { return sqlstore.ReadMigrations(migrationFiles) })

// Migrations returns the steps of the schema, without running them.
func Migrations() []Migration {
	var all []Migration
	for _, m := range migrations() {
		all = append(all, Migration{Name: m.Name, Statements: m.Statements})
	}
	return all
}

// MigrationStatements returns the SQL that brings an empty file, or one of schema
// version from, to the current schema, for whoever wants to read it or run it by
// hand. It includes the transaction and the marks that Open looks for.
func MigrationStatements(from int) []string {
	all := migrations()
	if from < 0 || from >= len(all) {
		return nil
	}
	statements := []string{"BEGIN IMMEDIATE"}
	for _, m := range all[from:] {
		statements = append(statements, m.Statements...)
	}
	return append(statements,
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", len(all)),
		"COMMIT",
	)
}
