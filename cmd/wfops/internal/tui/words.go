package tui

import (
	"errors"
	"strings"
	"unicode"
)

var errQuote = errors.New("the closing quote is missing")

// words takes a line apart as shells do: quotes keep words together, a backslash keeps
// what follows it from meaning anything. Nothing is replaced.
func words(text string) (all []string, err error) {
	var b strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && unicode.IsSpace(r):
			if inWord {
				all = append(all, b.String())
			}
			b.Reset()
			inWord = false
		default:
			b.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		all = append(all, b.String())
	}
	if quote != 0 || escaped {
		return all, errQuote
	}
	return all, nil
}

// quoted returns a word as a shell takes it for one.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@%+=,", r))
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
