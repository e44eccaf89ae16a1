package view

import (
	"strconv"

	"github.com/wfops/wfops/diagnostics"
)

// IgnoreRule is a kind of difference that can be left out.
type IgnoreRule struct {
	Rule diagnostics.Rule
	// Path, unless empty, is the place in payloads that it is for.
	Path string
	On   bool
	// Count is how many differences it has left out.
	Count int
}

// IgnoreRules is the table of rules.
func IgnoreRules(all []IgnoreRule, _ Options) Table {
	t := Table{Columns: []Column{{Key: "on", Title: "ON"}, {Key: "rule", Title: "RULE", Min: 12, Least: 14}, {Key: "count", Title: "IGNORED", Right: true}, {Key: "what", Title: "WHAT IT LEAVES OUT", Min: 16, Rank: 1}}}
	for _, r := range all {
		on, style := Cell{"[x]", Good}, Plain
		if !r.On {
			on, style = Cell{"[ ]", Muted}, Muted
		}
		t.Rows = append(t.Rows, []Cell{on, {string(r.Rule), style}, {strconv.Itoa(r.Count), style}, {ruleHelp(r), Muted}})
	}
	return t
}

// ruleHelps say what rules leave out.
var ruleHelps = map[diagnostics.Rule]string{
	diagnostics.RuleIDs:       "identifiers of 16 or more hexadecimal digits, and UUIDs, in payloads",
	diagnostics.RuleTimes:     "points in time in payloads",
	diagnostics.RuleDurations: "how long steps took, and durations in payloads",
	diagnostics.RuleRandom:    "what side effects recorded",
	diagnostics.RuleNumbers:   "numbers that are as good as equal",
	diagnostics.RuleHosts:     "names of hosts, workers, pods and nodes in payloads",
	diagnostics.RuleAttempts:  "how many attempts an activity took",
}

func ruleHelp(r IgnoreRule) string {
	if r.Path != "" {
		return "what is at this path in payloads, and below it; * is any member"
	}
	return ruleHelps[r.Rule]
}
