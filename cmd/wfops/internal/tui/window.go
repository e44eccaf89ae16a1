package tui

import (
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// window is what has been loaded of a list: its beginning, page by page.
type window struct {
	items []backend.Summary
	// head is how many of them are the first page, which is read again and again.
	head int
	// next is the cursor of the page that follows, or "".
	next string
}

// begin takes a first page that was read anew, and fresh rows of instances that may not
// be on it. What the page has pushed out stays, as the first of what follows, if more
// than the first page was read or if it was read again by itself: the one under the
// cursor must not vanish because others came.
func (w *window) begin(page []backend.Summary, next string, fresh map[engine.Instance]*backend.Summary) {
	had := make(map[engine.Instance]bool, len(page))
	for i := range page {
		had[page[i].Instance] = true
	}
	whole := len(w.items) == w.head // no other page has been read
	if whole || next == "" {
		w.next = next
	}
	items := slices.Clone(page)
	for i := range w.items {
		instance := w.items[i].Instance
		s, read := fresh[instance]
		switch {
		case had[instance] || next == "" || read && s == nil:
		case read:
			items = append(items, *s)
		case !whole:
			items = append(items, w.items[i])
		}
	}
	w.items, w.head = items, len(page)
}

// more takes the page behind what is loaded. An instance that has moved meanwhile is
// in the list once.
func (w *window) more(page []backend.Summary, next string) {
	had := make(map[engine.Instance]bool, len(w.items))
	for i := range w.items {
		had[w.items[i].Instance] = true
	}
	for i := range page {
		if !had[page[i].Instance] {
			w.items = append(w.items, page[i])
		}
	}
	w.next = next
}

// find returns where an instance is, or -1.
func (w *window) find(i engine.Instance) int {
	return slices.IndexFunc(w.items, func(s backend.Summary) bool { return s.Instance == i })
}
