package tui

import (
	"errors"
	"fmt"
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

// quoted returns a word as a shell takes it for one. A control character would act upon
// the terminal that a command is pasted into: it is spelled.
func quoted(word string) string {
	if strings.IndexFunc(word, unicode.IsControl) >= 0 {
		return spelled(word)
	}
	return inQuotes(word)
}

// inQuotes returns a word as words takes it for one.
func inQuotes(word string) string {
	plain := func(r rune) bool {
		return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@%+=,", r))
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// spelled returns a word in the quotes of bash, ksh and zsh that know escapes.
func spelled(word string) string {
	var b strings.Builder
	for i := range len(word) {
		switch c := word[i]; {
		case c == '\'', c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c) // of three digits, so that none that follows is taken for one
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}

// operands are the words behind a command's flags. None is taken for a flag.
func operands(words ...string) string {
	all := make([]string, len(words))
	guard := ""
	for i, word := range words {
		if all[i] = quoted(word); strings.HasPrefix(word, "-") {
			guard = "-- "
		}
	}
	return guard + strings.Join(all, " ")
}
