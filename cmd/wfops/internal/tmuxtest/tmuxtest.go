// Package tmuxtest plays programs on a real terminal: on that of a tmux server which
// the test has for itself.
//
// Nothing in it waits for a time to pass. What is to be seen is looked for until it is
// there, or a deadline is over.
package tmuxtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Terminal is a terminal with a shell on it.
type Terminal struct {
	*testing.T

	socket string
	dir    string
	runs   int
}

// patience is how long something may take to show, on a machine with much to do.
const patience = 15 * time.Second

// Start returns a terminal of that size, with a shell whose environment has some more
// variables: "NAME=value". It is gone after the test. Without tmux the test fails,
// unless tests are short.
func Start(t *testing.T, width, height int, env ...string) *Terminal {
	t.Helper()
	if testing.Short() {
		t.Skip("needs tmux")
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Fatal("needs tmux: scripts/need tmux installs it")
	}
	dir, err := os.MkdirTemp("", "tmux") //nolint:usetesting // a socket has a short path
	if err != nil {
		t.Fatal(err)
	}
	term := &Terminal{T: t, socket: filepath.Join(dir, "s"), dir: dir}
	t.Cleanup(func() {
		_ = term.command("kill-server").Run() // it may be gone
		_ = os.RemoveAll(dir)
	})
	begin := term.command("new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), "exec /bin/sh")
	// The server hands on the environment that it is begun in.
	begin.Env = append(begin.Env, "LC_ALL=C.UTF-8", "ENV=", "HOME="+dir, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=")
	begin.Env = append(begin.Env, env...)
	if out, err := begin.CombinedOutput(); err != nil {
		t.Fatalf("beginning tmux: %v\n%s", err, out)
	}
	term.Sees(`^[$#]`)
	return term
}

func (t *Terminal) command(args ...string) *exec.Cmd {
	ctx := context.WithoutCancel(t.Context())
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", t.socket, "-f", "/dev/null"}, args...)...) //nolint:gosec // the test's own arguments
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "TMUX" && name != "TMUX_PANE" && name != "NO_COLOR" && name != "TERM" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	return cmd
}

// tmux has the server do something, and returns what it says.
func (t *Terminal) tmux(args ...string) string {
	t.Helper()
	out, err := t.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// escapeTime is longer than programs wait for what may follow Esc: a terminal sends the
// same for Esc and a key as for Alt and that key, and only time tells them apart.
const escapeTime = 200 * time.Millisecond

// Press presses keys by the names that tmux has for them: "j", "Enter", "C-c", "Escape".
func (t *Terminal) Press(keys ...string) {
	t.Helper()
	t.tmux(append([]string{"send-keys"}, keys...)...)
	if slices.Contains(keys, "Escape") {
		<-time.After(escapeTime)
	}
}

// Type types a text.
func (t *Terminal) Type(text string) {
	t.Helper()
	t.tmux("send-keys", "-l", "--", text)
}

// Run types a command into the shell, which tells its exit code to Exit.
func (t *Terminal) Run(line string) {
	t.Helper()
	t.runs++
	t.Type(fmt.Sprintf("%s; echo %d exit=$?", line, t.runs))
	t.Press("Enter")
}

// Exit waits until what was run last has ended, and returns its exit code.
func (t *Terminal) Exit() int {
	t.Helper()
	told := fmt.Sprintf(`(?:^|\D)%d exit=(\d+)`, t.runs) // behind what the terminal has echoed
	code := regexp.MustCompile("(?m)" + told).FindStringSubmatch(t.Sees(told))[1]
	exit, err := strconv.Atoi(code)
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

// Screen returns what is shown, line by line, without spaces at their ends and without
// empty lines at the end.
func (t *Terminal) Screen() string {
	t.Helper()
	return strings.TrimRight(t.tmux("capture-pane", "-p"), "\n")
}

// Styled is Screen with the sequences for colors and attributes.
func (t *Terminal) Styled() string {
	t.Helper()
	return t.tmux("capture-pane", "-p", "-e")
}

// Sees waits until all patterns are somewhere on the screen, ^ and $ being the ends of
// lines, and returns it.
func (t *Terminal) Sees(patterns ...string) (screen string) {
	t.Helper()
	for _, pattern := range patterns {
		re := regexp.MustCompile("(?m)" + pattern)
		screen = t.Until(fmt.Sprintf("%q is shown", pattern), func(screen string) bool { return re.MatchString(screen) })
	}
	return screen
}

// Until waits until the screen is as it should be, which what says, and returns it.
func (t *Terminal) Until(what string, fine func(screen string) bool) (screen string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if screen = t.Screen(); fine(screen) {
			return screen
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v have passed, and it is not so that %s:\n%s", patience, what, screen)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// Resize changes the size of the terminal.
func (t *Terminal) Resize(width, height int) {
	t.Helper()
	t.tmux("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// Dir returns a folder that is there as long as the terminal.
func (t *Terminal) Dir() string { return t.dir }

// Raw begins to note all that is written to the terminal, and returns a function that
// ends that and returns it.
func (t *Terminal) Raw() func() []byte {
	t.Helper()
	file := filepath.Join(t.dir, "raw"+strconv.Itoa(t.runs))
	t.tmux("pipe-pane", "-O", "exec cat > "+file)
	return func() []byte {
		t.Helper()
		t.tmux("pipe-pane")
		raw, err := os.ReadFile(file) //nolint:gosec // its own file
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
}

// IsRestored fails unless the terminal is as a program found it: with the shell in
// sight, and a line discipline that edits, echoes and sends signals.
func (t *Terminal) IsRestored() {
	t.Helper()
	if on := strings.TrimSpace(t.tmux("display-message", "-p", "#{alternate_on}")); on != "0" {
		t.Errorf("the alternate screen is on:\n%s", t.Screen())
	}
	for name, want := range map[string]string{"cursor_flag": "1", "mouse_any_flag": "0", "bracket_paste_flag": "0", "keypad_flag": "0"} {
		if got := strings.TrimSpace(t.tmux("display-message", "-p", "#{"+name+"}")); got != want && got != "" {
			t.Errorf("%s of the terminal is %s, want %s", name, got, want)
		}
	}
	tty := strings.TrimSpace(t.tmux("display-message", "-p", "#{pane_tty}"))
	f, err := os.Open(tty) //nolint:gosec // the terminal's own
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	cmd := exec.CommandContext(t.Context(), "stty", "-a")
	cmd.Stdin = f
	settings, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(strings.ReplaceAll(string(settings), ";", " "))
	for _, want := range []string{"icanon", "echo", "isig", "opost"} {
		if !slices.Contains(words, want) {
			t.Errorf("the terminal is without %s:\n%s", want, settings)
		}
	}
}
