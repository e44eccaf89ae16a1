package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// saver screens have more to save than what there is room for.
type saver interface{ saved() string }

// save writes what is shown to a file, as text.
func (a *app) save() {
	dir := stateDir(a.o.Getenv)
	if dir == "" {
		a.fail(errors.New("there is no folder to save to: neither XDG_STATE_HOME nor HOME is set"))
		return
	}
	now := a.now()
	body := ""
	if s, ok := a.top().(saver); ok {
		body = s.saved()
	} else {
		g := grid.New(a.terminal.Size())
		a.paint(g)
		body = g.Text()
	}
	name := fmt.Sprintf("%s-%s.txt", now.UTC().Format("20060102T150405"), fileName(a.top().title()))
	head := fmt.Sprintf("%s  %s  %s\n\n", text(a.identity(everything)), a.crumbs(0), now.UTC().Format("2006-01-02T15:04:05Z"))
	ask(a, nil, "save", func(context.Context) (string, error) {
		return filepath.Join(dir, "saved", name), writeState(filepath.Join(dir, "saved"), name, view.EscapeLines(head+body))
	}, func(path string, err error) {
		if err != nil {
			a.fail(fmt.Errorf("saving what is shown: %w", err))
			return
		}
		a.say(view.Good, "saved what is shown to "+path)
	})
}

var noFileName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileName returns a text as part of the name of a file.
func fileName(text string) string {
	name := noFileName.ReplaceAllString(text, "_")
	return strings.Trim(name[:min(len(name), 60)], "_.-")
}

// crumbs is the way to the screen, from one of those on it on.
func (a *app) crumbs(from int) string {
	var titles []string
	if from > 0 {
		titles = append(titles, "")
	}
	for _, s := range a.stack[from:] {
		titles = append(titles, s.title())
	}
	return strings.Join(titles, a.options().Arrow())
}
