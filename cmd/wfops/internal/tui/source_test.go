package tui

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wfops/wfops/engine/history"
)

// A place in code is found where its package has to be, or where only one file could
// be it; never outside.
func TestFindSource(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"app/order/fill.go", "app/cmd/worker/main.go", "app/vendor/shop/pay/pay.go", "app/.git/order/hidden.go", "app/a/both.go", "app/b/both.go", "app/a/twins/same.go", "app/b/twins/same.go", "outside/order/secret.go",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("package x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "app", "go.mod"), []byte("// a module\nmodule \"example.com/app\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, function, file, want string }{
		{"app", "example.com/app/order.(*Order).Fill", "fill.go", "app/order/fill.go"},
		{"app/cmd", "example.com/app/order.Fill.func1", "fill.go", "app/order/fill.go"}, // anywhere in the module
		{"app", "main.both", "main.go", "app/cmd/worker/main.go"},
		{"app", "example.com/other/order.Fill", "fill.go", "app/order/fill.go"}, // a fork, or a module inside
		{"app", "example.com/app/a.Both", "both.go", "app/a/both.go"},
		{"app", "shop/pay.Pay", "pay.go", ""},
		{"app", "order.Hidden", "hidden.go", ""},
		{"app", "example.com/other/twins.Same", "same.go", ""}, // two could be it
		{"app", "order.Secret", "secret.go", ""},
		{"app", "example.com/app/order.Fill", "../../outside/order/secret.go", ""},
		{"app", "", "", ""},
	} {
		got, err := findSource(filepath.Join(root, c.from), history.Site{Function: c.function, File: c.file})
		if c.want == "" {
			if !errors.Is(err, errNoSource) {
				t.Errorf("%s of %s: found %q, %v", c.file, c.function, got, err)
			}
			continue
		}
		if err != nil || got != filepath.Join(root, c.want) {
			t.Errorf("%s of %s: got %q, %v, want %s", c.file, c.function, got, err, c.want)
		}
	}
}
