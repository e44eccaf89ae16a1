package backendtest

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// pauseFor sets or clears the paused flag, and retryFor tries again, for a reason.
func (e *env) pauseFor(i engine.Instance, paused bool, reason string) {
	e.Helper()
	e.ok(one(e, "Pause", e.b.Pause(e.ctx(), []backend.PauseChange{{To: byID(i), Paused: paused, Reason: reason}})), "pausing %s: %v", i, paused)
}

func (e *env) retryFor(i engine.Instance, reason string) {
	e.Helper()
	e.ok(e.tryRetry(backend.RetryRequest{To: byID(i), Reason: reason}), "retrying %s", i)
}

// noted checks the note of an execution as Get and lists have it, and that it was left
// just now.
func (e *env) noted(i engine.Instance, action engine.NoteAction, reason string) {
	e.Helper()
	s := e.summary(i)
	if s.Note == nil {
		e.Fatalf("%s has no note, want %s %q", i, action, reason)
	}
	equal(e, "note", []any{s.Note.Action, s.Note.Reason}, []any{action, reason})
	e.near("time of the note", s.Note.At, e.clock.Now())
	equal(e, "time zone of the note", s.Note.At.Location(), time.UTC)
	equal(e, "note in a list", e.listed(i).Note, s.Note)
}

// listed is the row of an execution in a list.
func (e *env) listed(i engine.Instance) backend.Summary {
	e.Helper()
	page, err := e.b.List(e.ctx(), backend.Query{InstanceID: i.InstanceID})
	e.ok(err, "listing")
	for _, s := range page.Items {
		if s.Instance == i {
			return s
		}
	}
	e.Fatalf("%s is not in the list of its InstanceID", i)
	return backend.Summary{}
}

// nasty is a reason that has what texts are escaped for, and the size that is allowed.
var nasty = special + strings.Repeat("x", engine.MaxReasonBytes-len(special))

const special = "a\x00b\n\r\t\x1b[2J\u202e'\"\\%_?$1\u2028é\U0001f480"

