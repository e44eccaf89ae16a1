package wfops_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wfops/wfops"

// layers says which packages of ours the code of a package may import directly;
// test files are free. A key that ends in "/..." is for a whole tree and gives
// way to longer keys. An import that is missing here fails the test: adding an
// arrow is a decision, made in a diff of this table.
var layers = map[string]string{
	".": "",

	// L0, L1: words. They know nothing that does anything.
	"engine":               "",
	"engine/internal/coro": "",
	"internal/spelling":    "",
	"engine/history":       "engine",
	"engine/activity":      "engine",

	// L2: the two contracts, one on each side of the executor.
	"engine/backend":          "engine engine/history",
	"engine/internal/command": "engine engine/history",

	// L3, L4: what authors import, and what client and worker share.
	"engine/workflow":          "engine engine/history engine/internal/command engine/internal/coro",
	"engine/registry":          "engine engine/workflow internal/spelling",
	"engine/settings":          "engine engine/history engine/internal/command engine/workflow",
	"engine/backend/group":     "engine engine/history engine/backend",
	"engine/backend/intercept": "engine engine/history engine/backend",

	// L5: pure replay. No store, no client, no worker.
	"engine/executor": "engine engine/history engine/internal/command engine/internal/coro engine/registry engine/workflow",

	// L6: adapters know the port and nothing of what runs on it.
	"backends/internal/matching": "engine engine/backend",
	"backends/internal/sqlstore": "engine engine/history engine/backend backends/internal/matching",
	"backends/memory":            "engine engine/history engine/backend backends/internal/matching",
	"backends/redis":             "engine engine/history engine/backend backends/internal/matching",
	"backends/sqlite":            "engine engine/history engine/backend backends/internal/sqlstore",
	"backends/mysql":             "engine engine/history engine/backend backends/internal/sqlstore",
	"backends/postgres":          "engine engine/history engine/backend backends/internal/sqlstore",

	// L6: programs' side. worker names client for NewWorkflowOrchestrator alone.
	"client": "engine engine/history engine/backend engine/backend/group engine/backend/intercept engine/registry engine/settings engine/workflow",
	"worker": "engine engine/history engine/activity engine/backend engine/backend/group engine/backend/intercept engine/registry engine/settings engine/workflow engine/executor client diagnostics",
	"engine/tester": "engine engine/history engine/activity engine/backend engine/backend/group engine/internal/command engine/internal/coro " +
		"engine/registry engine/settings engine/workflow engine/executor",

	// L6: what people look at. Pure: it knows no store and no worker.
	"diagnostics": "engine engine/history engine/registry engine/settings engine/executor internal/spelling",

	// L7: histories replayed in the user's own code: in his binary, which a console
	// starts, and in his tests.
	"diagnostics/internal/leftover": "",
	"diagnostics/replay":            "engine engine/registry engine/settings engine/executor diagnostics diagnostics/internal/leftover",
	"diagnostics/replaytest":        "engine engine/registry engine/settings diagnostics diagnostics/internal/leftover",

	// L7: shared suites, for test files only, and the one place that knows every
	// adapter.
	// memory is the model that other stores are compared with.
	"backends/backendtest/faults": "engine engine/history engine/backend",
	"backends/backendtest":        "engine engine/history engine/backend backends/backendtest/faults backends/memory",
	"backends/backendtest/scenarios": "engine engine/history engine/activity engine/backend engine/backend/group engine/registry engine/settings " +
		"engine/workflow engine/executor client worker backends/backendtest/faults",
	"backends/backendtest/outage": "engine engine/history engine/activity engine/backend engine/backend/intercept engine/registry engine/settings " +
		"engine/workflow client worker backends/backendtest/process",
	"backends/backendtest/deploy":  "engine engine/backend engine/registry engine/workflow client worker backends/backendtest/process",
	"backends/backendtest/process": "engine/backend worker",
	"backends/backendtest/private": "",
	// Telemetry watches client and worker, and nobody but programs knows it: it alone
	// imports OpenTelemetry.
	"telemetry": "engine engine/history engine/backend engine/backend/intercept engine/settings engine/workflow worker",
	"backends":  "engine engine/backend backends/memory backends/sqlite backends/mysql backends/postgres backends/redis",

	// L8: the console. ops asks the port, view draws what ops answers and knows no
	// store, cli prints what view draws; connect alone knows which stores there are.
	"cmd/wfops/internal/filter":            "engine engine/backend internal/spelling",
	"cmd/wfops/internal/filter/filtertest": "engine engine/backend",
	"cmd/wfops/internal/servertest":        "engine",
	"cmd/wfops/internal/connect":           "engine engine/backend backends cmd/wfops/internal/exported",
	"cmd/wfops/internal/exported":          "engine engine/history engine/backend diagnostics",
	"cmd/wfops/internal/tmuxtest":          "",
	"cmd/wfops/internal/picture":           "cmd/wfops/internal/grid",
	"cmd/wfops/internal/ops":               "engine engine/history engine/backend engine/backend/intercept cmd/wfops/internal/filter",
	"cmd/wfops/internal/ops/opstest":       "engine engine/history engine/backend diagnostics",
	"cmd/wfops/internal/values":            "engine engine/history diagnostics",
	"cmd/wfops/internal/codec":             "engine engine/history engine/backend cmd/wfops/internal/values",
	"cmd/wfops/internal/view":              "engine engine/history engine/backend diagnostics cmd/wfops/internal/filter cmd/wfops/internal/ops cmd/wfops/internal/values",
	"cmd/wfops/internal/document":          "engine engine/history engine/backend diagnostics cmd/wfops/internal/ops cmd/wfops/internal/values",
	"cmd/wfops/internal/command":           "",
	"cmd/wfops/internal/grid":              "cmd/wfops/internal/view",
	"cmd/wfops/internal/fleet":             "engine engine/history engine/backend diagnostics diagnostics/replay cmd/wfops/internal/filter cmd/wfops/internal/connect cmd/wfops/internal/ops cmd/wfops/internal/view",
	"cmd/wfops/internal/tui": "engine engine/history engine/backend diagnostics cmd/wfops/internal/command cmd/wfops/internal/filter cmd/wfops/internal/ops cmd/wfops/internal/view " +
		"cmd/wfops/internal/grid cmd/wfops/internal/document diagnostics/replay cmd/wfops/internal/fleet cmd/wfops/internal/codec cmd/wfops/internal/values",
	"cmd/wfops/internal/cli": "engine engine/history engine/backend diagnostics diagnostics/replay cmd/wfops/internal/filter cmd/wfops/internal/connect cmd/wfops/internal/exported cmd/wfops/internal/ops " +
		"cmd/wfops/internal/view cmd/wfops/internal/values cmd/wfops/internal/codec cmd/wfops/internal/document cmd/wfops/internal/command cmd/wfops/internal/trace cmd/wfops/internal/tui cmd/wfops/internal/fleet internal/spelling",
	"cmd/wfops/internal/trace": "engine engine/history engine/backend client telemetry cmd/wfops/internal/ops",
	"cmd/wfops":                "engine/backend cmd/wfops/internal/cli cmd/wfops/internal/connect cmd/wfops/internal/tui",

	// L8: programs wire the public packages together.
	"cmd/wfbench/...": public + " cmd/wfbench/...",
	"samples/...":     public + " samples/...",
}

