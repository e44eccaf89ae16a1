package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// unsteady plays on a shop whose store does not answer while lost is set.
func unsteady(t *testing.T, lost *atomic.Bool) *player {
	t.Helper()
	clock := opstest.NewClock(now)
	b := memory.New(memory.WithClock(clock.Now))
	opstest.Shop(t, b, clock, now)
	t.Cleanup(func() { _ = b.Close() })
	return playOn(t, intercept.New(b, func(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
		if lost.Load() {
			return errors.New("dial tcp 10.0.0.3:3306: connection refused")
		}
		return next(ctx)
	}), clock, 80, 24, nil)
}

func TestLostStore(t *testing.T) {
	var lost atomic.Bool
	p := unsteady(t, &lost)
	lost.Store(true)
	p.press("Ctrl-R")
	p.golden("lost_80")
	p.sees("NO ANSWER from the store, try 2 in 1.0s", "order-8702", "connection refused")
	if g := p.grid(); g.At(5, 5).Look&grid.Dim == 0 || g.At(0, 0).Look&grid.Dim != 0 {
		t.Error("old data look like new ones")
	}
	for _, key := range []string{"c", "s"} {
		p.press(key)
		p.sees("the store does not answer, and nothing can be changed until it does")
	}
	p.inLoop(func() { p.app.refresh() })
	p.sees("try 2 in 1.0s") // it is too early
	for _, wait := range []string{"2.0s", "4.0s", "8.0s", "16s", "30s", "30s"} {
		p.clock.Set(p.clock.Now().Add(40 * time.Second))
		p.inLoop(func() { p.app.refresh() })
		p.settle()
		p.sees("in " + wait)
		p.misses("try 1 ")
	}
	p.clock.Set(p.clock.Now().Add(40 * time.Second))
	p.inLoop(func() { p.app.o.Patience = 5 * time.Second; p.app.refresh() })
	p.settle()
	p.sees("in 5.0s")
	p.press("j", "j", "Enter", "Esc", "?", "Esc") // looking about goes on
	p.sees("order-8790")
	p.press("c")
	lost.Store(false)
	p.clock.Set(p.clock.Now().Add(time.Minute))
	p.inLoop(func() { p.app.refresh() })
	p.settle()
	p.misses("NO ANSWER", whyLost)
	p.to("order-8841")
	p.press("c")
	p.sees("cancel order-8841")
}

func TestSlowStoreIsAskedLessOften(t *testing.T) {
	reads := 0
	var p *player
	p = many(t, 3, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		if m == intercept.List && p != nil && p.clock.Now().After(now) {
			reads++
			p.clock.Set(p.clock.Now().Add(100 * time.Millisecond)) // of four lists
		}
		return next(ctx)
	})
	p.press(":set refresh 1h", "Enter")
	p.inLoop(func() { p.app.o.Refresh = 2 * time.Second })
	for range 20 {
		p.clock.Set(p.clock.Now().Add(time.Second))
		p.inLoop(func() { p.app.refresh() })
		p.settle()
	}
	p.sees("live 4s")
	if reads != 4*5 {
		t.Errorf("the store was asked %d times", reads)
	}
}

func TestLog(t *testing.T) {
	var lost atomic.Bool
	p := unsteady(t, &lost)
	lost.Store(true)
	p.press("Ctrl-R")
	lost.Store(false)
	p.press("c", "@", "e", "g")
	p.sees("dial tcp 10.0.0.3:3306: connection refused", "cancel: the store does not answer")
	p.misses("Workers", "Enter open")
	p.press("e")
	p.sees("Workers")
	p.press("Esc", ":log", "Enter")
	p.sees("calls of the store, ")
}

func TestLogLooks(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.inLoop(func() {
		l := p.app.log
		l.entries, l.calls = nil, 0
		l.called(ops.Call{What: "List", Began: now, Took: 12 * time.Millisecond})
		l.called(ops.Call{What: "Get", Began: now.Add(time.Second), Took: 30 * time.Second, Err: fmt.Errorf("the store has not answered (Get) for 30s: %w", context.DeadlineExceeded)})
		l.said(view.Bad, "signal kyc-5520: the outcome is unknown: \x1b[2J日本 a text that is longer than the screen is wide, and so is wrapped")
		l.said(view.Good, "order-8841 terminated")
	})
	p.press("@")
	p.golden("log_80")
}

