package wfops_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The program of the README is compiled where the sample is.
func TestReadmeShowsTheQuickstart(t *testing.T) {
	_, program, _ := strings.Cut(read(t, "samples/quickstart/main.go"), "package main\n")
	if !strings.Contains(read(t, "README.md"), "```go\npackage main\n"+program+"```") {
		t.Error("README.md does not show samples/quickstart/main.go as it is")
	}
}

var (
	link = regexp.MustCompile(`\]\(([^)#]+)`)
	code = regexp.MustCompile("(?s)```.*?```") // f[int](ctx) is no link
)

func TestLinksOfPagesResolve(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && skipped(file):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".md"):
			return nil
		}
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, file), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			seen++
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("found no link in any page")
	}
}

// Every decision has its line in the index.
func TestDecisionsAreIndexed(t *testing.T) {
	index := read(t, "docs/README.md")
	pages, err := filepath.Glob("docs/adr/[0-9]*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in docs/adr: %v", err)
	}
	for _, page := range pages {
		heading, _, _ := strings.Cut(strings.TrimPrefix(read(t, page), "# "), "\n")
		if entry := "[" + heading + "](adr/" + filepath.Base(page) + ")"; !strings.Contains(index, entry) {
			t.Errorf("docs/README.md lacks %s", entry)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
