package command_test

import (
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
)

// A key means one thing wherever an operator stands: scopes that are there together
// must not share any.
func TestKeysAreDistinctInAChain(t *testing.T) {
	chains := [][]command.Scope{
		{command.ScopeList, command.ScopeAll},
		{command.ScopeHistory, command.ScopeDetail, command.ScopeAll},
		{command.ScopeTimeline, command.ScopeDetail, command.ScopeAll},
		{command.ScopeData, command.ScopeDetail, command.ScopeAll},
		{command.ScopeDiff, command.ScopeAll}, {command.ScopeReport, command.ScopeAll},
		{command.ScopeQueues, command.ScopeAll}, {command.ScopeConnections, command.ScopeAll},
	}
	type bound struct {
		name string
		key  command.Key
	}
	var all []bound
	for _, c := range command.All() {
		for _, k := range c.Keys {
			all = append(all, bound{c.Name, k})
		}
	}
	for _, m := range command.Moves() {
		for _, k := range m.Keys {
			all = append(all, bound{m.Name, k})
		}
	}
	for _, chain := range chains {
		means := map[string]string{}
		for _, scope := range chain {
			for _, b := range all {
				if b.key.Scope != scope {
					continue
				}
				if other, ok := means[b.key.Key]; ok && other != b.name {
					t.Errorf("%s means %s and %s on the screen of %s", b.key.Key, other, b.name, chain[0])
				}
				means[b.key.Key] = b.name
			}
		}
	}
}
