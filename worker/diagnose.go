package worker

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// diagnose puts the report into the reason to block an execution, and returns the
// bundle that it was made from, unless the history can't be read. Reasons that are
// alike come in large numbers after a deploy: only for the first of a kind is the code
// run again. Besides what that costs, it is run with answers that it never had, to see
// how it goes on, and a loop that does not end with them takes a CPU for good.
func (h *hold) diagnose(reason *engine.BlockReason) (diagnostics.Bundle, bool) {
	events, unread := h.fetch()
	if unread != nil && transient(unread) {
		h.complain("the report of a blocked instance is made without its history", unread)
	}
	b := diagnostics.NewBundle(h.instance, events)
	b.Workflow, b.Status = h.workflow, engine.StatusBlocked
	if c := h.w.settings.Codec; c != nil {
		b.Codec = fmt.Sprintf("%T", c)
	}
	o := diagnostics.Options{Settings: h.w.settings}
	diagnose := func(like *diagnostics.Report) diagnostics.Report {
		return diagnostics.Blocked(b, h.w.registry, o, *reason, like)
	}
	var r diagnostics.Report
	if unread == nil && reason.Class == engine.BlockNondeterminism {
		r = h.w.diagnoses.report(h.workflow+"|"+kindOf(reason), diagnose)
	} else {
		o.Passes = 1 // nothing is to be found out by more of them
		r = diagnose(nil)
	}
	text, err := json.Marshal(r)
	if err != nil {
		h.complain("the report of a blocked instance can't be encoded", err)
	}
	reason.Report = text
	return b, unread == nil
}

// diagnoses are what a worker has made of the kinds of reasons that it has met.
type diagnoses struct {
	mu     sync.Mutex
	byKind map[string]*diagnosis
}

// diagnosis is what is the same for all reasons of a kind.
type diagnosis struct {
	mu   sync.Mutex // held while the first one is made; others wait for it
	like *diagnostics.Report
}

// report makes a report, like another one of its kind if there is one.
func (d *diagnoses) report(kind string, diagnose func(like *diagnostics.Report) diagnostics.Report) diagnostics.Report {
	one := d.of(kind)
	one.mu.Lock()
	if like := one.like; like != nil {
		one.mu.Unlock()
		return diagnose(like)
	}
	defer one.mu.Unlock()
	r := diagnose(nil)
	one.like = &diagnostics.Report{Verdict: r.Verdict, Class: r.Class, Cause: r.Cause}
	return r
}

func (d *diagnoses) of(kind string) *diagnosis {
	const most = 1000
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.byKind[kind]
	if one != nil {
		return one
	}
	if d.byKind == nil || len(d.byKind) >= most {
		d.byKind = map[string]*diagnosis{}
	}
	one = &diagnosis{}
	d.byKind[kind] = one
	return one
}

// kindOf is the same for reasons that have the same cause.
func kindOf(r *engine.BlockReason) string {
	var b strings.Builder
	b.WriteString(string(r.Class))
	for _, c := range []*engine.BlockCommand{r.Expected, r.Issued} {
		if c != nil {
			fmt.Fprintf(&b, "|%s %s %s:%d", c.Kind, c.Name, c.Function, c.Line)
		}
	}
	b.WriteString(r.Stack)
	return b.String()
}

// keepBundle writes the bundle of a blocked instance into the folder that is asked
// for. That of the same execution from another time is replaced.
func (h *hold) keepBundle(b diagnostics.Bundle) {
	dir := h.w.opts.blockedBundles
	if dir == "" {
		return
	}
	if err := diagnostics.WriteFile(filepath.Join(dir, b.FileName()), b); err != nil {
		h.complain("the bundle of a blocked instance can't be written", err)
	}
}
