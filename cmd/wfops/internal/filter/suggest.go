package filter

import (
	"fmt"

	"github.com/wfops/wfops/internal/spelling"
)

// suggest returns a hint at the nearest of what there is, or "".
func suggest(word string, of []string) string {
	best, least := "", 3
	for _, candidate := range of {
		if d := spelling.Distance(word, candidate); d < least && d < len(candidate) {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}
