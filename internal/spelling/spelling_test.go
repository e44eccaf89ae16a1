package spelling

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"same", "same", 0}, {"", "abc", 3}, {"abc", "", 3}, {"status", "statsu", 2}, {"wiating", "waiting", 2},
		{"order", "orders", 1}, {"kitten", "sitting", 3},
	} {
		if got, back := Distance(c.a, c.b), Distance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q and %q: %d and %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"list", "get", "wait", "ok"}
	for word, want := range map[string]string{"lst": "list", "lits": "list", "gte": "get", "x": "", "ab": "", "prodution": "", "wait": "wait"} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}
