package sqlstore

import (
	"fmt"
	"io/fs"
	"strings"
)

// ReadMigrations reads the files "migrations/*.sql" in the order of their names.
// Statements are separated by empty lines. It panics if files are missing: they are
// part of the program.
func ReadMigrations(files fs.FS) []Migration {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("no migrations are embedded: %v", err))
	}
	var all []Migration
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		m := Migration{Name: strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".sql")}
		for part := range strings.SplitSeq(string(text), "\n\n") {
			if s := statement(part); s != "" {
				m.Statements = append(m.Statements, s)
			}
		}
		all = append(all, m)
	}
	return all
}

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
