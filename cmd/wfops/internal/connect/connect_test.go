package connect_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/engine"
)

func TestWhoMayWrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		dsn  string
		o    connect.Options
		mode connect.Mode
	}{
		{file, connect.Options{}, connect.ReadWrite},
		{file, connect.Options{ReadOnly: true}, connect.ReadOnly},
		{file + "?mode=ro", connect.Options{Write: true}, connect.ReadOnly},
		{"sqlite:" + file, connect.Options{}, connect.ReadWrite},
		{"memory:", connect.Options{}, connect.ReadWrite},
		{"mysql://u:p@127.0.0.1:3306/wf", connect.Options{}, connect.ReadOnly},
		{"mysql://u:p@127.0.0.1:3306/wf?mode=rw", connect.Options{}, connect.ReadOnly},
		{"mysql://u:p@127.0.0.1:3306/wf", connect.Options{Write: true}, connect.ReadWrite},
		{"mysql://u:p@127.0.0.1:3306/wf?tls=true&mode=ro", connect.Options{Write: true}, connect.ReadOnly},
		{"mysql://u:p@127.0.0.1:3306/wf", connect.Options{Write: true, ReadOnly: true}, connect.ReadOnly},
		{"postgres://localhost/wf", connect.Options{}, connect.ReadOnly},
		{"redis://localhost:6379/1", connect.Options{}, connect.ReadOnly},
		{"redis://localhost/a.db", connect.Options{}, connect.ReadOnly},
	} {
		target, err := connect.Parse(tc.dsn, tc.o)
		if mode, why := target.Mode(); err != nil || mode != tc.mode || why == "" {
			t.Errorf("%s %+v: %s (%s), %v; want %s", tc.dsn, tc.o, mode, why, err, tc.mode)
		}
	}
}

const secret = "hunter2"

func TestTargetsShowNoSecrets(t *testing.T) {
	for dsn, want := range map[string]string{
		"mysql://app:" + secret + "@db-3:3306/wf?tls=true":       "mysql://app:••••@db-3:3306/wf",
		"mysql://app@db-3/wf":                                    "mysql://app@db-3/wf",
		"mysql://app:" + secret + "@x@db-3/wf":                   "mysql://app:••••@db-3/wf",
		"mysql://app:a?" + secret + "@db-3/wf":                   "mysql://••••",
		"mysql://app:a/" + secret + "@db-3/wf":                   "mysql://••••",
		"mysql://app:" + secret + "@tcp(db:3306)/wf":             "mysql://••••",
		"mysql://app:" + secret:                                  "mysql://••••",
		"mysql:app:" + secret + "@x/y":                           "mysql:••••",
		"postgres://h/wf?password=" + secret:                     "postgres://h/wf",
		"postgres://h/wf?password=x@" + secret:                   "postgres://••••",
		"redis://:" + secret + "@[::1]:6379/0":                   "redis://:••••@[::1]:6379/0",
		"redis-cluster://u:" + secret + "@a:7000,b:7001?x=y":     "redis-cluster://u:••••@a:7000,b:7001",
		"sqlite:a.db?key=" + secret:                              "sqlite:a.db",
		"./what?.db":                                             "./what",
		"root:" + secret + "@tcp(db:3306)/wf":                    "root:••••",
		"oracle://root:" + secret + "\x1b[2J@db\x1b[2J/wf":       "oracle://••••",
		"oracle://ro\x1bot:" + secret + "@db/wf":                 "oracle://••••",
		"redis://localhost:6379/0?client_name=" + secret + "#/x": "redis://localhost:6379/0",
	} {
		target, err := connect.Parse(dsn, connect.Options{})
		if got := target.String(); err != nil || got != want {
			t.Errorf("%s: shown as %s, want %s, %v", dsn, got, want, err)
		}
		for _, text := range []string{target.String(), fmt.Sprintf("%v %+v %s", target, target, target)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: printed as %s", dsn, text)
			}
		}
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	for _, dsn := range []string{
		"mysql://root:" + secret + "@127.0.0.1:1/wf",
		"mysql://root:" + secret + "@127.0.0.1:1/",
		"postgres://root:" + secret + "@127.0.0.1:1/wf?connect_timeout=1",
		"postgres://root:" + secret + "%zz@127.0.0.1:1/wf",
		"redis://:" + secret + "@127.0.0.1:1/0",
		"redis://:" + secret + "@127.0.0.1:1/0?what=" + secret,
		"oracle://root:" + secret + "@db/wf",
		"root:" + secret + "@tcp(db:3306)/wf",
	} {
		target, err := connect.Parse(dsn, connect.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := target.Open(t.Context())
		if err == nil {
			_ = b.Close()
			t.Errorf("%s: opened", dsn)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// A password that is no secret does not make errors unreadable.
func TestPasswordThatIsTheName(t *testing.T) {
	target, err := connect.Parse("mysql://wfops:wfops@127.0.0.1:1/wf", connect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = target.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "wfops") {
		t.Errorf("%v", err)
	}
}

func TestOpenCreatesAndMigratesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dsn := range []string{"missing.db", "sqlite:missing.db", "missing.db?busy_timeout=1s"} {
		target, err := connect.Parse(dsn, connect.Options{Write: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = target.Open(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", dsn, err)
		}
		if _, err := os.Stat("missing.db"); err == nil {
			t.Errorf("%s: the file was created", dsn)
		}
	}
	b, err := backends.Open(t.Context(), "a.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []connect.Options{{}, {ReadOnly: true}} {
		target, err := connect.Parse("a.db", o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := target.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info, err := b.Info(t.Context()); err != nil || info.ReadOnly != o.ReadOnly {
			t.Errorf("%+v: %+v, %v", o, info, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	if _, err := connect.Parse("", connect.Options{}); !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), "WFOPS_DSN") {
		t.Errorf("got %v", err)
	}
}

// An exported history is a store that nobody can write to.
func TestExportedHistory(t *testing.T) {
	for _, file := range []string{"order.wfh", "order.wfh.gz", "order.wfh.json", "order.json"} {
		target, err := connect.Parse(file, connect.Options{Write: true})
		if mode, why := target.Mode(); err != nil || !target.IsBundle() || mode != connect.ReadOnly || why != "it is an exported history" {
			t.Errorf("%s: %s, %s, %v", file, mode, why, err)
		}
		if _, err := target.Open(t.Context()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestIsTarget(t *testing.T) {
	for arg, want := range map[string]bool{
		"a.db": true, "./x/a.sqlite": true, "a.db?mode=ro": true, "mysql://x": true, "sqlite:x": true, "memory:": true, "h.wfh": true, "h.json": true,
		"list": false, "-c": false, "--filter=a.db": false, "order-1": false,
	} {
		if got := connect.IsTarget(arg); got != want {
			t.Errorf("%s: %v", arg, got)
		}
	}
}
