package executor

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// ReplayTo applies a history as far as seq, for a look at the state that the
// execution had right after that event. It is called instead of Replay and Apply; a
// further call goes on from there. Its errors are those of Replay.
func (e *Executor) ReplayTo(events []history.Event, seq int64) error {
	e.replaying = true
	if e.past.sides == nil {
		e.past.index(events)
	}
	for _, ev := range events {
		if ev.Seq <= e.seq {
			continue
		}
		if ev.Seq > seq {
			break
		}
		if err := e.replay(ev); err != nil {
			return err
		}
	}
	return nil
}

// State is what an execution is like between two events, for people.
type State struct {
	// Seq of the last applied event.
	Seq int64
	// Now is what workflow code takes for the time.
	Now        time.Time
	Coroutines []Coroutine
	// Pending are the commands without an answer, in the order of issue.
	Pending []Pending
	// Signals are the buffers of signals that nobody has read.
	Signals []SignalBuffer
	// Channels that the code has used, in the order of first use, if Options.Channels
	// is set.
	Channels []Channel
	// Final is how the workflow function ended, or nil.
	Final history.Body
}

// Pending is a command without an answer.
type Pending struct {
	Ref  int64
	Body history.Body
	// Since when it is asked for.
	Since time.Time
	// Attempt of an activity.
	Attempt int
}

// SignalBuffer holds received signals that nobody has read.
type SignalBuffer struct {
	Name   string
	Values []engine.Payload
}

// Channel is a channel of workflow code.
type Channel struct {
	// Type of its values.
	Type string
	// Size of its buffer, and Values in it as JSON, the next to be received in front.
	Size   int
	Values []string
	// Senders and Receivers are how many coroutines wait.
	Senders, Receivers int
	Closed             bool
}

// State returns what the execution is like now.
func (e *Executor) State() State {
	s := State{Seq: e.seq, Now: e.now, Coroutines: e.Coroutines()}
	for p := e.open.oldest; p != nil; p = p.newer {
		s.Pending = append(s.Pending, Pending{Ref: p.ref, Body: p.body, Since: p.at, Attempt: p.attempt})
	}
	for _, name := range slices.Sorted(maps.Keys(e.signals)) {
		b := SignalBuffer{Name: name}
		for _, one := range e.signals[name].Queue {
			b.Values = append(b.Values, one.Arg)
		}
		s.Signals = append(s.Signals, b)
	}
	for _, look := range e.channels {
		s.Channels = append(s.Channels, channelOf(look()))
	}
	if e.done != nil {
		s.Final = e.finalBody()
	}
	return s
}

func channelOf(c command.ChannelState) Channel {
	out := Channel{Type: c.Type, Size: c.Size, Senders: c.Senders, Receivers: c.Receivers, Closed: c.Closed}
	for _, v := range c.Values {
		text, err := json.Marshal(v)
		if err != nil {
			text = fmt.Appendf(nil, "%+v", v)
		}
		out.Values = append(out.Values, string(text))
	}
	return out
}

// WatchChannels implements command.ChannelWatcher.
func (e *Executor) WatchChannels() bool { return e.opts.Channels }

// Channel implements command.ChannelWatcher.
func (e *Executor) Channel(look func() command.ChannelState) { e.channels = append(e.channels, look) }