const public = "engine engine/history engine/activity engine/backend engine/backend/group engine/registry engine/settings engine/workflow " +
	"client worker telemetry diagnostics diagnostics/replay backends backends/memory backends/sqlite backends/mysql backends/postgres backends/redis"

// thirdParty says which modules the code of a package may import; test files may
// import these and those of testThirdParty. Everything else is refused.
var thirdParty = map[string]string{
	"backends/sqlite":               "github.com/mattn/go-sqlite3 modernc.org/sqlite",
	"backends/mysql":                "github.com/go-sql-driver/mysql",
	"backends/postgres":             "github.com/jackc/pgx/v5",
	"backends/redis":                "github.com/redis/go-redis",
	"cmd/wfbench":                   "github.com/jackc/pgx/v5 github.com/redis/go-redis go.opentelemetry.io/otel", // drops what a run has made
	"cmd/wfops/internal/view":       "github.com/rivo/uniseg",
	"cmd/wfops/internal/grid":       "github.com/rivo/uniseg",
	"cmd/wfops/internal/tui":        "github.com/gdamore/tcell/v2 github.com/rivo/uniseg github.com/sahilm/fuzzy golang.org/x/sys golang.org/x/term",
	"cmd/wfops/internal/cli":        "github.com/spf13/cobra github.com/spf13/pflag go.yaml.in/yaml/v3",
	"cmd/wfops/internal/values":     "github.com/itchyny/gojq",
	"cmd/wfops":                     "golang.org/x/term",
	"cmd/wfops/internal/trace":      "go.opentelemetry.io/otel",
	"telemetry":                     "go.opentelemetry.io/otel go.opentelemetry.io/proto/otlp google.golang.org/protobuf",
	"cmd/wfops/internal/servertest": "github.com/go-sql-driver/mysql github.com/jackc/pgx/v5 github.com/redis/go-redis",
	"cmd/wfops/internal/connect":    "go.yaml.in/yaml/v3 github.com/zalando/go-keyring golang.org/x/sys",
	"cmd/wfops/internal/picture":    "github.com/go-fonts/dejavu golang.org/x/image",
	// Users write OnActivity(…).Return(…), which is testify's mock.
	"engine/tester": "github.com/stretchr/testify",
	"samples/...":   "github.com/google/uuid go.opentelemetry.io google.golang.org/protobuf",
}

