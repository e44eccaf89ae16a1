package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
)

// session is one run of a command.
type session struct {
	env   *Env
	flags flags
	// first is the store that the first argument named.
	first string
	// rest are the other arguments.
	rest []string
	// options of single commands.
	o      commandOptions
	screen screenOptions

	target connect.Target
	// named is the profile that named it, if one did.
	named connect.Profile
	// source says who named it.
	source string
	store  *ops.Store
	// backend is what store asks.
	backend backend.Backend
	// codec opens and seals payloads, or is nil.
	codec *codec.Process
	// changed tells which flags were given.
	changed func(flag string) bool
	// jqAlone tells that the format follows from --jq, and was not asked for.
	jqAlone bool
}

// flags are those that every command has.
type flags struct {
	connect  string
	write    bool
	readOnly bool
	output   string
	columns  []string
	header   bool
	jq       string
	color    string
	ascii    bool
	times    string
	patience time.Duration
}

func (s *session) run(ctx context.Context) error {
	s.rest = s.takeStore(s.env.Args)
	root := newRoot(s)
	root.SetArgs(s.rest)
	root.SetIn(s.env.In)
	root.SetOut(s.env.Out)
	root.SetErr(s.env.Err)
	err := root.ExecuteContext(ctx)
	var ran ranError
	if err == nil || errors.As(err, &ran) {
		return ran.err
	}
	return usageError{err}
}

// takeStore takes the store out of the arguments, where it comes first. What a shell
// asks to complete comes behind a command of cobra's.
func (s *session) takeStore(args []string) []string {
	at := 0
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		at = 1
	}
	if at >= len(args) || !connect.IsTarget(args[at]) && !s.namesProfile(args[at]) {
		return args
	}
	s.first = args[at]
	return append(slices.Clone(args[:at]), args[at+1:]...)
}

// namesProfile reports whether an argument is the name of a profile. Commands come
// first, so that no configuration can take one away.
func (s *session) namesProfile(arg string) bool {
	isCommand := func(c command.Command) bool { return c.Name == arg }
	if strings.HasPrefix(arg, "-") || arg == "help" || slices.ContainsFunc(command.All(), isCommand) {
		return false
	}
	_, found, err := s.profile(arg)
	return found || err != nil
}

// profile looks for a profile: in the user's configuration, and then in that of the
// project, which can't take a name away.
func (s *session) profile(name string) (p connect.Profile, found bool, err error) {
	profiles, err := s.profiles()
	for _, p := range profiles {
		if p.Name == name {
			return p, true, nil
		}
	}
	return p, false, err
}

// profiles returns those of the user, and those of the project that have other names.
// As long as the user's can't be read nobody knows which these are, and there are none
// of the project. An error of the project's comes beside those of the user.
func (s *session) profiles() ([]connect.Profile, error) {
	path, _ := connect.ConfigPath(s.env.Getenv)
	own, err := connect.Profiles(path)
	if err != nil {
		return nil, err
	}
	projects, err := connect.ProjectProfiles(".")
	taken := func(p connect.Profile) bool {
		return slices.ContainsFunc(own, func(o connect.Profile) bool { return o.Name == p.Name })
	}
	return append(own, slices.DeleteFunc(projects, taken)...), err
}

// resolve decides how the store is to be opened that is meant. The profile is empty if
// it was not named by one.
func (s *session) resolve(ctx context.Context) (target connect.Target, p connect.Profile, source string, err error) {
	dsn, source := s.connection()
	target, p, err = s.targetOf(ctx, dsn, connect.Options{Write: s.flags.write, ReadOnly: s.flags.readOnly})
	if p.Source != "" {
		source += ", " + p.Source
	}
	return target, p, source, err
}

// targetOf decides how a store is to be opened that a profile, a connection string or a
// file names. The profile is empty if it is none.
func (s *session) targetOf(ctx context.Context, dsn string, o connect.Options) (target connect.Target, p connect.Profile, err error) {
	if dsn != "" && !connect.IsTarget(dsn) {
		p, found, err := s.profile(dsn)
		if found {
			target, err = p.Target(ctx, o, s.env.Getenv)
		}
		if found || err != nil {
			return target, p, err
		}
		if connect.IsName(dsn) {
			profiles, _ := s.profiles() // they were read just now
			return target, p, usageError{fmt.Errorf("there is no profile %q, and stores are called otherwise: files end in .db or .sqlite%s", dsn, instead(dsn, namesOf(profiles)))}
		}
	}
	target, err = connect.Parse(dsn, o)
	return target, connect.Profile{}, err
}

// patient bounds what one answer of a store may take.
func (s *session) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.flags.patience > 0 {
		return context.WithTimeout(ctx, s.flags.patience)
	}
	return context.WithCancel(ctx)
}

// ranError tells errors of commands from those that cobra finds in the command line.
type ranError struct{ err error }

func (r ranError) Error() string { return r.err.Error() }

