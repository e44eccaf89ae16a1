package command

import "slices"

// comparing is for two executions side by side.
func comparing() []Move {
	return []Move{
		{Name: "side-by-side", Title: "Show both sides beside each other, or below", Keys: keys(ScopeDiff, `\`), Hint: "sides"},
		{Name: "hide-same", Title: "Leave out what is the same, or show it", Keys: keys(ScopeDiff, "="), Hint: "hide same"},
		{Name: "level", Title: "Compare steps, or events, or all that is stored of them", Keys: keys(ScopeDiff, "L"), Hint: "level"},
		{Name: "rules", Title: "Show and change what is ignored", Keys: keys(ScopeDiff, "I"), Hint: "ignore"},
		{Name: "rule", Title: "Ignore by this rule, or not", Keys: keys(ScopeRules, "Space"), Hint: "on/off"},
		{Name: "add-rule", Title: "Ignore what is at a path of JSON", Keys: keys(ScopeRules, "+"), Hint: "add a path"},
		{Name: "drop-rule", Title: "Ignore a path no longer", Keys: keys(ScopeRules, "-", "Delete"), Hint: "drop a path"},
	}
}

// reporting is for replays.
func reporting() []Move {
	return []Move{
		{Name: "edit", Title: "Open the line of code in your editor", Keys: keys(ScopeReport, "e"), Hint: "edit"},
		{Name: "replay-all", Title: "Replay all open instances of the workflow", Keys: keys(ScopeReport, "A"), Hint: "all open"},
		{Name: "fixtures", Title: "Write histories that are not ok into a folder", Keys: slices.Concat(keys(ScopeReport, "E"), keys(ScopeWall, "E")), Hint: "fixtures"},
		{Name: "all-rows", Title: "Show all of history beside all that the code does", Keys: keys(ScopeReport, "d"), Hint: "full diff"},
	}
}