func TestLogIsBounded(t *testing.T) {
	l := newCallLog(func() time.Time { return now })
	for range 2 * mostLogged {
		l.note(errors.New("x"))
	}
	if entries, _, _ := l.all(); len(entries) != mostLogged {
		t.Errorf("%d entries", len(entries))
	}
}

func TestCopy(t *testing.T) {
	dir, change := stateful(t, nil)
	p := play(t, 80, 24, change)
	p.press("y")
	p.sees("sent the id to the terminal's clipboard (OSC 52)")
	if got := string(p.terminal.GetClipboardData()); got != "order-8702" {
		t.Errorf("copied %q", got)
	}
	p.press("Y")
	p.golden("copy_80")
	p.press("JSON", "Enter")
	if got := string(p.terminal.GetClipboardData()); !strings.HasPrefix(got, `{"schema":"wfops.instance/v1"`) {
		t.Errorf("copied %q", got)
	}
	p.press("/", "type:Order*", "Enter", "Y", "listcomm", "Enter")
	if got := string(p.terminal.GetClipboardData()); got != "wfops shop list --filter 'type:Order*'" {
		t.Errorf("copied %q", got)
	}
	long := strings.Repeat("x", mostInTerminal+1)
	p.inLoop(func() { p.app.copy(copyItem{"payload", long}) })
	p.settle()
	p.sees("too long for the terminal")
	if got := private(t, filepath.Join(dir, "yank")); got != long {
		t.Errorf("the file has %d bytes", len(got))
	}
}

func TestCopyByProgram(t *testing.T) {
	bin := t.TempDir()
	out := filepath.Join(bin, "out")
	script := "#!/bin/sh\ncat > " + out + "\n"
	if err := os.WriteFile(filepath.Join(bin, "xclip"), []byte(script), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, change := stateful(t, map[string]string{"DISPLAY": ":0"})
	p := play(t, 80, 24, change)
	p.press("y")
	p.sees("copied the id by xclip")
	if raw, err := os.ReadFile(out); err != nil || string(raw) != "order-8702" {
		t.Errorf("%q, %v", raw, err)
	}
}

func TestClipboards(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{}, ""},
		{map[string]string{"DISPLAY": ":0"}, "xclip xsel"},
		{map[string]string{"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, "wl-copy xclip xsel"},
		{map[string]string{"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, ""},
		{map[string]string{"TMUX": "x", "SSH_TTY": "/dev/pts/1"}, "tmux"},
		{map[string]string{"WSL_DISTRO_NAME": "Debian"}, "clip.exe"},
	} {
		var names []string
		for _, c := range clipboards(func(name string) string { return tc.env[name] }) {
			names = append(names, c[0])
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.env, got, tc.want)
		}
	}
}

func TestClipboardSequence(t *testing.T) {
	evil := "\x1b]0;title\x07\x1b\\"
	plain := clipboardSequence(evil, func(string) string { return "" })
	if want := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(evil)) + "\x07"; plain != want {
		t.Errorf("%q", plain)
	}
	wrapped := clipboardSequence(strings.Repeat("x", 1000), func(name string) string { return map[string]string{"STY": "1.pts"}[name] })
	if !strings.HasPrefix(wrapped, "\x1bP\x1b]52;c;") || strings.Count(wrapped, "\x1bP") != 6 || !strings.HasSuffix(wrapped, "\x1b\\") {
		t.Errorf("%q", wrapped)
	}
}

func TestSave(t *testing.T) {
	dir, change := stateful(t, nil)
	p := play(t, 80, 24, change)
	p.press("Ctrl-S")
	p.sees("saved what is shown to")
	files, err := filepath.Glob(filepath.Join(dir, "saved", "*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	text := private(t, files[0])
	if !strings.Contains(text, "x-order-8613") || !strings.Contains(text, `evil-\x1b[31m`) || strings.ContainsRune(text, '\x1b') {
		t.Errorf("saved:\n%s", text)
	}
	p.press("Enter", "Ctrl-S")
	if files, _ = filepath.Glob(filepath.Join(dir, "saved", "*order-8702*.txt")); len(files) != 1 || !strings.Contains(private(t, files[0]), "1·overview") {
		t.Errorf("%v", files)
	}
	play(t, 80, 24, nil).press("Ctrl-S") // where there is no place for it
}

func TestCrashes(t *testing.T) {
	for name, crash := range map[string]func(*app){
		"in the loop": func(*app) { panic("boom") },
		"beside it":   func(a *app) { a.spawn(func() { panic("boom") }) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, change := stateful(t, nil)
			p := play(t, 80, 24, change)
			p.press("j", ":get order-8841", "Enter", "Esc", "w")
			p.app.queue.post("", func() { crash(p.app) })
			err := asCrash(p.end(), p.app.o)
			crashed, ok := errors.AsType[*CrashError](err)
			if !ok || crashed.File == "" || !strings.Contains(err.Error(), crashed.File) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v", err)
			}
			text := private(t, crashed.File)
			for _, want := range []string{"boom", "robust_test.go", "get", "wide", "build"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is missing in\n%s", want, text)
				}
			}
			if strings.Contains(text, "order-8841") || filepath.Dir(crashed.File) != dir {
				t.Errorf("%s tells too much:\n%s", crashed.File, text)
			}
		})
	}
}

