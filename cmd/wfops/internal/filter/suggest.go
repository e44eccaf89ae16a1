package filter

import "github.com/wfops/wfops/internal/spelling"

// suggest returns a hint at the nearest of what there is, or "".
func suggest(word string, of []string) string {
	if nearest := spelling.Nearest(word, of); nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	return ""
}
