package mysql

import "fmt"

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
		all = append(all, Migration(m))
	}
	return all
}

// MigrationStatements returns what brings a database from schema version from (0 if
// it is empty) to the current one, for those who review it or run it by hand, as a
// user who may create tables. Nobody else may do so at the same time.
func MigrationStatements(from int) []string {
	all := migrations()
	if from < 0 || from >= len(all) {
		return nil
	}
	statements := []string{schemaTable}
	for _, m := range all[from:] {
		statements = append(statements, m.Statements...)
	}
	return append(statements,
		fmt.Sprintf("INSERT INTO wfops_schema (one, version) VALUES (1, %d) ON DUPLICATE KEY UPDATE version = VALUES(version)", len(all)))
}
