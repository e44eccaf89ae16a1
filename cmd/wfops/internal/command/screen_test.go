package command_test

import (
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
)

// bound returns what each key does in each scope.
func bound(t *testing.T) map[command.Key]string {
	t.Helper()
	all := map[command.Key]string{}
	add := func(name string, keys []command.Key) {
		for _, k := range keys {
			if other, taken := all[k]; taken {
				t.Errorf("%s means %s and %s on the screen %q", k.Key, other, name, k.Scope)
			}
			all[k] = name
		}
	}
	for _, c := range command.All() {
		add(c.Name, c.Keys)
	}
	for _, m := range command.Moves() {
		add(m.Name, m.Keys)
	}
	return all
}

// A key means one thing wherever it can be pressed: on a screen, on what that screen is
// part of, and everywhere.
func TestKeysMeanOneThing(t *testing.T) {
	all := bound(t)
	for _, chain := range command.Chains() {
		means := map[string]command.Key{}
		for _, scope := range append(chain, command.ScopeAll) {
			for key, name := range all {
				if key.Scope != scope {
					continue
				}
				if other, taken := means[key.Key]; taken && all[other] != name {
					t.Errorf("on the screens %v %s means %s (%s) and %s (%s)", chain, key.Key, all[other], other.Scope, name, scope)
				}
				means[key.Key] = key
			}
		}
	}
}

func TestEveryScopeIsInAChain(t *testing.T) {
	known := map[command.Scope]bool{command.ScopeAll: true}
	for _, chain := range command.Chains() {
		for _, scope := range chain {
			known[scope] = true
		}
	}
	for key, name := range bound(t) {
		if !known[key.Scope] {
			t.Errorf("%s is bound on the screen %q, which is in no chain", name, key.Scope)
		}
	}
}

func TestMovesAreDescribed(t *testing.T) {
	names := map[string]bool{}
	for _, c := range command.All() {
		names[c.Name] = true
	}
	for _, m := range command.Moves() {
		if names[m.Name] {
			t.Errorf("two things are called %s", m.Name)
		}
		names[m.Name] = true
		if m.Title == "" || strings.HasSuffix(m.Title, ".") || strings.ContainsAny(m.Name, " :") {
			t.Errorf("%q has the title %q", m.Name, m.Title)
		}
		if m.Hint != "" && len(m.Keys) == 0 {
			t.Errorf("%s has a hint and no key", m.Name)
		}
	}
}
