package executor

import (
	"errors"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Coroutine is one coroutine of workflow code that waits.
type Coroutine struct {
	Name string
	// Stack is where it waits, innermost call first, without the engine's own frames.
	Stack []history.Site
	// Waits is what it waits for, any of them, and Since when.
	Waits []engine.Waiting
	Since time.Time
}

// Coroutines returns the coroutines that have not ended, in the order they run. They
// have stacks only where those are kept: to ask the runtime for them would print the
// stacks of the whole process, with the world stopped.
func (e *Executor) Coroutines() []Coroutine {
	live := e.sched.Live()
	cs := make([]Coroutine, 0, len(live))
	for _, c := range live {
		one := Coroutine{Name: c.Name}
		if w := waits(c); w.on != nil {
			one.Since, one.Stack = w.since, sitesIn(w.stack)
			for _, on := range w.on.Waits() {
				one.Waits = append(one.Waits, e.waitOn(on, w))
			}
		}
		cs = append(cs, one)
	}
	return cs
}

// standing tells where code stands that asked for nothing: where it waits, or where
// it panicked.
func (e *Executor) standing() string {
	if e.done != nil {
		p, _ := errors.AsType[*engine.PanicError](e.done.Err)
		if p == nil {
			return ""
		}
		return stackText(mainCoroutine, sitesOf(p.Stack()))
	}
	var b strings.Builder
	for _, c := range e.Coroutines() {
		b.WriteString(stackText(c.Name, c.Stack))
	}
	return b.String()
}

// sitesOf reads a stack as the runtime prints it: a line with the function, and one
// with file and line, for each frame.
func sitesOf(stack string) []history.Site {
	var sites []history.Site
	var function string
	for line := range strings.SplitSeq(stack, "\n") {
		place, isPlace := strings.CutPrefix(line, "\t")
		if !isPlace {
			function = strings.TrimSuffix(line, "(...)")
			continue
		}
		if function == "" || isEngine(function) || strings.HasPrefix(function, "created by ") {
			continue
		}
		file, number, _ := strings.Cut(path.Base(place), ":")
		n, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		sites = append(sites, history.Site{Function: function, File: file, Line: n})
	}
	return sites
}
