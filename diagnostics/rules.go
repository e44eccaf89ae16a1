package diagnostics

import (
	"math"
	"strconv"
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
	// RuleNumbers: numbers that differ by no more than Rules.Tolerance; without one, those
	// that are not whole and differ by no more than rounding does.
	RuleNumbers Rule = "numbers"
	// RuleHosts: names of hosts, workers, pods and nodes, as members of payloads that are
	// called so.
	RuleHosts Rule = "hosts"

	// ruleSmall is for times that differ by less than a tenth, and always on.
	ruleSmall Rule = "durations, by less than a tenth"
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
	// $ for the whole may stand in front, as in JSON paths. outcome, error, attempts and
	// the other names of changes are paths too.
	Paths []string
	// Tolerance is by which part of the larger one two numbers may differ.
	Tolerance float64
}

// DefaultRules ignore what differs between any two executions of the same work.
func DefaultRules() Rules {
	return Rules{Ignore: []Rule{RuleIDs, RuleTimes, RuleDurations, RuleRandom, RuleNumbers, RuleHosts}}
}

// ruleSet is Rules made ready.
type ruleSet struct {
	on        map[Rule]bool
	tolerance float64
	paths     [][]string
	names     []Rule // of paths
	any       bool   // one of the rules looks into payloads
}

// rounding is by what numbers may differ that are not whole.
const rounding = 1e-9

func (r Rules) set() *ruleSet {
	s := &ruleSet{on: map[Rule]bool{}, tolerance: r.Tolerance}
	for _, rule := range r.Ignore {
		s.on[rule] = true
	}
	for _, p := range r.Paths {
		s.paths = append(s.paths, pathParts(strings.TrimPrefix(p, "$")))
		s.names = append(s.names, rulePath+Rule(p))
	}
	s.any = s.on[RuleIDs] || s.on[RuleTimes] || s.on[RuleDurations] || s.on[RuleHosts]
	return s
}

// counts are those of a diff that has not begun.
func (s *ruleSet) counts() map[Rule]int {
	c := map[Rule]int{}
	for _, name := range s.names {
		c[name] = 0
	}
	return c
}

// pathParts splits args[0].lines[*].sku at its dots and brackets. What is in quotes
// stays together.
func pathParts(p string) []string {
	quoted, escaped := false, false
	return strings.FieldsFunc(p, func(r rune) bool {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		}
		return !quoted && (r == '.' || r == '[' || r == ']')
	})
}

// ignores returns the rule that a change falls under, or "". s may be nil.
func (s *ruleSet) ignores(c Change) Rule {
	if s == nil {
		return ""
	}
	if r := ruleOfValue(c.A); r != "" && s.on[r] && r == ruleOfValue(c.B) {
		return r
	}
	if s.nearly(c.A, c.B) {
		return RuleNumbers
	}
	if len(s.paths) == 0 && len(s.on) == 0 {
		return ""
	}
	parts, partsB := pathParts(c.Path), pathParts(c.PathB)
	whole := parts
	if strings.HasPrefix(c.Path, ".") { // of a document
		if r := documentRule(parts); s.on[r] {
			return r
		}
		if len(parts) > 1 && parts[0] == "body" { // args[0] is what it is in steps
			parts, partsB = parts[1:], partsB[min(1, len(partsB)):]
		}
	}
	for i, p := range s.paths {
		if pathHolds(p, parts) || pathHolds(p, partsB) || pathHolds(p, whole) {
			return s.names[i]
		}
	}
	if s.on[RuleHosts] && isString(c.A) && isString(c.B) && len(parts) > 0 && namesHost(parts[len(parts)-1]) {
		return RuleHosts
	}
	return ""
}

func isString(v string) bool { return len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' }

// namesHost reports whether a member is called as one that holds where something ran.
func namesHost(member string) bool {
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(strings.Trim(member, `"`))) {
	case "host", "hostname", "worker", "workerid", "workername", "pod", "podname", "node", "nodename", "server", "servername":
		return true
	}
	return false
}

// nearly reports whether two values are numbers that may count as the same.
func (s *ruleSet) nearly(a, b string) bool {
	if s.tolerance <= 0 && !s.on[RuleNumbers] || !isNumber(a) || !isNumber(b) {
		return false
	}
	tolerance := s.tolerance
	if tolerance <= 0 {
		if tolerance = rounding; !strings.ContainsAny(a+b, ".eE") {
			return false // ids and amounts in cents are exact
		}
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Abs(x-y) <= tolerance*max(math.Abs(x), math.Abs(y))
}

func isNumber(v string) bool { return v != "" && (v[0] == '-' || v[0] >= '0' && v[0] <= '9') }

func pathHolds(pattern, path []string) bool {
	if len(pattern) > len(path) || len(pattern) == 0 {
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
