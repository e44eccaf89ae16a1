package diagnostics

import (
	"strings"
	"time"
)

// Rule is a kind of difference that Diff does not count.
type Rule string

// The closed set of built-in rules. A rule for values holds where both sides have a
// value of that kind.
const (
	// RuleIDs: identifiers of 16 or more hexadecimal digits, and UUIDs, as values in
	// payloads.
	RuleIDs Rule = "ids"
	// RuleTimes: points in time, as values in payloads.
	RuleTimes Rule = "times"
	// RuleDurations: how long a step took, and durations as values in payloads.
	RuleDurations Rule = "durations"
	// RuleRandom: what side effects recorded.
	RuleRandom Rule = "side effects"
	// RuleAttempts: how many attempts an activity took before it came to the same.
	RuleAttempts Rule = "attempts"
	// rulePath is counted with the path that the user gave.
	rulePath Rule = "path "
)

// Rules say which differences Diff ignores. What it has ignored is counted, so that
// nobody takes two histories for equal that are not.
type Rules struct {
	// Ignore holds the built-in rules that apply.
	Ignore []Rule
	// Paths are places in payloads, as in Change.Path: args[0].request_id. A * stands
	// for any member or index, and a path holds for all that is below it.
	Paths []string
}

// DefaultRules ignore what differs between any two executions of the same work.
func DefaultRules() Rules {
	return Rules{Ignore: []Rule{RuleIDs, RuleTimes, RuleDurations, RuleRandom}}
}

// ruleSet is Rules made ready.
type ruleSet struct {
	on    map[Rule]bool
	paths [][]string
	names []Rule // of paths
	any   bool   // one of the rules looks into payloads
}

func (r Rules) set() *ruleSet {
	s := &ruleSet{on: map[Rule]bool{}}
	for _, rule := range r.Ignore {
		s.on[rule] = true
	}
	for _, p := range r.Paths {
		s.paths = append(s.paths, pathParts(p))
		s.names = append(s.names, rulePath+Rule(p))
	}
	s.any = s.on[RuleIDs] || s.on[RuleTimes] || s.on[RuleDurations]
	return s
}

// pathParts splits args[0].lines[*].sku at its dots and brackets.
func pathParts(p string) []string {
	return strings.FieldsFunc(p, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// ignores returns the rule that a change falls under, or "".
func (s *ruleSet) ignores(c Change) Rule {
	if r := ruleOfValue(c.A); r != "" && s.on[r] && r == ruleOfValue(c.B) {
		return r
	}
	if len(s.paths) == 0 {
		return ""
	}
	parts := pathParts(c.Path)
	for i, p := range s.paths {
		if pathHolds(p, parts) {
			return s.names[i]
		}
	}
	return ""
}

func pathHolds(pattern, path []string) bool {
	if len(pattern) > len(path) {
		return false
	}
	for i, p := range pattern {
		if p != "*" && p != path[i] {
			return false
		}
	}
	return true
}

// ruleOfValue is the built-in rule that is for a JSON value, or "".
func ruleOfValue(v string) Rule {
	if len(v) < 4 || v[0] != '"' || v[len(v)-1] != '"' {
		return ""
	}
	return ruleOfString(v[1 : len(v)-1])
}

func ruleOfString(s string) Rule {
	switch {
	case isID(s):
		return RuleIDs
	case isTime(s):
		return RuleTimes
	case isDuration(s):
		return RuleDurations
	}
	return ""
}

// isID tells hexadecimal digits, with or without dashes: there are enough of them
// that nobody has typed them, and one of them is a digit.
func isID(s string) bool {
	const fewest = 16
	digits, hex := false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = true
			hex++
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			hex++
		case c != '-':
			return false
		}
	}
	return digits && hex >= fewest
}

func isTime(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[10] != 'T' {
		return false
	}
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

func isDuration(s string) bool {
	last := s[len(s)-1]
	if last != 's' && last != 'm' && last != 'h' || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	_, err := time.ParseDuration(s)
	return err == nil
}
