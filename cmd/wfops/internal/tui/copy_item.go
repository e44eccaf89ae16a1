package tui

// copyItem is something that can be copied.
type copyItem struct {
	// name says what it is: "event 12 as JSON".
	name, text string
}

// copier is a screen that has something to copy, what is under the cursor first.
type copier interface{ copies() []copyItem }
