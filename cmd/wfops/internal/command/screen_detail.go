package command

// detailing is for the screens of one instance.
func detailing() []Move {
	return []Move{
		{Name: "event", Title: "Go to the event of a number"},
		{Name: "zoom-in", Title: "Show less time, larger", Keys: keys(ScopeTimeline, "+", "="), Hint: "zoom"},
		{Name: "zoom-out", Title: "Show more time", Keys: keys(ScopeTimeline, "-")},
		{Name: "zoom-all", Title: "Show all of the time", Keys: keys(ScopeTimeline, "0"), Hint: "all"},
		{Name: "idle", Title: "Draw idle time shorter, or as it was", Keys: keys(ScopeTimeline, "i"), Hint: "idle"},
		{Name: "critical", Title: "Show what the time went into, or not", Keys: keys(ScopeTimeline, "x"), Hint: "critical path"},
		{Name: "measure", Title: "Measure from here", Keys: keys(ScopeTimeline, "m")},
		{Name: "edge-before", Title: "To where a part of the step before the cursor begins or ends", Keys: keys(ScopeTimeline, "[")},
		{Name: "edge-behind", Title: "To where a part of the step behind the cursor begins or ends", Keys: keys(ScopeTimeline, "]")},
	}
}
