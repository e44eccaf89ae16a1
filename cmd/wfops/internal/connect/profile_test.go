package connect_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/engine"
)

func config(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProfiles(t *testing.T) {
	keyring.MockInit()
	home := t.TempDir()
	passwords := config(t, "p@ss/w?rd "+secret+"\n")
	path := config(t, `
profiles:
  prod:
    dsn: mysql://app@db-3:3306/wf?tls=true
    password_env: PROD_PASSWORD
  staging:
    dsn: postgres://app:old@db-4/wf
    mode: rw
    password_file: `+passwords+`
  vault:
    dsn: redis://db-5:6379/1
    password_command: [cat, `+passwords+`]
  local: {dsn: ./app.db, mode: ro}
  ring:
    dsn: mysql://app@db-6/wf
    password_keyring: [wfops, app]
  beside:
    dsn: mysql://app@db-7/wf
    password_file: password
  home:
    dsn: mysql://app@db-8/wf
    password_file: ~/password
`)
	for _, dir := range []string{filepath.Dir(path), home} {
		if err := os.WriteFile(filepath.Join(dir, "password"), []byte(secret+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := keyring.Set("wfops", "app", secret); err != nil {
		t.Fatal(err)
	}
	profiles, err := connect.Profiles(path)
	if err != nil || len(profiles) != 7 {
		t.Fatalf("%+v, %v", profiles, err)
	}
	getenv := func(name string) string { return map[string]string{"PROD_PASSWORD": secret, "HOME": home}[name] }
	for i, want := range []struct {
		name, shown, source string
		mode                connect.Mode
	}{
		{"prod", "mysql://app:••••@db-3:3306/wf", ":3", connect.ReadOnly},
		{"staging", "postgres://app:••••@db-4/wf", ":6", connect.ReadWrite},
		{"vault", "redis://:••••@db-5:6379/1", ":10", connect.ReadOnly},
		{"local", "./app.db", ":13", connect.ReadOnly},
		{"ring", "mysql://app:••••@db-6/wf", ":14", connect.ReadOnly},
		{"beside", "mysql://app:••••@db-7/wf", ":17", connect.ReadOnly},
		{"home", "mysql://app:••••@db-8/wf", ":20", connect.ReadOnly},
	} {
		p := profiles[i]
		target, err := p.Target(t.Context(), connect.Options{}, getenv)
		if err != nil {
			t.Fatal(err)
		}
		mode, why := target.Mode()
		if p.Name != want.name || p.Source != path+want.source || target.String() != want.shown || mode != want.mode || strings.Contains(why, secret) {
			t.Errorf("%s (%s) is %s, %s: %s; want %+v", p.Name, p.Source, target, mode, why, want)
		}
		if from := p.PasswordFrom(); (from == "") != (p.Name == "local") || strings.Contains(from, secret) {
			t.Errorf("the password of %s is from %q", p.Name, from)
		}
		if mode, _ := mustTarget(t, p, connect.Options{Write: true}, getenv).Mode(); (mode == connect.ReadWrite) != (p.Mode != "ro") {
			t.Errorf("%s with --write is %s", p.Name, mode)
		}
	}
	if _, err := profiles[0].Target(t.Context(), connect.Options{}, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "PROD_PASSWORD is not set") {
		t.Errorf("without its variable: %v", err)
	}
	if err := keyring.Delete("wfops", "app"); err != nil {
		t.Fatal(err)
	}
	if _, err := profiles[4].Target(t.Context(), connect.Options{}, getenv); !errors.Is(err, keyring.ErrNotFound) || !strings.Contains(err.Error(), "wfops/app") {
		t.Errorf("without its entry: %v", err)
	}
}

// What comes with other people's code gets no password, runs nothing and allows
// nothing.
func TestProjects(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, connect.ProjectFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if profiles, err := connect.ProjectProfiles(dir); err != nil || profiles != nil {
		t.Errorf("no file: %+v, %v", profiles, err)
	}
	write("profiles:\n  dev: {dsn: ./app.db}\n  far: {dsn: 'mysql://app@db-3:3306/wf?tls=true', mode: ro}\n")
	profiles, err := connect.ProjectProfiles(dir)
	if err != nil || len(profiles) != 2 || !profiles[0].Project || profiles[1].Name != "far" {
		t.Errorf("%+v, %v", profiles, err)
	}
	for text, says := range map[string]string{
		"dsn: 'mysql://app@h/wf', password_env: AWS_SECRET_ACCESS_KEY": "where a password is",
		"dsn: 'mysql://app@h/wf', password_file: ~/.ssh/id_rsa":        "where a password is",
		"dsn: 'mysql://app@h/wf', password_command: [rm, -rf]":         "where a password is",
		"dsn: 'mysql://app@h/wf', password_keyring: [wfops, app]":      "where a password is",
		"dsn: 'mysql://app@h/wf', codec: [./evil]":                     "nor name a command",
		"dsn: 'mysql://app@h/wf', replayer: ./evil":                    "nor name a command",
		"dsn: 'mysql://app@h/wf', mode: rw":                            "must not allow to write",
		"dsn: ./app.db, mode: rw":                                      "must not allow to write",
		"dsn: 'mysql://app:x@h/wf'":                                    "must not hold a password",
		"dsn: 'mysql://app:@h/wf'":                                     "must not hold a password",
		"dsn: 'mysql://app:app@h/wf'":                                  "must not hold a password",
		"dsn: 'postgres://h/wf?password=x'":                            "must not hold a password",
		"dsn: 'postgres://h/wf?sslpassword=x'":                         "must not hold a password",
		"dsn: 'root:x@tcp(db:3306)/wf'":                                "must not hold a password",
		"dsn: ./app.db, replayer: ./evil":                              "nor name a command",
	} {
		write("profiles: {p: {" + text + "}}")
		if profiles, err := connect.ProjectProfiles(dir); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %+v, %v", text, profiles, err)
		}
	}
}

func mustTarget(t *testing.T, p connect.Profile, o connect.Options, getenv func(string) string) connect.Target {
	t.Helper()
	target, err := p.Target(t.Context(), o, getenv)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// A password is used as it is, whatever characters it has.
func TestPasswordsReachTheDriver(t *testing.T) {
	p := connect.Profile{Name: "p", DSN: "postgres://app@127.0.0.1:1/wf?connect_timeout=1", PasswordEnv: "P"}
	target := mustTarget(t, p, connect.Options{}, func(string) string { return "a b@c/d?e%f+" + secret })
	_, err := target.Open(t.Context())
	if err == nil || strings.Contains(err.Error(), "can't be understood") || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}

func TestBadConfigurations(t *testing.T) {
	for text, says := range map[string]string{
		"profiles: {p: {dsn: a.db, pasword_env: X}}":                             "pasword_env",
		"profiles: {p: {mode: rw}}":                                              "dsn is missing",
		"profiles: {p: {dsn: a.db, mode: yes}}":                                  "ro or rw",
		"profiles: {a.db: {dsn: a.db}}":                                          "must not look like a store",
		"profiles: {-x: {dsn: a.db}}":                                            "a name has letters",
		"profiles: {p: {dsn: 'mysql://h/d', password_env: A, password_file: B}}": "exclude each other",
		"profiles: {p: {dsn: a.db, password_env: A}}":                            "scheme://user@host",
		"profiles: {p: {dsn: 'mysql://h/d', password_keyring: [a]}}":             "list of two",
		"profiles: [": "yaml",
		"other: 1":    "other",
	} {
		if profiles, err := connect.Profiles(config(t, text)); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %+v, %v", text, profiles, err)
		}
	}
	for _, text := range []string{"", "# nothing\n", "profiles:\n"} {
		if profiles, err := connect.Profiles(config(t, text)); err != nil || len(profiles) != 0 {
			t.Errorf("%q: %+v, %v", text, profiles, err)
		}
	}
	if profiles, err := connect.Profiles(filepath.Join(t.TempDir(), "none.yaml")); err != nil || profiles != nil {
		t.Errorf("no file: %+v, %v", profiles, err)
	}
}

func TestConfigPath(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"/x/y.yaml":                    {"WFOPS_CONFIG": "/x/y.yaml", "XDG_CONFIG_HOME": "/c", "HOME": "/h"},
		"/c/wfops/config.yaml":         {"XDG_CONFIG_HOME": "/c", "HOME": "/h"},
		"/h/.config/wfops/config.yaml": {"XDG_CONFIG_HOME": "relative", "HOME": "/h"},
	} {
		if got, source := connect.ConfigPath(func(name string) string { return env[name] }); filepath.ToSlash(got) != want || source == "" {
			t.Errorf("%v: %s (%s), want %s", env, got, source, want)
		}
	}
}
