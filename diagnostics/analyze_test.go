package diagnostics_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/settings"
)

// Whatever history a bundle holds, each analysis of it comes to an end, with a report
// or an error.
func FuzzAnalyze(f *testing.F) {
	w := world{args: []any{7}, events: []delivery{signal(20*time.Second, "go", 1)}, retries: map[string]int{"charge": 2}}
	for _, flow := range []any{seq, wide, seqVersioned, group("x", "y"), pipe} {
		f.Add([]byte(written(f, record(f, flow, w))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := diagnostics.ReadLimited(bytes.NewReader(data), 1<<20, 1<<20)
		if err != nil {
			return
		}
		steps := diagnostics.Steps(b.Events)
		if r := diagnostics.Diff(steps, steps, diagnostics.DefaultRules()); r.Counts[diagnostics.DiffSame] != len(steps) {
			t.Errorf("it differs from itself: %s", r.Summary)
		}
		checkTimeline(t, diagnostics.NewTimeline(b.Events, epoch))
		reg := registryOf(t, "flow", wide)
		o := diagnostics.Options{Passes: 1, AllRows: true, Settings: settings.Settings{StepDeadline: time.Second}}
		if r := diagnostics.Replay(b, reg, o); r.Summary == "" || r.Verdict == "" || r.Verdict != ok && r.Divergence == nil && r.Passes.Run > 0 {
			t.Errorf("%+v", r)
		}
		d, err := diagnostics.Open(b, reg, o)
		if err != nil {
			return
		}
		defer d.Close()
		if s, err := d.To(int64(len(b.Events))); err == nil && s.String() == "" {
			t.Error("a state without words")
		}
	})
}

func TestBlockedFallsBackToTheReason(t *testing.T) {
	b := record(t, seq, world{args: []any{7}, steps: 2})
	reg := registryOf(t, "flow", seq)
	for _, c := range []struct {
		reason  engine.BlockReason
		verdict diagnostics.Verdict
		class   diagnostics.Class
	}{
		{engine.BlockReason{Class: engine.BlockHang, Message: "stuck", Seq: 9}, unanswerable, diagnostics.ClassHang},
		{engine.BlockReason{Class: engine.BlockDecode, Message: "no number", Seq: 9}, unanswerable, diagnostics.ClassDecode},
		{engine.BlockReason{Class: engine.BlockVersion, Message: "version 0", Issued: &engine.BlockCommand{Name: "audit"}}, diverged, diagnostics.ClassVersion},
		{engine.BlockReason{Class: engine.BlockHistoryLimit, Message: "too long"}, unanswerable, ""},
		{engine.BlockReason{Class: engine.BlockNondeterminism, Message: "was random"}, diverged, diagnostics.ClassRandom},
	} {
		r := diagnostics.Blocked(b, reg, diagnostics.Options{}, c.reason, nil)
		if r.Verdict != c.verdict || r.Class != c.class || r.Divergence == nil || r.Divergence.Message != c.reason.Message {
			t.Errorf("%s: %+v", c.reason.Class, r)
		}
		if (r.Cause == nil) != (c.class == "") {
			t.Errorf("%s: cause %+v", c.reason.Class, r.Cause)
		}
	}
	// What a replay meets again is told in full.
	r := diagnostics.Blocked(b, registryOf(t, "flow", seqRenamed), diagnostics.Options{}, engine.BlockReason{Class: engine.BlockNondeterminism}, nil)
	if r.Class != diagnostics.ClassName || len(r.Rows) == 0 {
		t.Errorf("%+v", r)
	}
	// One that is like another takes its cause, and runs no code.
	reason := engine.BlockReason{Class: engine.BlockNondeterminism, Seq: 6, Message: "again", Expected: r.Divergence.History, Issued: r.Divergence.Code}
	l := diagnostics.Blocked(b, nil, diagnostics.Options{}, reason, &r)
	if l.Class != r.Class || l.Cause != r.Cause || l.Verdict != r.Verdict || l.Divergence.Message != "again" || len(l.Rows) != 2 || l.Passes.Run != 0 {
		t.Errorf("%+v", l)
	}
}
