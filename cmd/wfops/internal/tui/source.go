package tui

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/history"
)

// errNoSource tells that a file of code is not below the folder that the console was
// started in.
var errNoSource = errors.New("the file is not below this folder; start wfops where the code is")

// mostFiles is how many files are looked at for one that may be elsewhere.
const mostFiles = 20_000

// findSource looks for the file of a call site below a folder. Histories hold the name
// of the file and the path of the package, not where it was on the machine that built
// it.
func findSource(root string, at history.Site) (string, error) {
	if at.File == "" || at.File != path.Base(at.File) {
		return "", errNoSource
	}
	pkg := packageOf(at.Function)
	if file, ok := inModule(root, pkg, at.File); ok {
		return file, nil
	}
	var found []string
	seen := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch seen++; {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir
		case err != nil:
			return nil //nolint:nilerr // what can't be read is not it
		case seen > mostFiles:
			return fs.SkipAll
		case d.IsDir():
			if name := d.Name(); file != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "vendor") {
				return fs.SkipDir
			}
		case d.Name() == at.File && d.Type().IsRegular() && fits(filepath.Dir(file), pkg):
			found = append(found, file)
		}
		return nil
	})
	if err != nil || len(found) != 1 { // of two that fit neither is known to be it
		return "", errors.Join(errNoSource, err)
	}
	return found[0], nil
}

// packageOf returns the path of a function's package.
func packageOf(function string) string {
	dir, name := path.Split(function)
	name, _, _ = strings.Cut(name, ".")
	return dir + name
}

// fits reports whether a folder could hold a package. That of a program can be called
// anything.
func fits(dir, pkg string) bool {
	return pkg == "" || pkg == "main" || filepath.Base(dir) == path.Base(pkg)
}

// inModule looks where a package has to be if it is of the module around a folder.
func inModule(root, pkg, file string) (string, bool) {
	for dir := root; ; dir = filepath.Dir(dir) {
		if module, ok := moduleOf(filepath.Join(dir, "go.mod")); ok {
			rel, within := strings.CutPrefix(pkg+"/", module+"/")
			if !within {
				return "", false
			}
			name := filepath.Join(dir, filepath.FromSlash(rel), file)
			info, err := os.Stat(name)
			return name, err == nil && info.Mode().IsRegular()
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

func moduleOf(gomod string) (string, bool) {
	text, err := os.ReadFile(gomod) //nolint:gosec // a go.mod around where the user is
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) {
		if module, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.Trim(strings.TrimSpace(module), `"`), true
		}
	}
	return "", false
}

// Lines of code that are shown before and behind the one that is meant.
const sourceAround = 2

// readSource reads the lines around one.
func readSource(file string, line int) ([]view.SourceLine, error) {
	f, err := os.Open(file) //nolint:gosec // found by its name below where the user is
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it is only read
	var lines []view.SourceLine
	s := bufio.NewScanner(f)
	for n := 1; s.Scan() && n <= line+sourceAround; n++ {
		if n >= line-sourceAround {
			lines = append(lines, view.SourceLine{Number: n, Text: s.Text(), Here: n == line})
		}
	}
	return lines, s.Err()
}
