package scenarios

import (
	"context"
	"io"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
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

var droppedEvents = []sentence{
	{"RetryThrowsAnUndecodableSignalAway", func(s *system) {
		s.start(functions(map[string]any{"collect": collect}, nil))
		i := s.create("a", "collect", 1)
		s.waiting(i, engine.WaitSignal)
		s.signal("a", "n", "not a number")
		s.blocked(i, engine.BlockDecode)
		p, err := s.b.Pending(s.ctx, *i, 0)
		if err != nil || len(p.Inbox) != 1 {
			s.Fatalf("the inbox is %+v, %v", p.Inbox, err)
		}
		to := backend.Address{InstanceID: "a"}
		if err := s.b.Retry(s.ctx, []backend.RetryRequest{{To: to, DropInbox: p.Inbox[0].ID}})[0]; err != nil {
			s.Fatal(err)
		}
		s.signal("a", "n", 1)
		want(s, i, upTo(1))
	}},
}