// connection says which store is meant, and who said so.
func (s *session) connection() (dsn, source string) {
	switch {
	case s.first != "":
		return s.first, "first argument"
	case s.flags.connect != "":
		return s.flags.connect, "--connect"
	}
	return s.env.Getenv("WFOPS_DSN"), "WFOPS_DSN"
}

// open opens the store. The caller closes the backend.
func (s *session) open(ctx context.Context) (backend.Backend, error) {
	if s.first != "" && s.flags.connect != "" {
		return nil, usageError{errors.New("two stores are named: by the first argument and by --connect")}
	}
	var err error
	if s.target, s.named, s.source, err = s.resolve(ctx); err != nil {
		return nil, err
	}
	if len(s.named.Codec) > 0 {
		s.codec = codec.New(s.named.Codec, s.flags.patience)
	}
	within, cancel := s.patient(ctx)
	defer cancel()
	b, err := s.env.Open(within, s.target)
	if err != nil {
		return nil, err
	}
	s.backend, s.store = b, s.storeOf(b, s.target)
	return b, nil
}

// storeOf is what commands ask of an open store.
func (s *session) storeOf(b backend.Backend, target connect.Target) *ops.Store {
	mode, _ := target.Mode()
	return ops.New(b, ops.Options{
		ReadOnly: mode == connect.ReadOnly, By: s.env.By, Patience: s.flags.patience, File: target.IsBundle(), There: target.There(), Clock: s.env.Clock,
	})
}

// filter parses the flag of that name.
func (s *session) filter() (filter.Filter, error) { return filter.Parse(s.o.filter) }

// view returns how to show things as of now.
func (s *session) view(now time.Time) view.Options {
	times := map[string]view.TimeMode{"relative": view.Relative, "utc": view.UTC, "local": view.Local}
	ascii, _ := s.ascii()
	return view.Options{Now: now, ASCII: ascii, Times: times[s.flags.times]}
}

// ascii reports whether signs are to be in ASCII, and who decided that. What reads a
// pipe has no trouble with other characters.
func (s *session) ascii() (yes bool, why string) {
	if !s.flags.ascii && s.env.OutTTY && onlyASCII(s.env.Getenv) {
		return true, "the character set of the terminal"
	}
	return s.flags.ascii, s.from("ascii")
}

// now is view for those who have no answer with a time in it.
func (s *session) now(ctx context.Context) (view.Options, error) {
	if s.store == nil { // files have no clock
		return s.view(s.clock()), nil
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return view.Options{}, fmt.Errorf("asking the store for the time: %w", err)
	}
	return s.view(now), nil
}

// clock is this machine's time.
func (s *session) clock() time.Time {
	if s.env.Clock == nil {
		return time.Now()
	}
	return s.env.Clock()
}

// note tells people something that is no data.
func (s *session) note(format string, args ...any) {
	fmt.Fprintln(s.env.Err, view.Escape(fmt.Sprintf(format, args...)))
}

// explain prints what there is to say about an error.
func (s *session) explain(err error, exit Exit) {
	switch {
	case err == nil, exit == ExitNo, exit == ExitInterrupted, exit == ExitTerminated:
		return
	case s.isJSON() && !s.jqAlone || s.changed == nil && asksForJSON(s.env.Args):
		s.explainJSON(err, exit)
		return
	}
	for line := range strings.Lines(err.Error()) {
		s.note("wfops: %s", strings.TrimRight(line, "\n"))
	}
	for _, line := range view.Caret(err, s.env.Width) {
		fmt.Fprintln(s.env.Err, "  "+line)
	}
	if hint := hintOf(err, s); hint != "" {
		s.note("  %s", hint)
	}
}

// asksForJSON looks at a command line that could not be parsed.
func asksForJSON(args []string) bool {
	for i, arg := range args {
		value, found := strings.CutPrefix(arg, "--output=")
		switch {
		case found:
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			value = args[i+1]
		case strings.HasPrefix(arg, "-o"):
			value = strings.TrimPrefix(arg[2:], "=")
		}
		if value == formatJSON || value == formatJSONL {
			return true
		}
	}
	return false
}

func (s *session) explainJSON(err error, exit Exit) {
	form := document.Error{Schema: document.SchemaError, Exit: int(exit), Message: err.Error()}
	if wrong, ok := errors.AsType[*filter.Error](err); ok {
		form.Filter, form.Offset, form.Length = wrong.Input, &wrong.Offset, &wrong.Length
	}
	line, err := json.Marshal(form)
	if err != nil {
		line = []byte(err.Error())
	}
	fmt.Fprintln(s.env.Err, string(line))
}

// hintOf says what to do about an error, where that is not part of it.
func hintOf(err error, s *session) string {
	var wrong *filter.Error
	mode, why := s.target.Mode()
	switch {
	case errors.As(err, &wrong):
		return "see: wfops help filter"
	case exitOf(context.Background(), err) == ExitRefused && mode == connect.ReadOnly && s.store != nil:
		return "this connection is read-only: " + why
	}
	return ""
}
