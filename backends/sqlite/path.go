package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/wfops/wfops/engine"
)

// fileURI is how SQLite is told a path together with a mode: it is the only form in
// which it honors the mode. Escaping keeps '?', '#' and '%' part of the path.
func fileURI(path, query string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") { // C:/store.db
		p = "/" + p
	}
	u := url.URL{Scheme: "file", Path: p, RawQuery: query}
	return u.String()
}

// checkPath returns the absolute path, or an error for what SQLite would report as
// "unable to open database file" whatever is wrong.
func checkPath(path string, readOnly bool) (string, error) {
	switch {
	case path == "":
		return "", fmt.Errorf("sqlite: %w: the path is empty", engine.ErrInvalidArgument)
	case strings.ContainsRune(path, 0):
		return "", fmt.Errorf("sqlite: %w: the path %q holds a NUL byte", engine.ErrInvalidArgument, path)
	case strings.HasPrefix(path, "file:"):
		return "", fmt.Errorf("sqlite: %w: %q is a URI; give the path alone, and settings as options", engine.ErrInvalidArgument, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("sqlite: %s: %w", path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return "", fmt.Errorf("sqlite: %s is a folder, not a database file: %w", path, engine.ErrNotAStore)
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("sqlite: %s is not a regular file: %w", path, engine.ErrNotAStore)
	case err == nil: // SQLite puts -wal and -shm beside the file that a link leads to
		return resolve(path)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("sqlite: looking at %s: %w", path, err)
	case readOnly:
		return "", fmt.Errorf("sqlite: there is no store to open read-only: %w", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("sqlite: the folder of %s is missing or can't be entered; create it first: %w", filepath.Base(path), err)
	}
	return path, nil
}

func resolve(path string) (string, error) {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("sqlite: following %s: %w", path, err)
	}
	return file, nil
}
