package tui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// open plays the console with an instance opened.
func open(t *testing.T, w, h int, id string, change func(*Options)) *player {
	t.Helper()
	p := play(t, w, h, change)
	p.open(id)
	return p
}

func (p *player) open(id string) {
	p.Helper()
	p.inLoop(func() {
		p.app.show(newDetail(p.app, backend.Summary{Instance: engine.Instance{InstanceID: id}, Status: engine.StatusRunning}))
	})
	p.settle()
}

// album compares all tabs of an instance with a golden file.
func (p *player) album(name string) {
	p.Helper()
	var b strings.Builder
	for i, tab := range tabs {
		p.press(fmt.Sprint(i + 1))
		fmt.Fprintf(&b, "%s\n%s\n", tab.title, p.picture())
	}
	p.same(name, b.String())
}

func TestDetailLooks(t *testing.T) {
	for _, id := range []string{"order-8702", "order-8790", "order-8841", "kyc-5520", "import-311"} {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s/%d", id, size[0]), func(t *testing.T) {
				open(t, size[0], size[1], id, nil).album(fmt.Sprintf("detail_%s_%d", id, size[0]))
			})
		}
		t.Run(id+"/ascii", func(t *testing.T) {
			open(t, 80, 24, id, func(o *Options) { o.ASCII = true }).album("detail_" + id + "_ascii")
		})
	}
}
