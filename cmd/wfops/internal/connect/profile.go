package connect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/zalando/go-keyring"
	"go.yaml.in/yaml/v3"

	"github.com/wfops/wfops/engine"
)

// Profile is a store that the configuration has a name for.
type Profile struct {
	Name string `yaml:"-"`
	// Source is where it is written: "path:line".
	Source string `yaml:"-"`

	DSN string `yaml:"dsn"`
	// Mode is rw, ro or, as for a DSN, empty.
	Mode string `yaml:"mode"`
	// At most one of these says where the password comes from. The command is run
	// without a shell, and its output is the password; of the keyring of the operating
	// system it is what is kept for a service and an account.
	PasswordEnv     string   `yaml:"password_env"`
	PasswordFile    string   `yaml:"password_file"`
	PasswordCommand []string `yaml:"password_command"`
	PasswordKeyring []string `yaml:"password_keyring"`
	// Codec is a command that opens and seals payloads, see package codec.
	Codec []string `yaml:"codec"`
	// Replayer is the program that has the code of the workflows, for replays.
	Replayer string `yaml:"replayer"`
	// Environment is what the store is used for, such as production. Screens show it.
	Environment string `yaml:"environment"`
	// Project tells that it is from the file of a project.
	Project bool `yaml:"-"`
}

// ConfigPath returns where the configuration is, whether there is one or not:
// WFOPS_CONFIG, or wfops/config.yaml in XDG_CONFIG_HOME or in ~/.config.
func ConfigPath(getenv func(string) string) (path, source string) {
	if path := getenv("WFOPS_CONFIG"); path != "" {
		return path, "WFOPS_CONFIG"
	}
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) { // others are to be ignored
		return filepath.Join(dir, "wfops", "config.yaml"), "XDG_CONFIG_HOME"
	}
	home := getenv("HOME")
	if home == "" {
		home = getenv("USERPROFILE")
	}
	return filepath.Join(home, ".config", "wfops", "config.yaml"), "home"
}

// nameOfProfile keeps names apart from paths, connection strings and flags.
var nameOfProfile = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// IsName reports whether something could be the name of a profile: it then has no room
// for a secret, nor is it a path or a connection string.
func IsName(arg string) bool { return nameOfProfile.MatchString(arg) && !IsTarget(arg) }

// ProjectFile is what a project's own configuration is called. It is read in the
// current folder only.
const ProjectFile = ".wfops.yaml"

// Profiles reads the profiles of a configuration, in its order. A file that is not
// there has none.
func Profiles(path string) ([]Profile, error) { return readProfiles(path, false) }

// ProjectProfiles reads those of a project, which may come from anybody. So they hold
// neither commands nor secrets nor where these are, and none allows to write.
func ProjectProfiles(dir string) ([]Profile, error) {
	return readProfiles(filepath.Join(dir, ProjectFile), true)
}

func readProfiles(path string, project bool) ([]Profile, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the user's own
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	profiles, err := parseProfiles(path, raw, project)
	if err != nil {
		return nil, fmt.Errorf("%w: configuration %s: %w", engine.ErrInvalidArgument, path, err)
	}
	return profiles, nil
}

func parseProfiles(path string, raw []byte, project bool) ([]Profile, error) {
	var config struct {
		Profiles map[string]Profile `yaml:"profiles"`
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true) // a misspelled password_env must not go unnoticed
	if err := d.Decode(&config); err != nil && !errors.Is(err, io.EOF) {
		return nil, plainly(err)
	}
	var profiles []Profile
	for name, p := range config.Profiles {
		p.Name, p.Project = name, project
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("profile %q: %w", name, err)
		}
		profiles = append(profiles, p)
	}
	lines := linesOf(raw)
	for i, p := range profiles {
		profiles[i].Source = fmt.Sprintf("%s:%d", path, lines[p.Name])
	}
	slices.SortFunc(profiles, func(a, b Profile) int { return lines[a.Name] - lines[b.Name] })
	return profiles, nil
}

// goNames are what the library tells of our types, which mean nothing to a user.
var goNames = regexp.MustCompile(`field (\S+) not found in type .*`)

// plainly tells what is wrong with a configuration in the words of its author.
func plainly(err error) error {
	wrong, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return err
	}
	lines := make([]string, len(wrong.Errors))
	for i, line := range wrong.Errors {
		lines[i] = goNames.ReplaceAllString(line, `there is no key "$1"`)
	}
	return errors.New(strings.Join(lines, "; "))
}

// linesOf returns where each profile begins.
func linesOf(raw []byte) map[string]int {
	var config struct {
		Profiles yaml.Node `yaml:"profiles"`
	}
	lines := map[string]int{}
	if err := yaml.Unmarshal(raw, &config); err != nil {
		return lines // it was read before
	}
	for i := 0; i+1 < len(config.Profiles.Content); i += 2 {
		lines[config.Profiles.Content[i].Value] = config.Profiles.Content[i].Line
	}
	return lines
}

