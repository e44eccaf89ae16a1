package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/workflow"
)

// expectation is what may become of an instance: worked out from the programs,
// without the engine.
type expectation struct {
	id string
	// ends are the statuses it may end with.
	ends []engine.Status
	// optional: it may never be started, because its parent can end before.
	optional bool
	// lines of its result if it completes. A "|" separates what a line may be.
	lines []string
}

// fate is what can befall an instance from outside.
type fate struct{ optional, cancel, terminate, timeout bool }

// expect adds the expectations of an instance and of its children.
func expect(all map[string]*expectation, id string, program []op, f fate) {
	e := &expectation{id: id, optional: f.optional, lines: linesOf(program)}
	switch program[len(program)-1].Kind {
	case opForever:
	case opQuit:
		e.ends = append(e.ends, engine.StatusFailed)
	default:
		e.ends = append(e.ends, engine.StatusCompleted)
	}
	if f.timeout {
		e.ends = append(e.ends, engine.StatusFailed)
	}
	if f.cancel {
		e.ends = append(e.ends, engine.StatusCanceled)
	}
	if f.terminate {
		e.ends = append(e.ends, engine.StatusTerminated)
	}
	all[id] = e
	cut := f.cancel || f.terminate || f.timeout || f.optional
	eachOp(program, func(o op) {
		child := fate{optional: cut}
		switch o.Kind {
		case opChild, opNotify:
			child.cancel = cut
		case opCancel:
			child.cancel = true
		case opLoose:
			child.cancel = cut || o.Close == workflow.ParentCloseCancel
			child.terminate = o.Close == workflow.ParentCloseTerminate
		default:
			return
		}
		expect(all, o.ID, o.Parts[0], child)
	})
}

// eachOp calls f for the ops of a program and of its branches, not for those of
// its children.
func eachOp(program []op, f func(op)) {
	for _, o := range program {
		f(o)
		if o.Kind == opAll {
			for _, part := range o.Parts {
				eachOp(part, f)
			}
		}
	}
}

func linesOf(program []op) []string {
	var lines []string
	for _, o := range program {
		lines = append(lines, o.lines()...)
	}
	return lines
}

// lines is what an op adds to the result.
func (o op) lines() []string {
	switch o.Kind {
	case opWork, opBeat, opMany, opLoose:
		return []string{o.ID}
	case opOnce:
		return []string{o.ID + "|" + o.ID + " lost"}
	case opBroken:
		return []string{o.ID + " failed"}
	case opTaken, opNobody:
		return []string{o.ID + " refused"}
	case opShort:
		return []string{o.ID + " timeout|" + o.ID + " lost"}
	case opLate, opUnserved:
		return []string{o.ID + " timeout"}
	case opAll:
		var lines []string
		for _, part := range o.Parts {
			lines = append(lines, linesOf(part)...)
		}
		return lines
	case opTake:
		var lines []string
		for k := range o.N {
			lines = append(lines, fmt.Sprintf("%s=%d", o.ID, k+1))
		}
		return lines
	case opEither:
		return []string{o.ID + "=1"}
	case opRace:
		return []string{o.ID + " timer"}
	case opChild, opNotify:
		if program := o.Parts[0]; program[len(program)-1].Kind == opQuit {
			return []string{o.ID + " failed"}
		}
		return linesOf(o.Parts[0])
	case opEffect:
		return []string{o.ID + " same"}
	case opVersion:
		return []string{o.ID + " v1|" + o.ID + " v2"}
	case opCancel:
		return []string{o.ID + " canceled"}
	}
	return nil
}

// fits reports whether lines are what was expected.
func (e *expectation) fits(lines []string) bool {
	return slices.EqualFunc(e.lines, lines, func(want, got string) bool {
		return slices.Contains(strings.Split(want, "|"), got)
	})
}
