package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// refreshEvery is how often the console reads anew what it shows.
const refreshEvery = 2 * time.Second

// screenOptions are flags of the screens.
type screenOptions struct {
	theme   string
	noMouse bool
	refresh time.Duration
}

func screenFlags(s *session, fs *pflag.FlagSet) {
	fs.StringVar(&s.screen.theme, "theme", "", fmt.Sprintf("how the screens look: one of %v (default as the terminal can)", tui.Themes()))
	fs.BoolVar(&s.screen.noMouse, "no-mouse", false, "leave the mouse to the terminal")
	fs.DurationVar(&s.screen.refresh, "refresh", refreshEvery, "how often screens are read anew; 0 means only when asked to")
	fs.StringVar(&s.o.with, "with", "", "the `program` that has the code, for replays on screens")
}

// canShowScreens says why there can be none, or returns nil.
func (s *session) canShowScreens() error {
	switch {
	case s.env.Screens == nil || !s.env.InTTY || !s.env.OutTTY:
		return errors.New("a command is missing: the screens need a terminal for input and output")
	case s.env.Getenv("TERM") == "dumb":
		return errors.New("a command is missing: the screens need a terminal that can move its cursor, and TERM is dumb")
	}
	return nil
}

// screens shows the console: the store that is named, or what there is to connect to.
func (s *session) screens(ctx context.Context) error {
	o, err := s.screenLook()
	if err != nil {
		return usageError{err}
	}
	p := newPlaces(s)
	defer p.close()
	if dsn, _ := s.connection(); dsn != "" {
		if o.Connection, err = p.first(ctx); err != nil {
			return err
		}
	}
	o.Places, o.Check, o.Connect = p.list, p.check, p.connect
	names := p.names()
	o.Profiles = func() []string { return names }
	err = s.env.Screens(ctx, o)
	if errors.Is(err, tui.ErrTerminal) {
		return usageError{err}
	}
	return err
}

// screenLook is how the screens are to be.
func (s *session) screenLook() (tui.Options, error) {
	theme, err := tui.ParseTheme(s.screen.theme)
	if err != nil {
		return tui.Options{}, err
	}
	if yes, _ := s.colored(); !yes && s.screen.theme == "" {
		theme = tui.ThemeMono
	}
	if s.screen.refresh < 0 {
		return tui.Options{}, errors.New("--refresh is not negative")
	}
	if s.screen.refresh > 0 && s.screen.refresh < minRefresh {
		return tui.Options{}, fmt.Errorf("--refresh is 0 or at least %s", minRefresh)
	}
	times := map[string]view.TimeMode{"relative": view.Relative, "utc": view.UTC, "local": view.Local}
	mode, ok := times[s.flags.times]
	if !ok {
		return tui.Options{}, fmt.Errorf("--times is one of relative, utc, local, not %q", s.flags.times)
	}
	ascii, _ := s.ascii()
	return tui.Options{
		Theme: theme, ASCII: ascii, Times: mode, Mouse: !s.screen.noMouse, Refresh: s.screen.refresh, Patience: s.flags.patience,
		Rest: tui.Rest, Clock: s.env.Clock, Getenv: s.env.Getenv,
	}, nil
}

// minRefresh keeps a typing error from asking a store without a pause.
const minRefresh = 100 * time.Millisecond

// onlyASCII reports whether the terminal may not know our signs, or take each for two
// cells. Like the terminal's own library it takes a locale that names no character set
// for UTF-8.
func onlyASCII(getenv func(string) string) bool {
	switch strings.ToLower(getenv("RUNEWIDTH_EASTASIAN")) {
	case "1", "true", "yes":
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		locale := strings.ToLower(getenv(name))
		if locale == "" {
			continue
		}
		_, charset, found := strings.Cut(locale, ".")
		charset, _, _ = strings.Cut(charset, "@")
		return locale == "c" || locale == "posix" || found && charset != "utf-8" && charset != "utf8"
	}
	return false
}

// placeOf is what the screens call the store that the command line has named: nothing
// that may hold a secret.
func placeOf(dsn, source string, target connect.Target) string {
	switch {
	case source == "WFOPS_DSN":
		return source
	case connect.IsTarget(dsn):
		return target.String()
	}
	return dsn
}
