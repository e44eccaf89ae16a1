package tui

import (
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
)

// keyName returns the name of a key as the registry has it: "j", "Enter", "Ctrl-U".
func keyName(ev *tcell.EventKey) string {
	if name, ok := named[ev.Key()]; ok {
		return name
	}
	if ev.Key() == tcell.KeyRune && ev.Modifiers()&tcell.ModAlt != 0 {
		return "Alt-" + string(ev.Rune()) // also Esc and a key in quick succession: neither is meant alone
	}
	if ev.Key() == tcell.KeyRune {
		if ev.Rune() == ' ' {
			return "Space"
		}
		return string(ev.Rune())
	}
	return strings.Replace(ev.Name(), "+", "-", 1)
}

var named = map[tcell.Key]string{
	tcell.KeyEnter: "Enter", tcell.KeyEscape: "Esc", tcell.KeyTab: "Tab", tcell.KeyBacktab: "Shift-Tab",
	tcell.KeyUp: "Up", tcell.KeyDown: "Down", tcell.KeyLeft: "Left", tcell.KeyRight: "Right",
	tcell.KeyPgUp: "PgUp", tcell.KeyPgDn: "PgDn", tcell.KeyHome: "Home", tcell.KeyEnd: "End",
	tcell.KeyBackspace: "Backspace", tcell.KeyBackspace2: "Backspace", tcell.KeyDelete: "Delete",
}

// bound is what a key does in each scope.
type bindings map[command.Key]string

func bind() bindings {
	all := bindings{}
	for _, c := range allCommands() {
		for _, k := range c.Keys {
			all[k] = c.Name
		}
	}
	for _, m := range allMoves() {
		for _, k := range m.Keys {
			all[k] = m.Name
		}
	}
	return all
}

// action returns what a key does on a screen with these scopes, innermost first.
func (b bindings) action(key string, scopes []command.Scope) (name string, ok bool) {
	for _, scope := range append(scopes, command.ScopeAll) {
		if name, ok = b[command.Key{Scope: scope, Key: key}]; ok {
			return name, true
		}
	}
	return "", false
}
