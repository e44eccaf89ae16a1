package diagnostics

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Word is a piece of a text that two values have, or only one of them.
type Word struct {
	// Op is DiffSame, DiffOnlyA or DiffOnlyB.
	Op   DiffOp `json:"op"`
	Text string `json:"text"`
}

// wordsOf compares two texts word by word; nil if they have too little in common, or are
// too long for somebody to read.
func wordsOf(a, b string) []Word {
	const longest, work = 64 << 10, 1 << 18
	if len(a) > longest || len(b) > longest {
		return nil
	}
	flip := a > b // what is found must not depend on which side is A
	x, y := split(a), split(b)
	if flip {
		x, y = y, x
	}
	numbers := map[string]int32{}
	kx, ky := make([]int32, len(x)), make([]int32, len(y))
	for i, w := range x {
		kx[i] = numberOf(numbers, w)
	}
	for j, w := range y {
		ky[j] = numberOf(numbers, w)
	}
	left := work
	found, capped := align(kx, ky, &left)
	if flip {
		x, y = y, x
	}
	l := wordList{}
	i, j := 0, 0
	for _, m := range append(found, match{a: len(kx), b: len(ky)}) {
		if flip {
			m.a, m.b = m.b, m.a
		}
		l.add(DiffOnlyA, x[i:m.a])
		l.add(DiffOnlyB, y[j:m.b])
		l.add(DiffSame, x[m.a:m.a+m.n])
		i, j = m.a+m.n, m.b+m.n
	}
	if capped || l.letters*4 < max(len(a), len(b)) {
		return nil
	}
	return l.words
}

// wordList joins words to pieces.
type wordList struct {
	words []Word
	// letters that both have, in bytes; blanks and punctuation are in any two texts.
	letters int
}

func (l *wordList) add(op DiffOp, words []string) {
	if len(words) == 0 {
		return
	}
	text := strings.Join(words, "")
	if op == DiffSame {
		for _, w := range words {
			if r, _ := utf8.DecodeRuneInString(w); isWord(r) {
				l.letters += len(w)
			}
		}
		text = cutMiddle(text)
	}
	l.words = append(l.words, Word{Op: op, Text: text})
}

// cutMiddle leaves the ends of a long text.
func cutMiddle(s string) string {
	const end = 24
	runes := []rune(s)
	if len(runes) <= 3*end {
		return s
	}
	return string(runes[:end]) + "…" + string(runes[len(runes)-end:])
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// split divides a text into words, runs of blanks, and other characters one by one.
func split(s string) []string {
	kind := func(r rune) int {
		switch {
		case isWord(r):
			return 1
		case unicode.IsSpace(r):
			return 2
		}
		return 0
	}
	var words []string
	for s != "" {
		first, end := utf8.DecodeRuneInString(s)
		for k := kind(first); k > 0 && end < len(s); {
			r, n := utf8.DecodeRuneInString(s[end:])
			if kind(r) != k {
				break
			}
			end += n
		}
		words = append(words, s[:end])
		s = s[end:]
	}
	return words
}
