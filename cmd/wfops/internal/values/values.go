// Package values takes the payloads out of a history: what an instance was called
// with, what it has returned, its signals, and the same of all that it asked for. Each
// has a path, by which it can be named on a command line and found on a screen.
package values

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// Value is a payload of a history.
type Value struct {
	// Path is unique in the history: args[0], result, error, signals[2],
	// activities[0].args[1].
	Path string
	// Event is the number of the event that holds it, and At when that was.
	Event int64
	At    time.Time
	// Kind says what it belongs to, and Name of what name: the workflow, the activity,
	// the signal.
	Kind diagnostics.StepKind
	Name string
	// Payload is as stored. Of an error it is the JSON of the failure, which stores keep
	// in the clear.
	Payload engine.Payload
	Failure bool
}

// groups are what paths of steps begin with.
var groups = map[diagnostics.StepKind]string{
	diagnostics.StepActivity: "activities", diagnostics.StepChild: "children", diagnostics.StepSend: "sent",
	diagnostics.StepEffect: "effects", diagnostics.StepSignal: "signals",
}

// Of returns the payloads of a history, in the order of its steps. Missing ones, such
// as the result of a function that has none, are left out.
func Of(steps []diagnostics.Step) []Value {
	c := collector{counts: map[string]int{}}
	for i := range steps {
		c.add(&steps[i])
	}
	return c.all
}

type collector struct {
	all    []Value
	counts map[string]int
}

func (c *collector) add(s *diagnostics.Step) {
	prefix := ""
	if group := groups[s.Kind]; group != "" {
		prefix = fmt.Sprintf("%s[%d]", group, c.counts[group])
		c.counts[group]++
	}
	switch s.Kind {
	case diagnostics.StepSignal, diagnostics.StepSend:
		c.value(s, false, prefix, s.Input[0])
	case diagnostics.StepEnd:
		c.inputs(s, "next.")
	case diagnostics.StepStart, diagnostics.StepActivity, diagnostics.StepChild:
		c.inputs(s, join(prefix, ""))
	case diagnostics.StepEffect:
	case diagnostics.StepTimer, diagnostics.StepVersion, diagnostics.StepCancel, diagnostics.StepDropped:
		return
	}
	c.value(s, true, join(prefix, "result"), s.Result)
	if s.Failure == nil {
		return
	}
	raw, err := json.Marshal(s.Failure)
	if err != nil {
		raw = []byte(strconv.Quote(s.Failure.Message)) // its details are no JSON
	}
	c.value(s, true, join(prefix, "error"), raw)
	c.all[len(c.all)-1].Failure = true
}

// join puts a name behind a prefix, which may be empty.
func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func (c *collector) inputs(s *diagnostics.Step, prefix string) {
	for i, p := range s.Input {
		c.value(s, false, fmt.Sprintf("%sargs[%d]", prefix, i), p)
	}
}

func (c *collector) value(s *diagnostics.Step, end bool, path string, p engine.Payload) {
	if p == nil {
		return
	}
	v := Value{Path: path, Event: s.Seq, At: s.Began, Kind: s.Kind, Name: s.Name, Payload: p}
	if end {
		v.Event, v.At = s.End, s.Ended
	}
	c.all = append(c.all, v)
}

// ErrNoValue tells that a history has no value of a path.
var ErrNoValue = errors.New("there is no such value")

// Select returns the value of a path, or a part of it as a value of its own.
func Select(all []Value, path string) (Value, error) {
	for _, v := range all {
		rest, found := strings.CutPrefix(path, v.Path)
		if !found || rest != "" && rest[0] != '.' && rest[0] != '[' {
			continue
		}
		part, err := descend(v.Payload, rest)
		if err != nil {
			return v, fmt.Errorf("%s: %w", path, err)
		}
		if rest != "" {
			v.Path, v.Payload = path, part
		}
		return v, nil
	}
	return Value{}, fmt.Errorf("%w: %s", ErrNoValue, path)
}

// Within keeps the values that a path leads to or through: activities[0] has those of
// one activity.
func Within(all []Value, path string) (some []Value) {
	for _, v := range all {
		if rest, found := strings.CutPrefix(v.Path, path); found && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			some = append(some, v)
		}
	}
	return some
}