func TestLastResort(t *testing.T) {
	restored, ended := make(chan bool, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() {
		lastResort(ctx, func() { restored <- true }, ended)
		done <- true
	}()
	cancel()
	comes(t, "the restored terminal", restored) // though nothing ended
	comes(t, "the last resort", done)
	close(ended)
	go func() {
		lastResort(ctx, func() { restored <- true }, ended)
		done <- true
	}()
	comes(t, "the last resort", done)
	if len(restored) != 0 {
		t.Error("the terminal was restored twice")
	}
}

func TestInterruptCancelsFirst(t *testing.T) {
	hold := make(chan bool)
	var held atomic.Bool
	p := many(t, 3, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
		if held.Load() && m == intercept.List {
			select {
			case <-hold:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return next(ctx)
	})
	held.Store(true)
	for _, key := range []string{"Ctrl-R", "Ctrl-C"} {
		p.app.events <- events(key)[0]
	}
	p.settle()
	p.sees("canceled")
	p.press("?", "Ctrl-C")
	p.misses("what can be done here")
	p.press("Ctrl-C")
	p.sees("Ctrl-C again quits")
	p.press("j", "Ctrl-C")
	p.sees("Ctrl-C again quits")
	p.press("Ctrl-C")
	if err := p.end(); err != nil {
		t.Error(err)
	}
	close(hold)
}

func TestEditor(t *testing.T) {
	for value, want := range map[string][]string{
		"":                   {"vi", "+7", "a b.go"},
		"nvim -u NONE":       {"nvim", "-u", "NONE", "+7", "a b.go"},
		"code":               {"code", "--wait", "--goto", "a b.go:7"},
		"'/opt/my ed/hx'":    {"/opt/my ed/hx", "a b.go:7"},
		"emacsclient -t -a=": {"emacsclient", "-t", "-a=", "+7", "a b.go"},
	} {
		got, err := editor(func(name string) string { return map[string]string{"EDITOR": value}[name] }, "a b.go", 7)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", value, got, err, want)
		}
	}
	if _, err := editor(func(string) string { return `"vi` }, "x", 0); err == nil {
		t.Error("half a quote is an editor")
	}
	ran := filepath.Join(t.TempDir(), "ran")
	_, change := stateful(t, map[string]string{"EDITOR": `sh -c 'echo "$0 $1" > ` + ran + `'`})
	p := play(t, 80, 24, change)
	p.inLoop(func() { p.app.edit("fill.go", 71) })
	p.settle()
	if raw, err := os.ReadFile(ran); err != nil || string(raw) != "+71 fill.go\n" {
		t.Errorf("%q, %v", raw, err)
	}
	p.inLoop(func() {
		if p.app.away != nil {
			t.Error("the console did not come back")
		}
	})
}

func TestEditorEndsWithTheConsole(t *testing.T) {
	dir := t.TempDir()
	_, change := stateful(t, map[string]string{"EDITOR": `sh -c 'trap "echo ended > ` + dir + `/ended; exit" TERM; : > ` + dir + `/began; while :; do sleep 0.05; done'`})
	p := play(t, 80, 24, change)
	p.inLoop(func() { p.app.edit("fill.go", 0) })
	for deadline := time.After(10 * time.Second); ; {
		if _, err := os.Stat(filepath.Join(dir, "began")); err == nil {
			break
		}
		select {
		case <-deadline:
			t.Fatal("the editor does not begin")
		case <-time.After(time.Millisecond):
		}
	}
	p.inLoop(func() { p.app.quit = true })
	_ = p.end()
	if _, err := os.Stat(filepath.Join(dir, "ended")); err != nil {
		t.Error("the editor was not asked to end")
	}
}
