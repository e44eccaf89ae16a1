package diagnostics_test

import (
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

func TestRadius(t *testing.T) {
	report := func(id string, class diagnostics.Class) diagnostics.Report {
		r := diagnostics.Report{Instance: engine.Instance{InstanceID: id}, Workflow: "flow", Verdict: ok}
		if class != "" {
			r.Verdict, r.Class, r.Divergence = diverged, class, &diagnostics.Divergence{}
		}
		return r
	}
	group := report("", diagnostics.ClassName).Group()
	var r diagnostics.Radius
	for i, class := range []diagnostics.Class{"", diagnostics.ClassOrder, diagnostics.ClassName, "", diagnostics.ClassName, diagnostics.ClassName} {
		r.Add(group, report(string(rune('a'+i)), class), epoch.Add(time.Duration(i*7%5)*time.Hour)) // at 0, 2, 4, 1, 3, 0
	}
	if r.Total != 6 || r.Same != 3 || r.Counts[ok] != 2 || r.Counts[diverged] != 4 {
		t.Errorf("got %+v", r)
	}
	if r.Oldest.Instance.InstanceID != "f" || r.Newest.Instance.InstanceID != "c" || !r.Newest.Created.Equal(epoch.Add(4*time.Hour)) {
		t.Errorf("oldest %+v, newest %+v", r.Oldest, r.Newest)
	}
	r = diagnostics.Radius{}
	r.Add(report("", "").Group(), report("a", ""), epoch)
	if r.Same != 1 || r.Oldest.Instance.InstanceID != "a" || r.Newest.Instance.InstanceID != "a" {
		t.Errorf("of what is fine: %+v", r)
	}
}