var noteCases = []testCase{
	{"IsKept", "Pause, also to resume, and Retry leave a note of what was asked, why and when; the next note takes its place.", func(e *env) {
		i := e.blocked("i", build)
		equal(e, "note of who was left alone", e.summary(i).Note, nil)
		equal(e, "note in a list", e.listed(i).Note, nil)
		e.pauseFor(i, true, "disk full")
		e.noted(i, engine.NotePause, "disk full")
		e.clock.Advance(2 * time.Millisecond)
		e.pauseFor(i, false, "disk has room")
		e.noted(i, engine.NoteResume, "disk has room")
		e.clock.Advance(2 * time.Millisecond)
		e.retryFor(i, "fixed")
		e.noted(i, engine.NoteRetry, "fixed")
		e.near("Updated", e.summary(i).Updated, e.clock.Now())
	}},
	{"WithoutReason", "Without a reason the note says what was asked and when, and nothing of the reason before.", func(e *env) {
		i := e.asleep("i")
		e.pauseFor(i, true, "disk full")
		e.clock.Advance(2 * time.Millisecond)
		e.pause(byID(i), false)
		e.noted(i, engine.NoteResume, "")
	}},
	{"AskedAgain", "A note is left also where nothing else changes: who asks for what is so has a reason too.", func(e *env) {
		i := e.asleep("i")
		e.pauseFor(i, false, "to be sure")
		e.noted(i, engine.NoteResume, "to be sure")
		e.pauseFor(i, true, "first")
		e.clock.Advance(2 * time.Millisecond)
		e.pauseFor(i, true, "second")
		e.noted(i, engine.NotePause, "second")
		e.near("Updated", e.summary(i).Updated, e.clock.Now())
		e.pauseFor(i, false, "")
		e.claimNone("nothing has come in")
		e.retryFor(i, "not blocked")
		e.noted(i, engine.NoteRetry, "not blocked")
	}},
	{"StepsLeaveIt", "Deliveries, claims, steps, verdicts and the end of the execution leave the note alone.", func(e *env) {
		i := e.blocked("i", build)
		e.retryFor(i, "fixed")
		note := e.summary(i).Note
		still := func(after string) {
			e.Helper()
			equal(e, "note after "+after, e.summary(i).Note, note)
		}
		e.clock.Advance(2 * time.Millisecond)
		e.deliver(byID(i), "a")
		still("a delivery")
		h := e.claim(ofBuild(build))
		still("a claim")
		h.extend()
		h.commit(keep)
		still("a step")
		h.commit(blocks("b2"))
		still("a verdict")
		e.claim(ofBuild("b3")).commit(finish(engine.StatusCompleted))
		still("the end")
		equal(e, "note in a list", e.listed(i).Note, note)
	}},
	{"OthersHaveTheirOwn", "The items of a call leave a note each.", func(e *env) {
		i, j := e.asleep("i"), e.asleep("j")
		errs := e.b.Pause(e.ctx(), []backend.PauseChange{{To: byID(i), Paused: true, Reason: "of i"}, {To: byID(j), Paused: true, Reason: "of j"}})
		equal(e, "results", errs, []error{nil, nil})
		e.noted(i, engine.NotePause, "of i")
		e.noted(j, engine.NotePause, "of j")
		errs = e.b.Retry(e.ctx(), []backend.RetryRequest{{To: byID(i), Reason: "first"}, {To: byID(i), Reason: "last"}})
		equal(e, "results", errs, []error{nil, nil})
		e.noted(i, engine.NoteRetry, "last")
	}},
	{"AnyText", "A reason is any text of up to MaxReasonBytes, and comes back as it was.", func(e *env) {
		i := e.asleep("i")
		e.pauseFor(i, true, nasty)
		e.noted(i, engine.NotePause, nasty)
		e.retryFor(i, nasty)
		e.noted(i, engine.NoteRetry, nasty)
	}},
	{"TooLong", "Pause and Retry answer ErrInvalidArgument to a reason that is longer or no UTF-8, and change nothing; other items of the call are done.", func(e *env) {
		i, j := e.blocked("i", build), e.asleep("j")
		before := e.summary(i)
		for _, reason := range []string{nasty + "x", "\xff"} {
			errs := e.b.Pause(e.ctx(), []backend.PauseChange{{To: byID(i), Paused: true, Reason: reason}, {To: byID(j), Paused: true, Reason: "good"}})
			e.isOnly(errs[0], engine.ErrInvalidArgument, "pausing")
			e.ok(errs[1], "pausing the other")
			errs = e.b.Retry(e.ctx(), []backend.RetryRequest{{To: byID(i), Reason: reason}, {To: byID(j), Reason: "good"}})
			e.isOnly(errs[0], engine.ErrInvalidArgument, "retrying")
			e.ok(errs[1], "retrying the other")
		}
		equal(e, "summary", e.summary(i), before)
		e.noted(j, engine.NoteRetry, "good")
	}},
	{"MovesWithThePause", "The next execution of a paused one begins paused and with the note; that of another begins without.", func(e *env) {
		h := e.held("i")
		e.pauseFor(h.instance(), true, "disk full")
		next := h.continueAsNew()
		e.noted(next, engine.NotePause, "disk full")
		e.noted(h.instance(), engine.NotePause, "disk full")
		e.pauseFor(next, false, "disk has room")
		third := e.claim().continueAsNew()
		equal(e, "note of the third", e.summary(third).Note, nil)
		e.noted(next, engine.NoteResume, "disk has room")
	}},
	{"GoesWithTheInstance", "Remove deletes the note too, and a new execution of the id has none.", func(e *env) {
		i := e.asleep("i")
		e.pauseFor(i, true, "disk full")
		e.terminate(byID(i))
		e.noted(i, engine.NotePause, "disk full")
		e.ok(e.tryRemove(i), "removing")
		again := e.create("i", func(c *backend.Creation) { c.Instance = i })
		equal(e, "note", e.summary(again).Note, nil)
	}},
	{"OfTheOpen", "Nothing is noted of an execution that has ended.", func(e *env) {
		i := e.finished("i")
		e.is(one(e, "Pause", e.b.Pause(e.ctx(), []backend.PauseChange{{To: byID(i), Paused: true, Reason: "late"}})), engine.ErrInstanceNotFound, "pausing")
		e.is(e.tryRetry(backend.RetryRequest{To: byID(i), Reason: "late"}), engine.ErrInstanceNotFound, "retrying")
		equal(e, "note", e.summary(i).Note, nil)
	}},
	{"IsShared", "Another connection sees it, and the note that it leaves is seen.", func(e *env) {
		i := e.asleep("i")
		e.pauseFor(i, true, "disk full")
		for _, b := range e.connections() {
			s, err := b.Get(e.ctx(), i)
			e.ok(err, "getting")
			equal(e, "note", s.Note, e.summary(i).Note)
			e.ok(b.Pause(e.ctx(), []backend.PauseChange{{To: byID(i), Reason: "by another"}})[0], "resuming")
			e.noted(i, engine.NoteResume, "by another")
		}
	}},
}

// NoteOutlives leaves a note with an execution that has none, for instance because an
// older program has stored it, and looks for it from the next connection.
func NoteOutlives(t *testing.T, i engine.Instance, open func(t *testing.T) backend.Backend) {
	t.Helper()
	var want *engine.Note
	for range 2 {
		b := open(t)
		s, err := b.Get(t.Context(), i)
		if err != nil || !reflect.DeepEqual(s.Note, want) {
			t.Errorf("%s has note %+v, want %+v: %v", i, s.Note, want, err)
		}
		if want == nil {
			err = b.Pause(t.Context(), []backend.PauseChange{{To: exactly(i), Paused: true, Reason: "disk full"}})[0]
			if s, again := b.Get(t.Context(), i); err != nil || again != nil || s.Note == nil || s.Note.Reason != "disk full" {
				t.Errorf("%s has note %+v: %v, %v", i, s.Note, err, again)
			} else {
				want = s.Note
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
