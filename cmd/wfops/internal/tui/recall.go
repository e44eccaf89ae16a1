package tui

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
)

// recall is what was typed behind a colon, in this console and those before it.
type recall struct {
	lines  []string // the latest last
	loaded bool
}

// mostRecalled is how many lines are kept.
const mostRecalled = 200

// recallFile is its name in the folder for state.
const recallFile = "history"

// load reads what was typed before, once.
func (r *recall) load(a *app) {
	dir := stateDir(a.o.Getenv)
	if r.loaded || dir == "" {
		return
	}
	r.loaded = true
	ask(a, nil, "recall", func(context.Context) ([]string, error) { return readLines(filepath.Join(dir, recallFile)) }, func(lines []string, err error) {
		if err != nil {
			a.log.note(err)
			return
		}
		r.lines = append(lines, r.lines...)
	})
}

// readLines reads the last lines of a file; one that is not there has none.
func readLines(path string) ([]string, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // a file of ours
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return lines[max(0, len(lines)-mostRecalled):], nil
}

// keep remembers a line, and writes it down for the next console. Of what changes
// something only the name is kept: names of signals and reasons are nobody else's
// business.
func (r *recall) keep(a *app, name, rest string) {
	line := strings.TrimSpace(name + " " + rest)
	if c, ok := commandOf(name); ok && c.Needs == command.NeedsWrite {
		line = name
	}
	r.lines = slices.DeleteFunc(r.lines, func(old string) bool { return old == line })
	r.lines = append(r.lines, line)
	if len(r.lines) > mostRecalled {
		r.lines = r.lines[1:]
	}
	dir := stateDir(a.o.Getenv)
	if dir == "" || a.underWay(nil, "recall") { // else what was typed before would be lost
		return
	}
	all := strings.Join(r.lines, "\n") + "\n"
	ask(a, nil, "remember", func(context.Context) (string, error) { return "", writeState(dir, recallFile, all) }, func(_ string, err error) {
		if err != nil {
			a.log.note(err)
		}
	})
}

// stateDir is the folder for what consoles leave behind, or "" if there is no place
// for it.
func stateDir(getenv func(string) string) string {
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) { // others are to be ignored
		return filepath.Join(dir, "wfops")
	}
	for _, home := range []string{getenv("HOME"), getenv("USERPROFILE")} {
		if filepath.IsAbs(home) {
			return filepath.Join(home, ".local", "state", "wfops")
		}
	}
	return ""
}

// writeState writes a file that only its owner can read. Who reads it meanwhile sees
// the old one or the new one.
func writeState(dir, name, text string) error {
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the reason to remove it is what is reported
	}
	return err
}
