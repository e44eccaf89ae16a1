package telemetry_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The page names all that there is.
func TestEveryNameIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		name, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "go.opentelemetry.io/") {
			return true
		}
		names++
		if !strings.Contains(string(page), "`"+name+"`") && !strings.Contains(string(page), "`"+name+" <") && name != telemetryScope {
			t.Errorf("docs/telemetry.md does not tell of %s", name)
		}
		return true
	})
	if names < 30 {
		t.Errorf("found %d names", names)
	}
}

const telemetryScope = "github.com/wfops/wfops/telemetry"
