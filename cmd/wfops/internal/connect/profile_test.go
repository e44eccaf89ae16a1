package connect_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
`)
	profiles, err := connect.Profiles(path)
	if err != nil || len(profiles) != 4 {
		t.Fatalf("%+v, %v", profiles, err)
	}
	getenv := func(name string) string { return map[string]string{"PROD_PASSWORD": secret}[name] }
	for i, want := range []struct {
		name, shown, source string
		mode                connect.Mode
	}{
		{"prod", "mysql://app:••••@db-3:3306/wf", ":3", connect.ReadOnly},
		{"staging", "postgres://app:••••@db-4/wf", ":6", connect.ReadWrite},
		{"vault", "redis://:••••@db-5:6379/1", ":10", connect.ReadOnly},
		{"local", "./app.db", ":13", connect.ReadOnly},
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
		if mode, _ := mustTarget(t, p, connect.Options{Write: true}, getenv).Mode(); (mode == connect.ReadWrite) != (p.Mode != "ro") {
			t.Errorf("%s with --write is %s", p.Name, mode)
		}
	}
	if _, err := profiles[0].Target(t.Context(), connect.Options{}, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "PROD_PASSWORD is not set") {
		t.Errorf("without its variable: %v", err)
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