const testThirdParty = "github.com/stretchr/testify go.uber.org/goleak github.com/prometheus/client_golang"

// shipped are packages that users' programs are built from, and keptOut what must
// not come with them: test code, and telemetry that nobody asked for.
var (
	shipped = []string{"engine/workflow", "engine/activity", "worker", "client", "backends/sqlite", "backends/memory", "backends/mysql", "backends/postgres", "backends/redis", "diagnostics/replay"}
	keptOut = []string{"testing", "github.com/stretchr/testify", "go.uber.org/goleak", "go.opentelemetry.io"}
)

// Budgets, in lines. Tests may have long tables, but no long files.
const (
	maxFile       = 700
	maxFunc       = 80
	longFunc      = 60
	longFuncShare = 0.02
	p90Func       = 40
)

// source is what the rules look at in one file. Files are read whatever their
// build constraints say, so that one pass sees every platform, with and without
// cgo.
type source struct {
	dir, file string
	test      bool // a _test file
	imports   []string
	lines     int
	funcs     []function
}

type function struct {
	name  string
	lines int
}

func TestImportsFollowTheLayers(t *testing.T) {
	for _, s := range sources(t) {
		for _, problem := range importProblems(s) {
			t.Error(problem)
		}
	}
}

func importProblems(s source) []string {
	row, known := lookup(layers, s.dir)
	if !known {
		return []string{s.file + ": package " + s.dir + " is not in layers"}
	}
	modules, _ := lookup(thirdParty, s.dir)
	if s.test {
		modules += " " + testThirdParty
	}
	var problems []string
	for _, imp := range s.imports {
		dep, ours := strings.CutPrefix(imp, module+"/")
		switch {
		case ours && !s.test && !anyMatches(strings.Fields(row), dep):
			problems = append(problems, s.file+": "+s.dir+" must not import "+dep)
		case !ours && isThirdParty(imp) && !slices.ContainsFunc(strings.Fields(modules), func(m string) bool { return within(imp, m) }):
			problems = append(problems, s.file+": "+s.dir+" must not import "+imp)
		case within(imp, "testing") && !s.test && !isTestCode(s.dir):
			problems = append(problems, s.file+": testing is for test code")
		}
	}
	return problems
}

// The rules must bite, or their silence means nothing.
func TestRulesRefuse(t *testing.T) {
	for _, c := range []struct {
		name string
		s    source
		want int
	}{
		{"an edge in the table", source{dir: "engine/history", imports: []string{module + "/engine", "time"}}, 0},
		{"an edge upwards", source{dir: "engine/history", imports: []string{module + "/worker"}}, 1},
		{"an adapter that knows the executor", source{dir: "backends/sqlite", imports: []string{module + "/engine/executor"}}, 1},
		{"a package without a row", source{dir: "engine/util", imports: []string{"time"}}, 1},
		{"a driver in its adapter", source{dir: "backends/sqlite", imports: []string{"modernc.org/sqlite/lib", "github.com/mattn/go-sqlite3"}}, 0},
		{"a driver elsewhere", source{dir: "worker", imports: []string{"modernc.org/sqlite"}}, 1},
		{"a driver in a test elsewhere", source{dir: "worker", test: true, imports: []string{"modernc.org/sqlite"}}, 1},
		{"a module whose name begins alike", source{dir: "backends/sqlite", imports: []string{"modernc.org/sqlite3"}}, 1},
		{"testify in a library", source{dir: "client", imports: []string{"github.com/stretchr/testify/mock"}}, 1},
		{"testify in a test", source{dir: "client", test: true, imports: []string{"github.com/stretchr/testify/mock"}}, 0},
		{"goleak in a suite", source{dir: "backends/backendtest", imports: []string{"go.uber.org/goleak"}}, 1},
		{"testing in a library", source{dir: "engine", imports: []string{"testing"}}, 1},
		{"testing in a suite", source{dir: "backends/backendtest/faults", imports: []string{"testing"}}, 0},
		{"testing in the tester", source{dir: "engine/tester", imports: []string{"testing"}}, 0},
		{"a suite in a library", source{dir: "backends/memory", imports: []string{module + "/backends/backendtest"}}, 1},
		{"a suite that knows the worker", source{dir: "backends/backendtest", imports: []string{module + "/worker"}}, 1},
		{"a suite in a test", source{dir: "backends/memory", test: true, imports: []string{module + "/backends/backendtest"}}, 0},
		{"a sample's own package", source{dir: "samples/orders", imports: []string{module + "/samples/orders/shop", "github.com/google/uuid"}}, 0},
	} {
		if got := importProblems(c.s); len(got) != c.want {
			t.Errorf("%s: got %q, want %d problems", c.name, got, c.want)
		}
	}
}

