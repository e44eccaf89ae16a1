package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// wantedStatuses returns what --for asks for.
func wantedStatuses(words []string) (func(*backend.Summary) bool, error) {
	all := []string{"final", "paused"}
	for _, s := range engine.Statuses() {
		all = append(all, string(s))
	}
	for _, w := range words {
		if !slices.Contains(all, w) {
			return nil, usageError{fmt.Errorf("--for is one of %s, not %q", strings.Join(all, ", "), w)}
		}
	}
	return func(s *backend.Summary) bool {
		return slices.Contains(words, string(s.Status)) || slices.Contains(words, "final") && s.Status.Final() || slices.Contains(words, "paused") && s.Paused
	}, nil
}
