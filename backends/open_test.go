package backends_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

func TestOpen(t *testing.T) {
	for _, tc := range []struct {
		dsn, kind, durability, file string
	}{
		{"memory:", "memory", "", ""},
		{"sqlite::memory:", "sqlite", "FULL", ""},
		{"sqlite:a.db", "sqlite", "FULL", "a.db"},
		{"sqlite://b.store?synchronous=normal", "sqlite", "NORMAL", "b.store"},
		{"sqlite:///DIR/c.db?synchronous=FULL&busy_timeout=1s", "sqlite", "FULL", "c.db"},
		{"sqlite:100%25%20of%3Fit", "sqlite", "FULL", "100% of?it"},
		{"plain.db", "sqlite", "FULL", "plain.db"},
		{"plain.sqlite?synchronous=normal", "sqlite", "NORMAL", "plain.sqlite"},
		{"what?50%.db", "sqlite", "FULL", "what?50%.db"},
		{"/DIR/abs.db?mode=rw", "sqlite", "FULL", "abs.db"},
	} {
		t.Run(tc.dsn, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			b, err := backends.Open(t.Context(), strings.ReplaceAll(tc.dsn, "/DIR", dir))
			if err != nil {
				t.Fatal(err)
			}
			checkInfo(t, b, tc.kind, tc.durability)
			if tc.file != "" {
				if _, err := os.Stat(filepath.Join(dir, tc.file)); err != nil {
					t.Error(err)
				}
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func checkInfo(t *testing.T, b backend.Backend, kind, durability string) {
	t.Helper()
	info, err := b.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Kind != kind || !strings.Contains(info.Durability, durability) {
		t.Errorf("got a store of kind %s, %s; want %s, %s", info.Kind, info.Durability, kind, durability)
	}
}

func TestOpenReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	b, err := backends.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for dsn, opts := range map[string][]backends.Option{
		path + "?mode=ro": nil, path: {backends.ReadOnly()}, path + "?mode=rw": {backends.ReadOnly()}, "memory:": {backends.ReadOnly()},
	} {
		b, err = backends.Open(t.Context(), dsn, opts...)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Heartbeat(t.Context(), backend.Worker{ID: "w"}); !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%s: a write on a read-only connection: %v", dsn, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenWithoutMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := backends.Open(t.Context(), path, backends.WithoutMigrations()); !errors.Is(err, engine.ErrSchemaVersion) {
		t.Errorf("a store without tables: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	const secret = "hunter2"
	for _, tc := range []struct{ dsn, says string }{
		{"", "does not say which store"},
		{"orders", "does not say which store"},
		{"mysql://root:" + secret + "@db:3306/", "names no database"},
		{"mysql://root:" + secret + "@db:3306/wf?mode=x", "want ro or rw"},
		{"mysql:root:" + secret, "can't be read"},
		{"postgres://root:" + secret + "@db/wf?mode=x", "want ro or rw"},
		{"postgresql://root:" + secret + "%zz@db/wf", "can't be understood"},
		{"mongodb://root:" + secret + "@db:27017/0", `no store for "mongodb:"`},
		{"oracle://root:" + secret + "@db/wf.db", `no store for "oracle:"`},
		{"root:" + secret + "@tcp(db:3306)/wf", "does not say which store"},
		{"memory:x" + secret, "no name or path"},
		{"memory:?mode=ro", "has no settings"},
		{"sqlite:100%.db", "%25"},
		{"sqlite:a.db?mode=rwc", "want ro or rw"},
		{"sqlite:a.db?synchronous=off", "want full or normal"},
		{"sqlite:a.db?busy_timeout=5", "a duration like 5s"},
		{"sqlite:a.db?_pragma=" + secret, "it has busy_timeout, mode, synchronous"},
		{"sqlite:", "the path is empty"},
	} {
		t.Run(tc.dsn, func(t *testing.T) {
			t.Chdir(t.TempDir())
			b, err := backends.Open(t.Context(), tc.dsn)
			if err == nil {
				_ = b.Close()
				t.Fatal("it was opened")
			}
			if !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %q, want an ErrInvalidArgument that says %q", err, tc.says)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q tells the password", err)
			}
		})
	}
}

func TestUnknownSchemeListsTheKnown(t *testing.T) {
	_, err := backends.Open(t.Context(), "mongodb://localhost")
	for _, want := range []string{"memory:", "sqlite:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}