// What a package imports directly is settled above; this looks at what comes in
// through others.
func TestShippedPackagesStayClean(t *testing.T) {
	var pkgs []string
	for _, pkg := range shipped {
		pkgs = append(pkgs, "./"+pkg)
	}
	for _, cgo := range []string{"0", "1"} { // each has its own SQLite driver
		for _, dep := range goList(t, cgo, append([]string{"-deps"}, pkgs...)...) {
			if slices.ContainsFunc(keptOut, func(m string) bool { return within(dep, m) }) {
				t.Errorf("CGO_ENABLED=%s: users' programs would contain %s; find the way with: go mod why %s", cgo, dep, dep)
			}
		}
	}
}

// Nobody gets OpenTelemetry who has not asked for it: package telemetry has it, and
// programs.
func TestOpenTelemetryIsOptional(t *testing.T) {
	watched := func(pkg string) bool {
		return slices.ContainsFunc([]string{"telemetry", "samples", "cmd"}, func(tree string) bool { return within(pkg, module+"/"+tree) })
	}
	pkgs := slices.DeleteFunc(goList(t, "1", "./..."), watched)
	for _, dep := range goList(t, "1", append([]string{"-deps"}, pkgs...)...) {
		if within(dep, "go.opentelemetry.io") {
			t.Errorf("a package that is not about telemetry needs %s; find the way with: go mod why %s", dep, dep)
		}
	}
	for _, dep := range goList(t, "1", "-deps", "./telemetry") { // it uses a package of the SDK that is made for tests
		if within(dep, "testing") {
			t.Errorf("programs with telemetry would contain %s", dep)
		}
	}
}

// goList returns what go list prints.
func goList(t *testing.T, cgo string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return strings.Fields(string(out))
}

func TestBudgets(t *testing.T) {
	var lengths []int
	var long []string
	for _, s := range sources(t) {
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, the limit is %d: name the second thing in it and move it out", s.file, s.lines, maxFile)
		}
		if s.test || isTestCode(s.dir) {
			continue
		}
		for _, f := range s.funcs {
			lengths = append(lengths, f.lines)
			if f.lines > maxFunc {
				t.Errorf("%s: %s has %d lines, the limit is %d", s.file, f.name, f.lines, maxFunc)
			}
			if f.lines > longFunc {
				long = append(long, s.file+": "+f.name+" has "+strconv.Itoa(f.lines)+" lines")
			}
		}
	}
	if share := float64(len(long)) / float64(len(lengths)); share > longFuncShare {
		t.Errorf("%.1f %% of %d functions have more than %d lines, the limit is %.0f %%:\n%s",
			100*share, len(lengths), longFunc, 100*longFuncShare, strings.Join(long, "\n"))
	}
	slices.Sort(lengths)
	if p90 := lengths[len(lengths)*9/10]; p90 > p90Func {
		t.Errorf("a tenth of the functions have %d lines or more, the limit is %d", p90, p90Func)
	}
}

// sources parses every Go file of this module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && skipped(file):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(file, ".go"):
			all = append(all, parse(t, file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// skipped reports whether the go command does not look into dir either.
func skipped(dir string) bool {
	name := filepath.Base(dir)
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func parse(t *testing.T, file string) source {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	slashed := filepath.ToSlash(file)
	s := source{
		dir:   path.Dir(slashed),
		file:  slashed,
		test:  strings.HasSuffix(file, "_test.go"),
		lines: fset.File(f.Pos()).LineCount(),
	}
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		s.imports = append(s.imports, imp)
	}
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1
			s.funcs = append(s.funcs, function{fn.Name.Name, lines})
		}
	}
	return s
}

// lookup returns the row of pkg: its own, or that of the nearest tree around it.
func lookup(table map[string]string, pkg string) (string, bool) {
	if row, ok := table[pkg]; ok {
		return row, true
	}
	for dir := pkg; dir != "."; dir = path.Dir(dir) {
		if row, ok := table[dir+"/..."]; ok {
			return row, true
		}
	}
	return "", false
}

func anyMatches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		tree, isTree := strings.CutSuffix(p, "/...")
		return p == pkg || isTree && within(pkg, tree)
	})
}

// within reports whether pkg is tree or lies in it.
func within(pkg, tree string) bool { return pkg == tree || strings.HasPrefix(pkg, tree+"/") }

// isThirdParty goes by the dot that the first element of a module path has and
// that of the standard library has not.
func isThirdParty(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return strings.Contains(first, ".")
}

// isTestCode reports whether a package exists for tests: the users' tester, and
// everything in a tree whose name ends in "test".
func isTestCode(pkg string) bool {
	return pkg == "engine/tester" || slices.ContainsFunc(strings.Split(pkg, "/"), func(elem string) bool { return strings.HasSuffix(elem, "test") })
}
