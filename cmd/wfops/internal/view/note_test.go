package view

import (
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// What was asked last shows wherever an operator looks, and the reason of a pause only
// while nothing else was asked since.
func TestNotes(t *testing.T) {
	now := time.Date(2026, time.August, 22, 11, 42, 7, 0, time.UTC)
	o := Options{Now: now}
	note := func(a engine.NoteAction, reason string) *engine.Note {
		return &engine.Note{Action: a, Reason: reason, At: now.Add(-12 * time.Minute)}
	}
	for _, tc := range []struct {
		note             *engine.Note
		situation, asked string
	}{
		{nil, "paused", ""},
		{note(engine.NotePause, ""), "paused 12m", "paused 12m ago"},
		{note(engine.NotePause, "disk full\nor so"), "paused 12m: disk full", "paused 12m ago: disk full\nor so"},
		{note(engine.NoteRetry, "fixed in 9c1e"), "paused", "tried again 12m ago: fixed in 9c1e"},
		{note(engine.NoteResume, "disk has room"), "paused", "resumed 12m ago: disk has room"},
		{note("drained", "of a newer program"), "paused", "drained 12m ago: of a newer program"},
	} {
		s := backend.Summary{Status: engine.StatusRunning, Paused: true, Note: tc.note}
		if got := o.Situation(&s).Text; got != tc.situation {
			t.Errorf("%+v: %q, want %q", tc.note, got, tc.situation)
		}
		if got := o.Asked(tc.note); got != tc.asked {
			t.Errorf("%+v: %q, want %q", tc.note, got, tc.asked)
		}
	}
}
