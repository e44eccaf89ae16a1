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

// begin takes a first page that was read anew. What it has pushed out stays, as the
// first of what follows: unless there is nothing that could follow, it is there still.
func (w *window) begin(page []backend.Summary, next string) {
	had := make(map[engine.Instance]bool, len(page))
	for i := range page {
		had[page[i].Instance] = true
	}
	whole := len(w.items) == w.head // no other page has been read
	var rest []backend.Summary
	if next != "" {
		for i := range w.items {
			if !had[w.items[i].Instance] {
				rest = append(rest, w.items[i])
			}
		}
	}
	if whole || next == "" {
		w.next = next
		rest = nil
	}
	w.items = append(slices.Clip(slices.Clone(page)), rest...)
	w.head = len(page)
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

// renew takes single rows that were read anew; those that keep refuses are dropped.
func (w *window) renew(fresh map[engine.Instance]*backend.Summary) {
	kept := w.items[:0:0]
	for i := range w.items {
		s, read := fresh[w.items[i].Instance]
		switch {
		case !read:
			kept = append(kept, w.items[i])
		case s != nil:
			kept = append(kept, *s)
		case i < w.head:
			w.head--
		}
	}
	w.items = kept
}

// find returns where an instance is, or -1.
func (w *window) find(i engine.Instance) int {
	return slices.IndexFunc(w.items, func(s backend.Summary) bool { return s.Instance == i })
}
