package command_test

import (
	"strings"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/command"
)

func TestCommandsAreDistinct(t *testing.T) {
	names, keys := map[string]bool{}, map[command.Key]string{}
	for _, c := range command.All() {
		if names[c.Name] {
			t.Errorf("two commands are called %s", c.Name)
		}
		names[c.Name] = true
		for _, k := range c.Keys {
			if other := keys[k]; other != "" {
				t.Errorf("key %s means %s and %s on screen %s", k.Key, other, c.Name, k.Scope)
			}
			keys[k] = c.Name
		}
	}
}

func TestCommandsAreDescribed(t *testing.T) {
	for _, c := range command.All() {
		if c.Title == "" || strings.HasSuffix(c.Title, ".") || len(c.Examples) == 0 {
			t.Errorf("%s has the title %q and %d examples", c.Name, c.Title, len(c.Examples))
		}
		for line := range strings.SplitSeq(c.Help, "\n") {
			if len(line) > 90 {
				t.Errorf("%s: the help has the long line %q", c.Name, line)
			}
		}
		for _, e := range c.Examples {
			if !strings.Contains(e, "wfops ") || !strings.Contains(e, c.Name) {
				t.Errorf("%s: %q is not an example of it", c.Name, e)
			}
		}
		for i, a := range c.Args {
			if last := i == len(c.Args)-1; !last && (a.Many || a.Optional && !c.Args[i+1].Optional) {
				t.Errorf("%s: more than optional arguments follow %s", c.Name, a.Name)
			}
			if (a.Kind == command.ArgWord) != (a.Words != nil) {
				t.Errorf("%s: argument %s has the words %q", c.Name, a.Name, a.Words)
			}
		}
		if c.Dangerous && c.Needs != command.NeedsWrite {
			t.Errorf("%s is dangerous and writes nothing", c.Name)
		}
	}
}
