package mysql

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// onlyOne is SQL that MySQL 8.0 has and MariaDB 10.6 lacks, or the other way round.
// What is written here runs on both, although tests see only the one that is there.
var onlyOne = map[string]*regexp.Regexp{
	"RETURNING (MariaDB)":                            regexp.MustCompile(`(?i)\bRETURNING\b`),
	"row aliases of INSERT (MySQL)":                  regexp.MustCompile(`(?i)\)\s*AS\s+\w+\s+ON\s+DUPLICATE\b`),
	"LATERAL (MySQL)":                                regexp.MustCompile(`(?i)\bLATERAL\b`),
	"FOR UPDATE OF, FOR SHARE (MySQL)":               regexp.MustCompile(`(?i)\bFOR\s+(UPDATE\s+OF|SHARE)\b`),
	"-> and ->> (MySQL)":                             regexp.MustCompile(`->`),
	"indexes of expressions (MySQL)":                 regexp.MustCompile(`(?i)\b(INDEX|KEY)\b[^()]*\(\s*\(`),
	"CREATE INDEX IF NOT EXISTS and alike (MariaDB)": regexp.MustCompile(`(?i)\b(INDEX|COLUMN|CONSTRAINT|KEY)\s+IF\s+(NOT\s+)?EXISTS\b`),
	"CREATE OR REPLACE TABLE (MariaDB)":              regexp.MustCompile(`(?i)\bCREATE\s+OR\s+REPLACE\s+(TABLE|INDEX|DATABASE)\b`),
	"sequences (MariaDB)":                            regexp.MustCompile(`(?i)\b(NEXTVAL|NEXT\s+VALUE\s+FOR|CREATE\s+SEQUENCE)\b`),
	"SET STATEMENT (MariaDB)":                        regexp.MustCompile(`(?i)\bSET\s+STATEMENT\b`),
	"PERSISTENT columns (MariaDB)":                   regexp.MustCompile(`(?i)\bPERSISTENT\b`),
	"types (MariaDB)":                                regexp.MustCompile(`(?i)\b(UUID|INET6?)\s+(NOT\s+NULL|NULL|,)`),
	"DELETE with an alias and ORDER BY (MySQL)":      regexp.MustCompile(`(?i)\bDELETE\s+FROM\s+\w+\s+AS\b`),
	"LIMIT ROWS EXAMINED (MariaDB)":                  regexp.MustCompile(`(?i)\bROWS\s+EXAMINED\b`),
	"LIMIT in a subquery of IN (MariaDB)":            regexp.MustCompile(`(?i)\bIN\s*\(\s*SELECT[^()]*\bLIMIT\b`),
	"FETCH FIRST (MariaDB)":                          regexp.MustCompile(`(?i)\bFETCH\s+(FIRST|NEXT)\b`),
	"INTERSECT and EXCEPT before 8.0.31 (MariaDB)":   regexp.MustCompile(`(?i)\b(INTERSECT|EXCEPT)\b`),
	"collations (MySQL, MariaDB)":                    regexp.MustCompile(`(?i)_0900_|uca1400`),
	"VALUES as a statement (MySQL: ROW)":             regexp.MustCompile(`(?i)\bVALUES\s+ROW\b`),
}

// looksLikeSQL finds statements and parts of them among texts.
var looksLikeSQL = regexp.MustCompile(`\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|FROM|WHERE|ORDER BY|LIMIT|SET|ON DUPLICATE|BEGIN|START|DO|UNION)\b`)

func TestSQLOfBothProducts(t *testing.T) {
	statements := 0
	look := func(where, text string) {
		statements++
		for what, pattern := range onlyOne {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s: %q is not in both products: %s", where, found, what)
			}
		}
	}
	for _, folder := range []string{".", "../internal/sqlstore"} {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if text, err := strconv.Unquote(lit.Value); err == nil && looksLikeSQL.MatchString(text) {
						look(set.Position(lit.Pos()).String(), text)
					}
				}
				return true
			})
		}
	}
	for _, m := range Migrations() {
		for _, s := range m.Statements {
			look("migration "+m.Name, s)
		}
	}
	if statements < 100 {
		t.Errorf("only %d texts were taken for SQL", statements)
	}
}

// The patterns must find what they are for.
func TestOnlyOneBites(t *testing.T) {
	for _, s := range []string{
		"INSERT INTO t VALUES (?) RETURNING pk", "INSERT INTO t VALUES (1) AS new ON DUPLICATE KEY UPDATE a = new.a",
		"SELECT a FROM t FOR UPDATE OF t", "SELECT a->>'$.b' FROM t", "CREATE INDEX i ON t ((a + 1))", "CREATE INDEX IF NOT EXISTS i ON t (a)",
		"ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT", "CREATE OR REPLACE TABLE t (a INT)", "SET STATEMENT max_statement_time=1 FOR SELECT 1",
		"SELECT a FROM t WHERE a IN (SELECT b FROM u LIMIT 3)", "SELECT a FROM t COLLATE utf8mb4_0900_bin", "SELECT NEXTVAL(s)",
	} {
		found := false
		for _, pattern := range onlyOne {
			found = found || pattern.MatchString(s)
		}
		if !found {
			t.Errorf("nothing is said against %q", s)
		}
	}
}
