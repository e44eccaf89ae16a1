package values

import (
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Sealed stands for a payload that nobody has opened.
var Sealed = engine.Payload(`{"$sealed":true}`)

// Replace returns what happened with each of its payloads replaced by what f makes of it.
// Missing ones stay missing.
func Replace(b history.Body, f func(engine.Payload) engine.Payload) history.Body {
	one := func(p engine.Payload) engine.Payload {
		if p == nil {
			return nil
		}
		return f(p)
	}
	all := func(ps []engine.Payload) []engine.Payload {
		ps = slices.Clone(ps)
		for i := range ps {
			ps[i] = one(ps[i])
		}
		return ps
	}
	switch b := b.(type) { //nolint:gochecksumtype // those that have any
	case history.WorkflowStarted:
		b.Args, b.Signals = all(b.Args), slices.Clone(b.Signals)
		for i := range b.Signals {
			b.Signals[i].Arg = one(b.Signals[i].Arg)
		}
		return b
	case history.WorkflowContinuedAsNew:
		b.Args = all(b.Args)
		return b
	case history.ActivityScheduled:
		b.Args = all(b.Args)
		return b
	case history.ChildScheduled:
		b.Args = all(b.Args)
		return b
	case history.SignalReceived:
		b.Arg = one(b.Arg)
		return b
	case history.SignalSent:
		b.Arg = one(b.Arg)
		return b
	case history.EventDropped:
		b.Event = ReplaceIn(b.Event, f)
		return b
	}
	return replaceResult(b, one)
}

func replaceResult(b history.Body, one func(engine.Payload) engine.Payload) history.Body {
	switch b := b.(type) { //nolint:gochecksumtype // as above
	case history.WorkflowCompleted:
		b.Result = one(b.Result)
		return b
	case history.ActivityCompleted:
		b.Result = one(b.Result)
		return b
	case history.ChildCompleted:
		b.Result = one(b.Result)
		return b
	case history.SideEffectRecorded:
		b.Value = one(b.Value)
		return b
	case history.MutableSideEffectRecorded:
		b.Value = one(b.Value)
		return b
	}
	return b
}

// ReplaceIn is Replace for an event that is encoded, such as one of an inbox. One that
// can't be read stays as it is.
func ReplaceIn(encoded history.Encoded, f func(engine.Payload) engine.Payload) history.Encoded {
	e, err := encoded.DecodeOne()
	if err != nil {
		return encoded
	}
	e.Body = Replace(e.Body, f)
	if replaced, err := history.Encode(e); err == nil {
		return replaced
	}
	return encoded
}
