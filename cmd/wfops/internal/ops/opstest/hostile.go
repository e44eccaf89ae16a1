package opstest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Hostile returns texts of people who want to fool an operator, or his terminal, by
// what they do.
func Hostile() map[string]string {
	return map[string]string{
		"color tags":      "[red]red[-:-:-] [::b]bold",
		"link tags":       "[:::https://evil.example]x",
		"CSI":             "\x1b[2J\x1b[H\x1b[31mowned\x1b[0m\x1b[?1049l",
		"OSC 8":           "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
		"OSC 52":          "\x1b]52;c;ZXZpbA==\a",
		"title":           "\x1b]0;evil\a\x1bkevil\x1b\\",
		"DCS":             "\x1bPtmux;\x1b\x1b]52;c;ZXZpbA==\a\x1b\\ \x1bP$q\"p\x1b\\",
		"APC and PM":      "\x1b_evil\x1b\\\x1b^evil\x1b\\",
		"C1":              "\u009b31m\u009d8;;https://evil.example\u009c\u0090evil\u009c",
		"raw C1":          "\x9b31m\x9d8;;https://evil.example\x9c",
		"reports":         "\x1b[c\x1b[6n\x1b[21t\x05\x1bZ",
		"controls":        "a\tb\rc\nd\be\vf\fg\x7fh\x00i\ao",
		"bidi":            "user\u202etxt.exe\u2066x\u2069\u200e\u200f\u061c\u202a\u202d",
		"line separators": "a\u2028b\u2029c\u0085d",
		"invisible":       "a\u200bb\ufeffc\u00add\u2060e\U000e0041f\u180eg",
		"invalid UTF-8":   "a\xff\xfe\xc0\xafb\xed\xa0\x80c\xf4\x90\x80\x80",
		"private use":     "\ue000\U000f0000\uffff\ufdd0",
		"joiners":         "👩\u200d👩\u200d👧\u200d👦 नी क्\u200dष\u200d\u200dx",
		"combining":       "Z" + strings.Repeat("\u0301\u0316", 500) + "algo",
		"marks alone":     "\u0301\u20dd\u0489",
		"wide":            strings.Repeat("日本語", 40) + "ﬀ" + "한글😀🏳️\u200d🌈",
		"right to left":   "שלום עולם مرحبا",
		"variation":       "✗\ufe0f ⚠\ufe0f 1\ufe0f\u20e3",
		"quotes":          `"'` + "`" + `$(reboot);<&>\\u001b[31m%s%n`,
		"long":            strings.Repeat("x", 5000),
		"nothing":         "",
	}
}

// soak puts a text wherever there is room for one.
type soak struct{ text string }

