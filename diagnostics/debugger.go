package diagnostics

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/registry"
)

// Debugger looks at what an execution was like after any event of its history: where
// its coroutines stood, what they waited for, and what was in its channels. It is not
// safe for concurrent use.
type Debugger struct {
	r replayer
	x *executor.Executor
	// broken is why x can't go on.
	broken error
}

// State is what an execution was like right after an event.
type State struct {
	Seq   int64  `json:"seq"`
	Event string `json:"event"`
	// Now is what workflow code takes for the time.
	Now        time.Time        `json:"now"`
	Coroutines []CoroutineState `json:"coroutines,omitempty"`
	// Pending are the commands without an answer, in the order of issue.
	Pending []PendingState `json:"pending,omitempty"`
	// Signals are received and not read, by name.
	Signals []SignalState `json:"signals,omitempty"`
	// Channels that the code has used so far, in the order of first use.
	Channels []ChannelState `json:"channels,omitempty"`
	// Ended is how the workflow function ended, or nil.
	Ended *engine.BlockCommand `json:"ended,omitempty"`
}

// CoroutineState is a coroutine that has not ended.
type CoroutineState struct {
	Name string `json:"name"`
	// Stack, innermost call first, without the engine's own frames.
	Stack []history.Site `json:"stack"`
	// Waits is what it waits for, any of them.
	Waits []engine.Waiting `json:"waits,omitempty"`
	Since time.Time        `json:"since,omitzero"`
}

// PendingState is a command without an answer.
type PendingState struct {
	engine.BlockCommand

	Since   time.Time `json:"since"`
	Attempt int       `json:"attempt,omitempty"`
}

// SignalState is the buffer of a signal, with values as the converter made them.
type SignalState struct {
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"`
}

// ChannelState is a channel.
type ChannelState struct {
	Type string `json:"type"`
	Size int    `json:"size,omitempty"`
	// Values in its buffer as JSON, the next to be received in front.
	Values    []string `json:"values,omitempty"`
	Senders   int      `json:"senders,omitempty"`
	Receivers int      `json:"receivers,omitempty"`
	Closed    bool     `json:"closed,omitempty"`
}

// Open returns a Debugger of a history, at no event yet. Its error says why the
// history can't be replayed, or wraps engine.ErrNotRegistered. The caller must Close
// it.
func Open(b Bundle, reg *registry.Registry, o Options) (*Debugger, error) {
	d := &Debugger{r: replayer{bundle: b, reg: reg, o: o}}
	if problem := d.r.unfit(); problem != "" {
		return nil, errors.New(problem)
	}
	if _, err := reg.Workflow(b.Workflow); err != nil {
		return nil, err
	}
	return d, nil
}

// To returns the state right after event seq. Going backwards is to replay again. Its
// error says at which event the code differs from history: no state from there on can
// be seen.
func (d *Debugger) To(seq int64) (State, error) {
	events := d.r.bundle.Events
	if seq < 1 || seq > int64(len(events)) {
		return State{}, fmt.Errorf("%w: history has the events 1 to %d, not %d", engine.ErrInvalidArgument, len(events), seq)
	}
	if d.x == nil || d.broken != nil || d.x.LastSeq() > seq {
		d.Close()
		d.x = d.open()
	}
	if d.broken = d.x.ReplayTo(events, seq); d.broken != nil {
		return State{}, d.broken
	}
	return d.state(events[seq-1]), nil
}

func (d *Debugger) open() *executor.Executor {
	return executor.New(executor.Options{
		Instance: d.r.bundle.Instance, Registry: d.r.reg, Command: d.r.o.Settings.Command(d.r.reg),
		StepDeadline: d.r.o.Settings.StepDeadline, Strict: d.r.strict(), Stacks: executor.StacksAlways, Channels: true,
	})
}

// Close ends the coroutines. The Debugger can be used again.
func (d *Debugger) Close() {
	if d.x != nil {
		d.x.Close()
		d.x, d.broken = nil, nil
	}
}

func (d *Debugger) state(ev history.Event) State {
	x := d.x.State()
	s := State{Seq: ev.Seq, Event: string(ev.Kind()), Now: x.Now}
	for _, c := range x.Coroutines {
		s.Coroutines = append(s.Coroutines, CoroutineState{Name: c.Name, Stack: c.Stack, Waits: c.Waits, Since: c.Since})
	}
	for _, p := range x.Pending {
		s.Pending = append(s.Pending, PendingState{
			BlockCommand: *commandOf(p.Ref, p.Body, history.SiteOf(p.Body)), Since: p.Since, Attempt: p.Attempt,
		})
	}
	payloads := d.r.o.Settings.Payloads()
	for _, b := range x.Signals {
		one := SignalState{Name: b.Name}
		for _, p := range opened(payloads, b.Values) {
			one.Values = append(one.Values, string(p))
		}
		s.Signals = append(s.Signals, one)
	}
	for _, c := range x.Channels {
		s.Channels = append(s.Channels, ChannelState(c))
	}
	if x.Final != nil {
		s.Ended = commandOf(0, x.Final, history.SiteOf(x.Final))
	}
	return s
}

// String shows the state as text: coroutines with their stacks, and what is around
// them.
func (s State) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "after event %d (%s)\n", s.Seq, s.Event)
	for _, c := range s.Coroutines {
		var waits []string
		for _, w := range c.Waits {
			waits = append(waits, strings.TrimSpace(string(w.Kind)+" "+w.Name))
		}
		fmt.Fprintf(&b, "coroutine %s waits for %s\n", c.Name, strings.Join(waits, " or "))
		for _, f := range c.Stack {
			fmt.Fprintf(&b, "\t%s %s:%d\n", f.Function, f.File, f.Line)
		}
	}
	for _, p := range s.Pending {
		fmt.Fprintf(&b, "pending %s\n", sentence(&p.BlockCommand))
	}
	for _, sig := range s.Signals {
		fmt.Fprintf(&b, "signal %s: %s\n", sig.Name, strings.Join(sig.Values, ", "))
	}
	for _, c := range s.Channels {
		fmt.Fprintf(&b, "channel of %s: %s\n", c.Type, strings.Join(c.Values, ", "))
	}
	if s.Ended != nil {
		fmt.Fprintf(&b, "ended: %s\n", sentence(s.Ended))
	}
	return b.String()
}
