package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// yank copies what is under the cursor.
func (a *app) yank() {
	if items := a.copies(); len(items) > 0 {
		a.copy(items[0])
	}
}

// yankMenu lets choose what to copy.
func (a *app) yankMenu() {
	var items []choice
	for _, item := range a.copies() {
		items = append(items, choice{
			cells: []view.Cell{{Text: item.name, Style: view.Header}, {Text: item.text, Style: view.Muted}},
			run:   func() { a.over = nil; a.copy(item) },
		})
	}
	if len(items) > 0 {
		a.over = newMenu("copy", []view.Column{{Key: "name", Min: 10}, {Key: "text", Min: 20}}, items)
	}
}

func (a *app) copies() []copyItem {
	if s, ok := a.top().(copier); ok {
		if items := s.copies(); len(items) > 0 {
			return items
		}
	}
	a.say(view.Muted, "there is nothing to copy here")
	return nil
}

// Terminals that take a text by an escape sequence take so much, in bytes: more would
// be cut, or ignored.
const mostInTerminal = 74_994 / 4 * 3

// copyTime is how long a program may take that keeps a clipboard.
const copyTime = 5 * time.Second

// copy puts a text where it can be pasted from: into the clipboard by a program of this
// machine, by the terminal, or into a file. It says which of these it was.
func (a *app) copy(item copyItem) {
	commands, dir := clipboards(a.o.Getenv), stateDir(a.o.Getenv)
	ask(a, nil, "copy", func(ctx context.Context) (string, error) {
		for _, args := range commands {
			if err := feed(ctx, args, item.text); err == nil {
				return "copied the " + item.name + " by " + args[0], nil
			}
		}
		if len(item.text) <= mostInTerminal {
			return "", nil
		}
		if dir == "" {
			return "", errors.New("it is too long for the terminal, and there is no folder for files: neither XDG_STATE_HOME nor HOME is set")
		}
		return fmt.Sprintf("the %s is too long for the terminal's clipboard: it is in %s", item.name, filepath.Join(dir, "yank")), writeState(dir, "yank", item.text)
	}, func(said string, err error) {
		switch {
		case err != nil:
			a.fail(fmt.Errorf("copying the %s: %w", item.name, err))
		case said != "":
			a.say(view.Good, said)
		default:
			a.toTerminal(item)
		}
	})
}

// toTerminal asks the terminal to take a text, which it does not answer.
func (a *app) toTerminal(item copyItem) {
	said := "sent the " + item.name + " to the terminal's clipboard (OSC 52)"
	if a.o.Getenv("TMUX") != "" {
		said += "; tmux takes it after: set -s set-clipboard on"
	}
	tty, ok := a.terminal.Tty()
	if !ok {
		a.terminal.SetClipboard([]byte(item.text))
		a.say(view.Good, said)
		return
	}
	if _, err := tty.Write([]byte(clipboardSequence(item.text, a.o.Getenv))); err != nil {
		a.fail(fmt.Errorf("copying the %s: %w", item.name, err))
		return
	}
	a.say(view.Good, said)
}

// clipboardSequence asks a terminal for its clipboard. The text is in base64, so that
// nothing of it can be another sequence. GNU screen hands on only what is wrapped.
func clipboardSequence(text string, getenv func(string) string) string {
	sequence := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x07"
	if getenv("STY") == "" || getenv("TMUX") != "" {
		return sequence
	}
	const longest = 256 // of a string that screen takes
	var b strings.Builder
	for sequence != "" {
		n := min(longest, len(sequence))
		b.WriteString("\x1bP" + sequence[:n] + "\x1b\\")
		sequence = sequence[n:]
	}
	return b.String()
}

// clipboards are the programs that may keep a clipboard, the best first. Over SSH the
// clipboard that is meant is not on this machine; only tmux knows the way to it.
func clipboards(getenv func(string) string) (commands [][]string) {
	if getenv("TMUX") != "" {
		commands = append(commands, []string{"tmux", "load-buffer", "-w", "-"})
	}
	switch {
	case getenv("SSH_TTY") != "" || getenv("SSH_CONNECTION") != "":
		return commands
	case runtime.GOOS == "darwin":
		return append(commands, []string{"pbcopy"})
	case runtime.GOOS == "windows" || getenv("WSL_DISTRO_NAME") != "":
		return append(commands, []string{"clip.exe"})
	}
	if getenv("WAYLAND_DISPLAY") != "" {
		commands = append(commands, []string{"wl-copy"})
	}
	if getenv("DISPLAY") != "" {
		commands = append(commands, []string{"xclip", "-selection", "clipboard"}, []string{"xsel", "--clipboard", "--input"})
	}
	return commands
}

// feed runs a program that reads a text.
func feed(ctx context.Context, args []string, text string) error {
	ctx, cancel := context.WithTimeout(ctx, copyTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // one of ours
	cmd.Stdin = strings.NewReader(text)
	return cmd.Run()
}
