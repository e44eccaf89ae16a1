package scenarios

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

var committedStateOnly = []sentence{
	{"AStepThatIsNotDurableIsInvisible", func(s *system) {
		goOn := make(chan struct{})
		line := breakableOn(s.b)
		s.startOn(line, functions(map[string]any{"w": func(ctx workflow.Context) error { return echoAs(ctx, "act") }},
			map[string]any{"act": func(context.Context) error { <-goOn; return nil }}))
		i := s.create("a", "w")
		before := s.waiting(i, engine.WaitActivity)
		line.sever(io.ErrUnexpectedEOF)
		close(goOn)
		s.pass(time.Second)
		after := s.await(*i, "read", func(backend.Summary) bool { return true })
		if after.HistoryLength != before.HistoryLength || after.Status != engine.StatusRunning || after.Waiting == nil {
			s.Errorf("a reader sees %+v", after)
		}
		line.mend()
		if _, err := result[any](s, i); err != nil {
			s.Fatal(err)
		}
	}},
}

// dropped runs an instance into a signal that nobody can read, and throws that
// away. It returns the row as it was.
func (s *system) dropped(i *engine.Instance, reason string) backend.InboxRow {
	s.Helper()
	s.signal(i.InstanceID, "n", "not a number")
	sum := s.blocked(i, engine.BlockDecode)
	var why engine.BlockReason
	if err := json.Unmarshal(sum.Block, &why); err != nil {
		s.Fatal(err)
	}
	inbox := s.pending(i).Inbox
	if len(inbox) != 1 || inbox[0].ID != why.Inbox {
		s.Fatalf("the inbox is %+v, the reason %+v", inbox, why)
	}
	record, err := history.Encode(history.Event{At: time.Now(), Body: history.EventDropped{Event: inbox[0].Event, Reason: reason}})
	if err != nil {
		s.Fatal(err)
	}
	drop := backend.RetryRequest{To: backend.Address{InstanceID: i.InstanceID}, DropInbox: why.Inbox, Dropped: record}
	if err := s.b.Retry(s.ctx, []backend.RetryRequest{drop})[0]; err != nil {
		s.Fatal(err)
	}
	return inbox[0]
}

var droppedEvents = []sentence{
	{"RetryThrowsAnUndecodableSignalAway", func(s *system) {
		s.start(functions(map[string]any{"collect": collect}, nil))
		i := s.create("a", "collect", 1)
		s.waiting(i, engine.WaitSignal)
		s.dropped(i, "")
		s.await(*i, "running again, with nothing to run for but the record", status(engine.StatusRunning))
		s.signal("a", "n", 1)
		want(s, i, upTo(1))
		equal(s, "signals in history", s.count(*i, history.KindSignalReceived), 1)
	}},
	{"WithAnAuditRecord", func(s *system) {
		w := s.start(functions(map[string]any{"collect": collect}, nil))
		i := s.create("a", "collect", 1)
		s.waiting(i, engine.WaitSignal)
		row := s.dropped(i, "ticket 12, by ann")
		s.await(*i, "running again", status(engine.StatusRunning))
		s.halt(w)
		s.start(functions(map[string]any{"collect": collect}, nil), build("another")) // it replays the record
		s.signal("a", "n", 1)
		want(s, i, upTo(1))
		var records []history.EventDropped
		for _, ev := range s.history(*i) {
			if b, ok := ev.Body.(history.EventDropped); ok {
				records = append(records, b)
			}
		}
		if len(records) != 1 || string(records[0].Event) != string(row.Event) || records[0].Reason != "ticket 12, by ann" {
			s.Errorf("history tells of %+v, dropped was %s", records, row.Event)
		}
	}},
}
