package command

import "slices"

// Move is what only the screens have: it shows something else, or the same otherwise.
// What reads or changes a store is a Command, so that a script can do it too.
type Move struct {
	// Name is what is typed behind a colon.
	Name string
	// Title is one line, without a period.
	Title string
	Keys  []Key
	// Hint is the word beside the key at the foot of the screen; without one it is
	// found in the help only.
	Hint string
	// Roomy hints are shown where all others have found room.
	Roomy bool
}

// keys binds several keys in one scope.
func keys(scope Scope, names ...string) []Key {
	all := make([]Key, len(names))
	for i, name := range names {
		all[i] = Key{scope, name}
	}
	return all
}

// Chains returns the scopes of every screen, innermost first, without ScopeAll, which
// is the last of each.
func Chains() [][]Scope {
	return [][]Scope{
		{ScopeList},
		{ScopeDetail}, {ScopeHistory, ScopeDetail}, {ScopeTimeline, ScopeDetail}, {ScopeData, ScopeDetail},
		{ScopeDiff},
		{ScopeReport}, {ScopeRules}, {ScopeWall},
		{ScopeQueues},
		{ScopeConnections},
		{ScopeLog},
	}
}

// Moves returns every move, in the order of the help.
func Moves() []Move {
	return slices.Concat(walking(), screens(), showing(), listing(), drawing(), connecting(), detailing(), comparing(), reporting())
}

// walking goes through whatever is shown.
func walking() []Move {
	return []Move{
		{Name: "up", Title: "One line up", Keys: keys(ScopeAll, "Up", "k")},
		{Name: "down", Title: "One line down", Keys: keys(ScopeAll, "Down", "j")},
		{Name: "left", Title: "To the left", Keys: keys(ScopeAll, "Left", "h")},
		{Name: "right", Title: "To the right", Keys: keys(ScopeAll, "Right", "l")},
		{Name: "page-up", Title: "One page up", Keys: keys(ScopeAll, "PgUp")},
		{Name: "page-down", Title: "One page down", Keys: keys(ScopeAll, "PgDn")},
		{Name: "half-up", Title: "Half a page up", Keys: keys(ScopeAll, "Ctrl-U")},
		{Name: "half-down", Title: "Half a page down", Keys: keys(ScopeAll, "Ctrl-D")},
		{Name: "first", Title: "To the first line", Keys: keys(ScopeAll, "g", "Home")},
		{Name: "last", Title: "To the last line", Keys: keys(ScopeAll, "G", "End")},
		{Name: "enter", Title: "Open what is under the cursor", Keys: keys(ScopeAll, "Enter"), Hint: "open"},
		{Name: "back", Title: "Back to where you came from", Keys: keys(ScopeAll, "Esc"), Hint: "back"},
		{Name: "next-pane", Title: "To the next part of the screen", Keys: keys(ScopeAll, "Tab"), Hint: "pane", Roomy: true},
		{Name: "previous-pane", Title: "To the part of the screen before", Keys: keys(ScopeAll, "Shift-Tab")},
		{Name: "next", Title: "To the next match, problem or difference", Keys: keys(ScopeAll, "n")},
		{Name: "previous", Title: "To the match, problem or difference before", Keys: keys(ScopeAll, "N")},
	}
}

// screens leads to another screen.
func screens() []Move {
	return []Move{
		{Name: "filter", Title: "Filter a list, or search in a text", Keys: keys(ScopeAll, "/"), Hint: "filter"},
		{Name: "palette", Title: "Type a command", Keys: keys(ScopeAll, ":"), Hint: "cmd"},
		{Name: "actions", Title: "Choose what to do", Keys: keys(ScopeAll, "a"), Hint: "actions"},
		{Name: "help", Title: "Show what can be done here", Keys: keys(ScopeAll, "?"), Hint: "help"},
		{Name: "log", Title: "Show what the store was asked, and what went wrong", Keys: keys(ScopeAll, "@")},
		{Name: "problems", Title: "Show only what went wrong, or all", Keys: keys(ScopeLog, "e"), Hint: "errors only"},
		{Name: "set", Title: "Change a setting of this console"},
		{Name: "write", Title: "Open the store anew, so that it can be changed"},
		{Name: "quit", Title: "Quit", Keys: keys(ScopeAll, "q")},
	}
}

// showing changes how things look, everywhere.
func showing() []Move {
	return []Move{
		{Name: "wide", Title: "Show more columns, or fewer", Keys: keys(ScopeAll, "w"), Hint: "wide", Roomy: true},
		{Name: "times", Title: "Show times relative, in UTC, or local", Keys: keys(ScopeAll, "T"), Hint: "times", Roomy: true},
		{Name: "freeze", Title: "Stop reading anew, or go on", Keys: keys(ScopeAll, "p"), Hint: "pause", Roomy: true},
		{Name: "refresh", Title: "Read anew now", Keys: keys(ScopeAll, "Ctrl-R")},
		{Name: "redraw", Title: "Draw the screen anew", Keys: keys(ScopeAll, "Ctrl-L")},
		{Name: "mouse", Title: "Leave the mouse to the terminal, or take it back", Keys: keys(ScopeAll, "%")},
		{Name: "yank", Title: "Copy what is under the cursor", Keys: keys(ScopeAll, "y"), Hint: "copy", Roomy: true},
		{Name: "yank-menu", Title: "Choose what to copy", Keys: keys(ScopeAll, "Y")},
		{Name: "save", Title: "Save what is shown to a file", Keys: keys(ScopeAll, "Ctrl-S")},
		{Name: "suspend", Title: "Leave the program in the background", Keys: keys(ScopeAll, "Ctrl-Z")},
	}
}

// listing is for the list of instances.
func listing() []Move {
	return []Move{
		{Name: "mark", Title: "Mark, or unmark", Keys: keys(ScopeList, "Space"), Hint: "mark"},
		{Name: "range", Title: "Mark from here on", Keys: keys(ScopeList, "v")},
		{Name: "mark-all", Title: "Mark all that is loaded", Keys: keys(ScopeList, "*")},
		{Name: "unmark", Title: "Unmark all", Keys: keys(ScopeList, "u")},
		{Name: "order", Title: "Sort by something else", Keys: keys(ScopeList, "o")},
		{Name: "reverse", Title: "Sort the other way round", Keys: keys(ScopeList, "O")},
		{Name: "preview", Title: "Show the instance below the list, or not", Keys: keys(ScopeList, "i")},
	}
}

// drawing is for histories, timelines and comparisons.
func drawing() []Move {
	return []Move{
		{Name: "fold", Title: "Fold, or unfold", Keys: slices.Concat(keys(ScopeHistory, "z"), keys(ScopeDiff, "z"), keys(ScopeData, "z"))},
		{Name: "fold-all", Title: "Fold, or unfold, all", Keys: slices.Concat(keys(ScopeHistory, "Z"), keys(ScopeDiff, "Z"), keys(ScopeData, "Z"))},
		{Name: "jq", Title: "Put the value through a jq program", Keys: keys(ScopeData, "|")},
		{Name: "follow", Title: "Stay at the end of the history", Keys: keys(ScopeHistory, "F")},
	}
}

// connecting is for the stores that could be opened.
func connecting() []Move {
	return []Move{
		{Name: "test", Title: "Try the connection", Keys: keys(ScopeConnections, "t"), Hint: "try"},
		{Name: "test-all", Title: "Try all connections", Keys: keys(ScopeConnections, "Ctrl-T"), Hint: "try all"},
	}
}
