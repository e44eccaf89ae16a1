package tui

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// crowd is a list in a store, which changes while somebody looks at it.
type crowd struct {
	*rand.Rand

	order []engine.Instance
	made  int
}

func (w *crowd) change() {
	for range w.IntN(4) {
		at := 0
		if n := len(w.order); n > 0 {
			at = w.IntN(n)
		}
		switch w.IntN(3) {
		case 0:
			w.made++
			w.order = slices.Insert(w.order, at, engine.Instance{InstanceID: fmt.Sprint(w.made)})
		case 1:
			if len(w.order) > 0 {
				w.order = slices.Delete(w.order, at, at+1)
			}
		case 2:
			if len(w.order) > 0 {
				moved := w.order[at]
				w.order = slices.Insert(slices.Delete(w.order, at, at+1), w.IntN(len(w.order)), moved)
			}
		}
	}
}

// page is what a store answers: the rows behind one that was seen before, which the
// store finds by its place and not by its name.
func (w *crowd) page(from, size int) (page []backend.Summary, next string) {
	from = min(from, len(w.order))
	to := min(from+size, len(w.order))
	for _, i := range w.order[from:to] {
		page = append(page, backend.Summary{Instance: i})
	}
	if to < len(w.order) {
		next = fmt.Sprint(to)
	}
	return page, next
}

// A list that changes while it is read shows no instance twice, keeps what was read
// anew in the order of the store and the rest in the order it had, and never takes the
// cursor off an instance that is still there.
func TestWindowProperties(t *testing.T) {
	for range 300 {
		seed := rand.Uint64()
		r := &crowd{Rand: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // a test
		for range 5 + r.IntN(40) {
			r.made++
			r.order = append(r.order, engine.Instance{InstanceID: fmt.Sprint(r.made)})
		}
		size := 1 + r.IntN(15)
		w := window{}
		var cursor engine.Instance
		for step := range 60 {
			before := slices.Clone(w.items)
			var page []backend.Summary
			if w.next != "" && r.IntN(3) == 0 {
				var at int
				_, _ = fmt.Sscan(w.next, &at)
				page, next := r.page(at, size)
				w.more(page, next)
			} else {
				var next string
				page, next = r.page(0, size)
				w.begin(page, next, r.reread(&w, cursor, page))
			}
			if problem := broken(&w, before, page, cursor, r); problem != "" {
				t.Fatalf("seed %d, step %d: %s", seed, step, problem)
			}
			if w.find(cursor) < 0 && len(w.items) > 0 {
				cursor = w.items[r.IntN(len(w.items))].Instance
			}
			r.change()
		}
	}
}

// reread answers for the instance under the cursor, as a refresh asks.
func (w *crowd) reread(win *window, cursor engine.Instance, page []backend.Summary) map[engine.Instance]*backend.Summary {
	fresh := map[engine.Instance]*backend.Summary{}
	onPage := slices.ContainsFunc(page, func(s backend.Summary) bool { return s.Instance == cursor })
	if win.find(cursor) < 0 || onPage {
		return fresh
	}
	fresh[cursor] = nil
	if slices.Contains(w.order, cursor) {
		fresh[cursor] = &backend.Summary{Instance: cursor, Workflow: "fresh"}
	}
	return fresh
}

func broken(w *window, before, page []backend.Summary, cursor engine.Instance, r *crowd) string {
	seen := map[engine.Instance]bool{}
	for _, s := range w.items {
		if seen[s.Instance] {
			return fmt.Sprintf("%s is there twice", s.Instance)
		}
		seen[s.Instance] = true
	}
	for i := range page {
		if w.items[i].Instance != page[i].Instance {
			return "the first page is not as it was read"
		}
	}
	at := -1
	for _, s := range before {
		now := w.find(s.Instance)
		if now < w.head {
			continue
		}
		if now < at {
			return fmt.Sprintf("%s has changed places with what was before it", s.Instance)
		}
		at = now
	}
	had := slices.ContainsFunc(before, func(s backend.Summary) bool { return s.Instance == cursor })
	if had && slices.Contains(r.order, cursor) && w.find(cursor) < 0 {
		return fmt.Sprintf("the cursor was on %s, which is still there", cursor)
	}
	return ""
}

func TestCursorStaysWhilePagesShift(t *testing.T) {
	p := many(t, 450, passes)
	p.press(":order updated", "Enter", "G", "g")
	p.inLoop(func() { p.app.top().(*list).table.to(199) })
	p.press("k", "j") // the last of the first page
	var id string
	p.inLoop(func() { id = p.app.top().(*list).selected.InstanceID })
	for i := range 30 {
		p.clock.Set(p.clock.Now().Add(time.Second))
		p.pause(fmt.Sprintf("part-%03d", i), i%2 == 0)
		p.press("Ctrl-R")
		p.inLoop(func() {
			if got := p.app.top().(*list).current().Instance.InstanceID; got != id {
				t.Fatalf("after %d changes the cursor is on %s, and was on %s", i+1, got, id)
			}
		})
	}
}

// pause changes an instance behind the back of the console.
func (p *player) pause(id string, paused bool) {
	p.Helper()
	if err := p.backend.Pause(p.Context(), []backend.PauseChange{{To: backend.Address{InstanceID: id}, Paused: paused}})[0]; err != nil {
		p.Fatal(err)
	}
}