func (p Profile) check() error {
	given := 0
	for _, one := range []bool{p.PasswordEnv != "", p.PasswordFile != "", len(p.PasswordCommand) > 0, len(p.PasswordKeyring) > 0} {
		if one {
			given++
		}
	}
	switch {
	case !nameOfProfile.MatchString(p.Name):
		return errors.New("a name has letters, digits, '_', '.' and '-', and does not begin with one of the last two")
	case IsTarget(p.Name):
		return errors.New("a name must not look like a store")
	case p.DSN == "":
		return errors.New("dsn is missing")
	case p.Mode != "" && p.Mode != "ro" && p.Mode != "rw":
		return fmt.Errorf("mode is ro or rw, not %q", p.Mode)
	case p.Project:
		return p.checkProject(given > 0)
	case given > 1:
		return errors.New("password_env, password_file, password_command and password_keyring exclude each other")
	case given == 1 && !strings.Contains(p.DSN, "://"):
		return errors.New("a password needs a dsn of the form scheme://user@host")
	case p.Codec != nil && len(p.Codec) == 0, p.PasswordCommand != nil && len(p.PasswordCommand) == 0:
		return errors.New("a command is a list of the program and its arguments, and is empty")
	case len(p.PasswordKeyring) > 0 && len(p.PasswordKeyring) != 2:
		return errors.New("password_keyring is a list of two: the service and the account")
	}
	return nil
}

// checkProject refuses what other people must not be able to make somebody do.
func (p Profile) checkProject(password bool) error {
	switch {
	case password, p.Codec != nil, p.Replayer != "":
		return errors.New("a project's file must not say where a password is, nor name a command: it may be other people's; that belongs into your own configuration")
	case p.Mode == "rw":
		return errors.New("a project's file must not allow to write: that is for your own configuration, or --write")
	case holdsSecret(p.DSN):
		return errors.New("a project's file must not hold a password")
	}
	return nil
}

// Target decides how the store of the profile is to be opened. It may read a file or
// run a command for the password. Errors tell nothing of what these answer.
func (p Profile) Target(ctx context.Context, o Options, getenv func(string) string) (Target, error) {
	dsn := p.DSN
	password, given, err := p.password(ctx, getenv)
	if err != nil {
		return Target{}, fmt.Errorf("%w: the password of profile %q: %w", engine.ErrInvalidArgument, p.Name, err)
	}
	if given {
		dsn = withPassword(dsn, password)
	}
	o.profile, o.profileMode = p.Name, p.Mode
	return Parse(dsn, o)
}

// PasswordFrom says where the password comes from, or "" if the profile doesn't.
func (p Profile) PasswordFrom() string {
	switch {
	case p.PasswordEnv != "":
		return "variable " + p.PasswordEnv
	case p.PasswordFile != "":
		return "file " + p.PasswordFile
	case len(p.PasswordCommand) > 0:
		return "command " + p.PasswordCommand[0] // its arguments may be secret
	case len(p.PasswordKeyring) > 0:
		return "keyring " + strings.Join(p.PasswordKeyring, "/")
	}
	return ""
}

func (p Profile) password(ctx context.Context, getenv func(string) string) (password string, given bool, err error) {
	switch {
	case p.PasswordEnv != "":
		if password = getenv(p.PasswordEnv); password == "" {
			return "", false, fmt.Errorf("%s is not set", p.PasswordEnv)
		}
	case p.PasswordFile != "":
		raw, err := os.ReadFile(p.path(p.PasswordFile, getenv))
		if err != nil {
			return "", false, err
		}
		password = string(raw)
	case len(p.PasswordCommand) > 0:
		raw, err := exec.CommandContext(ctx, p.PasswordCommand[0], p.PasswordCommand[1:]...).Output() //nolint:gosec // the user's own
		if err != nil {
			return "", false, fmt.Errorf("running %s: %w", p.PasswordCommand[0], err)
		}
		password = string(raw)
	case len(p.PasswordKeyring) > 0:
		// A keyring may ask its owner first; who doesn't want to answer interrupts.
		if password, err = keyring.Get(p.PasswordKeyring[0], p.PasswordKeyring[1]); err != nil {
			return "", false, fmt.Errorf("asking the keyring for %s: %w", strings.Join(p.PasswordKeyring, "/"), err)
		}
	default:
		return "", false, nil
	}
	return strings.TrimRight(password, "\r\n"), true, nil
}

// path returns where a file is that the configuration names: beside it, unless it says
// otherwise.
func (p Profile) path(name string, getenv func(string) string) string {
	if rest, home := strings.CutPrefix(name, "~/"); home {
		return filepath.Join(getenv("HOME"), rest)
	}
	if filepath.IsAbs(name) {
		return name
	}
	config := p.Source[:max(0, strings.LastIndexByte(p.Source, ':'))]
	return filepath.Join(filepath.Dir(config), name)
}

// withPassword puts a password into a connection string, in place of one that is
// there.
func withPassword(dsn, password string) string {
	scheme, rest, _ := strings.Cut(dsn, "://")
	address, settings, found := strings.Cut(rest, "?")
	user, host := "", address
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		user, _, _ = strings.Cut(address[:at], ":")
		host = address[at+1:]
	}
	_, escaped, _ := strings.Cut(url.UserPassword("", password).String(), ":")
	dsn = scheme + "://" + user + ":" + escaped + "@" + host
	if found {
		dsn += "?" + settings
	}
	return dsn
}
