package history

import (
	"fmt"
	"time"
)

// CheckError tells what is wrong with a history.
type CheckError struct {
	// Seq of the first event that does not fit.
	Seq     int64
	Problem string
}

func (e *CheckError) Error() string {
	return fmt.Sprintf("malformed history: event %d: %s", e.Seq, e.Problem)
}

// Check returns a *CheckError unless events, from the first one on, are a history
// that an engine can have written: numbered without gaps, begun by TaskStarted
// and WorkflowStarted (or terminated before the first step), nothing after a final
// event, commands numbered without gaps, and cancels and answers for commands of a
// fitting kind. A second answer to a command is legal, and so is one to a command
// that is not there yet: they are ignored. It does not look at payloads.
func Check(events []Event) error {
	c := checker{}
	for i, e := range events {
		problem := c.event(i, e)
		if problem != "" {
			return &CheckError{Seq: int64(i) + 1, Problem: problem}
		}
	}
	return nil
}

type checker struct {
	commands []Kind // by Ref, from 1
	step     time.Time
	final    Kind
}

func (c *checker) event(i int, e Event) string {
	switch {
	case e.Body == nil:
		return "it has no body"
	case e.Seq != int64(i)+1:
		return fmt.Sprintf("it is numbered %d", e.Seq)
	case c.final != "":
		return fmt.Sprintf("%s after the final %s", e.Kind(), c.final)
	}
	if problem := c.place(i, e); problem != "" {
		return problem
	}
	switch ClassOf(e.Body) {
	case ClassCommand:
		return c.command(e)
	case ClassCancel, ClassAnswer:
		return c.follows(e)
	case ClassFinal:
		c.final = e.Kind()
	case ClassExecution, ClassMarker:
	}
	if e.Ref != 0 {
		return fmt.Sprintf("%s has the ref %d, it belongs to no command", e.Kind(), e.Ref)
	}
	return ""
}

// place checks how a history begins, and the times of its steps.
func (c *checker) place(i int, e Event) string {
	switch kind := e.Kind(); {
	case kind == KindTaskStarted && e.At.Before(c.step):
		return fmt.Sprintf("it began at %s, before the step before it at %s", e.At, c.step)
	case kind == KindTaskStarted:
		c.step = e.At
	case kind == KindWorkflowStarted && i > 1:
		return "WorkflowStarted comes once, as the second event"
	}
	switch kind := e.Kind(); {
	case i == 0 && kind != KindTaskStarted && kind != KindWorkflowTerminated: // terminated before its first step
		return fmt.Sprintf("a history begins with TaskStarted, not %s", kind)
	case i == 1 && kind != KindWorkflowStarted:
		return fmt.Sprintf("WorkflowStarted follows the first TaskStarted, not %s", kind)
	}
	return ""
}

func (c *checker) command(e Event) string {
	c.commands = append(c.commands, e.Kind())
	if next := int64(len(c.commands)); e.Ref != next {
		return fmt.Sprintf("%s has the ref %d, the next command is %d", e.Kind(), e.Ref, next)
	}
	return ""
}

// follows checks that a cancel or an answer belongs to a command.
func (c *checker) follows(e Event) string {
	switch {
	case e.Ref > int64(len(c.commands)) && ClassOf(e.Body) == ClassAnswer:
		return ""
	case e.Ref < 1 || e.Ref > int64(len(c.commands)):
		return fmt.Sprintf("%s is for command %d, which was not issued; there are %d", e.Kind(), e.Ref, len(c.commands))
	}
	if is, want := c.commands[e.Ref-1], Target(e.Body); is != want {
		return fmt.Sprintf("%s is for command %d, which is %s and not %s", e.Kind(), e.Ref, is, want)
	}
	return ""
}
