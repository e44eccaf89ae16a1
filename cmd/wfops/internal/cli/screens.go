package cli

import (
	"context"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// refreshEvery is how often the console reads anew what it shows.
const refreshEvery = 2 * time.Second

// screens opens the store and shows the console.
func (s *session) screens(ctx context.Context) error {
	b, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }() // nothing is written that could be lost
	info, err := s.store.Info(ctx)
	if err != nil {
		return err
	}
	_, why := s.target.Mode()
	theme := tui.ThemeTerminal
	if yes, _ := s.colored(); !yes {
		theme = tui.ThemeMono
	}
	times := map[string]view.TimeMode{"relative": view.Relative, "utc": view.UTC, "local": view.Local}
	return s.env.Screens(ctx, tui.Options{
		Connection: &tui.Connection{Name: s.target.String(), Kind: info.Kind, Store: s.store, Why: why},
		Theme:      theme, ASCII: s.flags.ascii, Times: times[s.flags.times], Mouse: true, Refresh: refreshEvery, Clock: s.env.Clock, Getenv: s.env.Getenv,
	})
}
