package sqlite

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
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

// migrations reads the embedded files in the order of their names. Statements are
// separated by empty lines.
var migrations = sync.OnceValue(func() []sqlstore.Migration {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var all []sqlstore.Migration
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			panic(err) // it is part of the program
		}
		m := sqlstore.Migration{Name: strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".sql")}
		for part := range strings.SplitSeq(string(text), "\n\n") {
			if s := statement(part); s != "" {
				m.Statements = append(m.Statements, s)
			}
		}
		all = append(all, m)
	}
	return all
})

// statement strips comments from a part of a migration file.
func statement(part string) string {
	var lines []string
	for line := range strings.SplitSeq(part, "\n") {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	return strings.TrimSuffix(strings.TrimSpace(strings.Join(lines, "\n")), ";")
}

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