// Evil fills b with instances of each state, and a worker, in which every text is the
// given one. What there is of them in a payload stays below most bytes.
func Evil(t testing.TB, b backend.Backend, c *Clock, now time.Time, text string) {
	t.Helper()
	e := evil{TB: t, now: now, soak: soak{text}}
	var rows []Row
	for i, status := range []engine.Status{engine.StatusBlocked, engine.StatusFailed, engine.StatusRunning, engine.StatusCompleted, engine.StatusTerminated, engine.StatusCanceled} {
		rows = append(rows, e.row(fmt.Sprintf("%s%d", text, i), status))
	}
	Seed(t, b, c, rows)
	w := soaked(e.soak, backend.Worker{})
	w.ID, w.Seen, w.Started = text+"w", now.Add(-time.Second), now.Add(-time.Hour)
	if err := b.Heartbeat(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	c.Set(now)
}

type evil struct {
	testing.TB
	soak

	now time.Time
}

func (e evil) row(id string, status engine.Status) Row {
	s := soaked(e.soak, backend.Summary{})
	s.Instance, s.Status, s.Parent, s.FirstExecution = engine.Instance{InstanceID: id}, status, nil, ""
	s.Created, s.Updated, s.Finished = e.now.Add(-time.Hour), e.now.Add(-time.Minute), time.Time{}
	s.BlockClass, s.Block, s.BlockedBuilds, s.Paused = "", nil, nil, false
	s.Note = &engine.Note{Reason: strings.ToValidUTF8(e.text[:min(len(e.text), engine.MaxReasonBytes)], "")}
	s.Waiting = &engine.Waiting{Kind: engine.WaitSignal, Name: e.text, Since: s.Updated}
	r := Row{Summary: s, Args: []engine.Payload{engine.Payload(e.text), e.quoted()}, Events: e.events()}
	if status == engine.StatusBlocked {
		report := soaked(e.soak, diagnostics.Report{Verdict: diagnostics.VerdictDiverged, Class: diagnostics.ClassOrder})
		reason := soaked(e.soak, engine.BlockReason{Class: engine.BlockNondeterminism})
		reason.Report = e.json(report)
		r.BlockClass, r.BlockedBuilds, r.Block = string(engine.BlockNondeterminism), []string{e.text}, e.json(reason)
	}
	if status.Open() {
		scheduled := e.encode(history.Event{At: s.Created, Ref: 1, Body: soaked(e.soak, history.ActivityScheduled{})})
		r.Activities = []backend.ActivityRow{{Ref: 1, Name: e.text, Queue: engine.Queue(e.text + "q"), Event: scheduled, Scheduled: s.Created, Attempt: 2, LastError: e.text}}
		r.Timers = []backend.Timer{{Ref: 2, Due: e.now.Add(time.Hour), Event: e.encode(history.Event{At: e.now, Ref: 2, Body: history.TimerFired{}})}}
		r.Inbox = []history.Event{{At: s.Updated, Body: soaked(e.soak, history.SignalReceived{})}}
	}
	return r
}

// events are some of each kind but the final ones.
func (e evil) events() []history.Event {
	bodies := []struct {
		ref  int64
		body history.Body
	}{
		{0, soaked(e.soak, history.SignalReceived{})},
		{0, soaked(e.soak, history.VersionMarked{})},
		{1, soaked(e.soak, history.ActivityScheduled{})},
		{2, soaked(e.soak, history.TimerScheduled{})},
		{3, soaked(e.soak, history.ChildScheduled{})},
		{4, soaked(e.soak, history.SignalSent{})},
		{5, soaked(e.soak, history.SideEffectRecorded{})},
		{6, soaked(e.soak, history.MutableSideEffectRecorded{})},
		{7, soaked(e.soak, history.ActivityScheduled{})},
		{1, soaked(e.soak, history.ActivityAttemptFailed{})},
		{1, soaked(e.soak, history.ActivityFailed{})},
		{7, soaked(e.soak, history.ActivityCompleted{})},
		{4, soaked(e.soak, history.SignalFailed{})},
		{3, soaked(e.soak, history.ChildFailed{})},
		{0, soaked(e.soak, history.CancelRequested{})},
		{0, soaked(e.soak, history.EventDropped{})},
	}
	events := make([]history.Event, len(bodies))
	for i, b := range bodies {
		events[i] = history.Event{At: e.now.Add(-time.Hour + time.Duration(i)*time.Second), Ref: b.ref, Body: b.body}
	}
	return events
}

// quoted is the text in JSON, also as the name of a field.
func (s soak) quoted() engine.Payload {
	raw, err := json.Marshal(map[string]any{s.text: []any{s.text, map[string]string{"a" + s.text: s.text}}})
	if err != nil {
		panic(err) // texts can always be written
	}
	return raw
}

func (e evil) json(v any) []byte { return shop{TB: e.TB}.json(v) }

func (e evil) encode(event history.Event) history.Encoded { return shop{TB: e.TB}.encode(event) }

// soaked returns v with the text in every empty field of it that holds free text.
func soaked[T any](s soak, v T) T {
	s.fill(reflect.ValueOf(&v).Elem(), 0)
	return v
}

// deepest bounds types that hold themselves.
const deepest = 4

func (s soak) fill(v reflect.Value, depth int) {
	if depth > deepest || !v.CanSet() {
		return
	}
	switch v.Type() {
	case reflect.TypeFor[string](), reflect.TypeFor[engine.Queue]():
		v.SetString(s.text)
		return
	case reflect.TypeFor[engine.Payload]():
		v.SetBytes(s.quoted())
		return
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[time.Time]():
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			s.fill(field, depth+1)
		}
	case reflect.Pointer:
		if depth < deepest {
			v.Set(reflect.New(v.Type().Elem()))
			s.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if depth < deepest {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			s.fill(v.Index(0), depth+1)
		}
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String && v.Type().Elem().Kind() == reflect.String {
			text := reflect.ValueOf(s.text)
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(text.Convert(v.Type().Key()), text.Convert(v.Type().Elem()))
		}
	default: // numbers and closed sets stay as they are
	}
}
