package connect_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
)

func TestPlaces(t *testing.T) {
	t.Chdir(t.TempDir())
	b, err := backends.Open(t.Context(), "app.db")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("other.db", "SQLite format 3\x00"+strings.Repeat("x", 100))
	write("empty.sqlite", "")
	write("order.wfh", "{}")
	write("package.json", "{}")
	if err := os.Mkdir("folder.db", 0o700); err != nil {
		t.Fatal(err)
	}
	profiles, err := connect.Profiles(config(t, `
profiles:
  prod: {dsn: "mysql://app@db-3:3306/wf", password_command: ["/does/not/exist"]}
  broken: {dsn: "sqlite:a.db", mode: ro}
`))
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(string) string { return "redis://:" + secret + "@db-5:6379/1" }
	names := func() (all []string) {
		for _, p := range connect.Places(profiles, ".", connect.Options{}, getenv) {
			mode, why := p.Target.Mode()
			if p.Err != nil || why == "" {
				t.Errorf("%s: %v, %q", p.Name, p.Err, why)
			}
			all = append(all, string(p.Origin)+" "+p.Target.Kind()+" "+p.Target.String()+" "+string(mode))
		}
		return all
	}
	want := []string{
		"profile mysql mysql://app@db-3:3306/wf read-only", "profile sqlite sqlite:a.db read-only", "WFOPS_DSN redis redis://:••••@db-5:6379/1 read-only",
		"this folder sqlite " + filepath.FromSlash("./app.db") + " read-write", "this folder history " + filepath.FromSlash("./order.wfh") + " read-only",
	}
	if got := names(); !slices.Equal(got, want) { // while it is in use
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 6 {
		t.Errorf("looking for stores has left something: %v, %v", entries, err)
	}
	if found := connect.Places(nil, "missing", connect.Options{}, func(string) string { return "" }); found != nil {
		t.Errorf("%+v", found)
	}
}

func TestKinds(t *testing.T) {
	for dsn, want := range map[string]string{
		"a.db": "sqlite", "sqlite:x": "sqlite", "sqlite::memory:": "sqlite", "memory:": "memory", "mysql://h/d": "mysql", "postgresql://h/d": "postgres", "postgres://h/d": "postgres",
		"rediss://h": "redis", "redis-cluster://h": "redis", "rediss-sentinel://h": "redis", "a.wfh.gz": "history", "nothing": "",
	} {
		target, err := connect.Parse(dsn, connect.Options{})
		if got := target.Kind(); err != nil || got != want {
			t.Errorf("%s: %s, %v", dsn, got, err)
		}
	}
}

func TestQuick(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, size := range map[string]int64{"small.db": 1, "small.wfh": 1, "large.db": 1 << 30} {
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for dsn, want := range map[string]bool{"small.db": true, "small.wfh": true, "sqlite:small.db?mode=ro": true, "large.db": false, "missing.db": false, "memory:": false, "mysql://h/d": false} {
		target, err := connect.Parse(dsn, connect.Options{})
		if got := target.Quick(); err != nil || got != want {
			t.Errorf("%s: %v, %v", dsn, got, err)
		}
	}
}
