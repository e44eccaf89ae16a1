package tui

import (
	"fmt"
	"testing"
)

var sizes = [][2]int{{60, 15}, {80, 24}, {120, 40}, {200, 60}}

func TestListLooks(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			play(t, size[0], size[1], nil).golden(fmt.Sprintf("list_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		play(t, 80, 24, func(o *Options) { o.ASCII = true }).golden("list_ascii")
	})
}

func TestFilterIsAppliedWhileItIsTyped(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("/", "status:failed type:Order*")
	p.sees("order-8790", "order-8791")
	p.press("Ctrl-U", "status:nonsense")
	p.sees("nonsense")
	p.press("Esc")
	p.sees("kyc-5520")
}

func TestCursorStaysOnItsInstance(t *testing.T) {
	p := play(t, 80, 24, nil)
	p.press("j", "j", "Enter")
	p.sees("instance", "order-879")
	p.press("Esc")
	var id string
	p.inLoop(func() { id = p.app.top().(*list).selected.InstanceID })
	p.press("Ctrl-R")
	p.inLoop(func() {
		if l := p.app.top().(*list); l.current().Instance.InstanceID != id {
			t.Errorf("the cursor was on %s and is on %s", id, l.current().Instance.InstanceID)
		}
	})
}
