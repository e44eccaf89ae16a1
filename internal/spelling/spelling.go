// Package spelling tells how near two words are, for those who ask "did you mean".
package spelling

// Nearest returns the word of a list that another may have been meant for, or "" if none
// is near: two mistakes are forgiven, but not as many as the word has letters.
func Nearest(word string, of []string) string {
	nearest, least := "", 3
	for _, candidate := range of {
		if d := Distance(word, candidate); d < least && d < len(candidate) {
			nearest, least = candidate, d
		}
	}
	return nearest
}

// Distance is the number of bytes to add, drop or change to make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
