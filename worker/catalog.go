package worker

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/wfops/wfops/engine/registry"
)

// catalog is what a registry holds, for claims: they come often, and a registry
// grows at the beginning only.
type catalog struct {
	registry *registry.Registry
	current  atomic.Pointer[listing]
}

type listing struct {
	// workflows and activities are the names to claim, workflow and activity the same
	// as sets.
	workflows, activities []string
	workflow, activity    map[string]bool
}

// load returns the names as of the last refresh.
func (c *catalog) load() *listing {
	if l := c.current.Load(); l != nil {
		return l
	}
	return &listing{}
}

// refresh reads the registry.
func (c *catalog) refresh() {
	l := &listing{
		workflows:  withShort(c.registry.Workflows(), func(n string) bool { _, err := c.registry.Workflow(n); return err == nil }),
		activities: withShort(c.registry.Activities(), func(n string) bool { _, err := c.registry.Activity(n); return err == nil }),
	}
	l.workflow, l.activity = setOf(l.workflows), setOf(l.activities)
	c.current.Store(l)
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}

// withShort adds the other names under which methods are found: a program that
// does not have the type may use the method's own name.
func withShort(names []string, known func(string) bool) []string {
	all := slices.Clone(names)
	for _, n := range names {
		if _, method, ok := strings.Cut(n, "."); ok && !slices.Contains(all, method) && known(method) {
			all = append(all, method)
		}
	}
	return all
}
