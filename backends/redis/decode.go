package redis

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// Answers of scripts are nested arrays of texts and integers. What is absent or of
// another kind reads as zero: a script answers the same shape always.
type answer []any

func (a answer) at(i int) any {
	if i >= len(a) {
		return nil
	}
	return a[i]
}

func (a answer) int(i int) int64 {
	switch v := a.at(i).(type) {
	case int64:
		return v
	case string:
		n, _ := strconv.ParseInt(v, 10, 64) // of our own making
		return n
	}
	return 0
}

func (a answer) text(i int) string {
	s, _ := a.at(i).(string)
	return s
}

func (a answer) bytes(i int) []byte { return []byte(a.text(i)) }

func (a answer) list(i int) answer {
	l, _ := a.at(i).([]any)
	return l
}

func (a answer) time(i int) time.Time { return timeOf(a.int(i)) }

// inboxRows reads pairs of id and event.
func inboxRows(a answer) []backend.InboxRow {
	var rows []backend.InboxRow
	for i := 0; i < len(a); i += 2 {
		rows = append(rows, backend.InboxRow{ID: a.int(i), Event: a.bytes(i + 1)})
	}
	return rows
}

// timersFrom reads triples of "ref/slot", due time and event.
func timersFrom(a answer) []backend.Timer {
	var timers []backend.Timer
	for i := 0; i < len(a); i += 3 {
		ref, slot, _ := strings.Cut(a.text(i), "/")
		timers = append(timers, backend.Timer{
			Ref: answer{ref}.int(0), Slot: backend.TimerSlot(answer{slot}.int(0)), //nolint:gosec // a slot, as it was written
			Due: a.time(i + 1), Event: a.bytes(i + 2),
		})
	}
	return timers
}

func arrivalsFrom(a answer) backend.Arrivals {
	arrived := backend.Arrivals{Paused: a.int(0) != 0, NextTimer: a.time(1), More: a.int(2) != 0}
	arrived.Inbox = inboxRows(a.list(3))
	arrived.Timers = timersFrom(a.list(4))
	sortTimers(arrived.Timers)
	return arrived
}

// summaryFrom reads the row of an execution, Inbox included.
func summaryFrom(f fields) (backend.Summary, error) {
	s := backend.Summary{
		Instance: engine.Instance{InstanceID: f.text("iid"), ExecutionID: f.text("eid")}, FirstExecution: f.text("first"),
		Workflow: f.text("wf"), Queue: engine.Queue(f.text("queue")), Status: engine.Status(f.text("status")),
		Paused: f.bool("paused"), BlockClass: f.text("class"), Block: f.bytes("block"), BlockedBuilds: buildsFrom(f),
		StatusLine: f.text("line"), LastError: f.text("err"), Attempt: int(f.int("attempt")),
		Created: timeOf(f.int("created")), Updated: timeOf(f.int("updated")), Finished: timeOf(f.int("finished")),
		HistoryLength: f.int("seq"), HistoryBytes: f.int("bytes"), Local: int(f.int("loc")),
		Worker: f.text("worker"), Build: f.text("build"), Parent: parentFrom(f), Note: noteFrom(f), TraceID: f.text("trace"),
		Inbox: int(f.int("icount")), Unread: int(f.int("unread")),
	}
	err := tagsFrom(f, &s.Tags)
	if text := f.bytes("waiting"); err == nil && text != nil {
		s.Waiting = &engine.Waiting{}
		err = json.Unmarshal(text, s.Waiting)
	}
	if err != nil {
		return s, fmt.Errorf("reading %s: %w", s.Instance, err)
	}
	return s, nil
}

func buildsFrom(f fields) []string {
	text := f.text("builds")
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func parentFrom(f fields) *engine.Instance {
	pair, ok := f["parent"].([]any)
	if !ok {
		return nil
	}
	return &engine.Instance{InstanceID: answer(pair).text(0), ExecutionID: answer(pair).text(1)}
}

func noteFrom(f fields) *engine.Note {
	n, ok := f["note"].([]any)
	if !ok {
		return nil
	}
	return &engine.Note{Action: engine.NoteAction(answer(n).text(0)), Reason: answer(n).text(1), At: answer(n).time(2)}
}

func tagsFrom(f fields, tags *map[string]string) error { //nolint:gocritic // where the caller wants them
	text := f.bytes("tags")
	if text == nil {
		return nil
	}
	return json.Unmarshal(text, tags)
}

func activityFrom(f fields) backend.ActivityRow {
	r := backend.ActivityRow{
		Ref: f.int("ref"), Name: f.text("name"), Queue: engine.Queue(f.text("queue")), Event: f.bytes("ev"),
		Attempt: int(f.int("attempt")), LastError: f.text("err"),
	}
	if nanos := f.text("scheduled"); nanos != "" {
		r.Scheduled = time.Unix(0, answer{nanos}.int(0)).UTC()
	}
	return r
}

func closingFrom(f fields) backend.Closing {
	m := f.fields("m")
	return backend.Closing{
		Ref: f.int("ref"), On: backend.ClosingTrigger(f.text("on")), Terminate: m.text("k") == "t", Event: history.Encoded(m.bytes("ev")),
		To: backend.Address{InstanceID: m.text("iid"), ExecutionID: m.text("eid"), FirstExecution: m.text("first")},
	}
}
