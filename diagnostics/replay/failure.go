package replay

import (
	"regexp"
	"strings"

	"github.com/wfops/wfops/diagnostics"
)

// unanswered is the report on a history whose replay ended without one.
func unanswered(b diagnostics.Bundle, class diagnostics.Class, message string) diagnostics.Report {
	r := diagnostics.Report{
		Instance: b.Instance, Workflow: b.Workflow, Events: len(b.Events),
		Verdict: diagnostics.VerdictUnanswerable, Class: class, Summary: "unanswerable: " + message,
		Divergence: &diagnostics.Divergence{Message: message},
	}
	if fixes := advice[class]; fixes != nil {
		r.Cause = &diagnostics.Explanation{Class: class, Cause: message, Fixes: fixes, Page: class.Page()}
	}
	return r
}

// advice is for what ends a whole process. What happens inside of workflow code has a
// report of the replay itself.
var advice = map[diagnostics.Class][]string{
	diagnostics.ClassPanic: {
		"Look at the stack: code outside of workflow functions has panicked, such as a goroutine, a codec or a converter.",
		"Start no goroutines in workflows; use workflow.Go, whose panics are the instance's own.",
	},
	diagnostics.ClassHang: {
		"Look at the stack for what it waits for: workflow code, a codec or a converter must not wait for other programs, locks or time.",
		"Allow the replay more time if the history is very long.",
	},
}

// crash is what a Go program has printed when the runtime ended it.
type crash struct {
	message string // "panic: …" or "fatal error: …", or "" for none
	stack   string
}

var (
	crashLine = regexp.MustCompile(`(?m)^(panic: |fatal error: |SIGQUIT: |runtime: goroutine stack exceeds).*$`)
	callArgs  = regexp.MustCompile(`(?m)^(\S.*)\([^()]*\)$`)
	offset    = regexp.MustCompile(`(?m) \+0x[0-9a-f]+$`)
	place     = regexp.MustCompile(`(?m)^\t.*/([^/]+:\d+)$`)
	routine   = regexp.MustCompile(`goroutine \d+( gp=\S+)?( m=\S+)?( mp=\S+)?`)
	address   = regexp.MustCompile(`0x[0-9a-f]+\??`)
)

const maxStackText = 8 << 10

// crashOf finds the crash at the end of what a program has printed. Of a program that
// was asked for its stacks it takes those that run workflow code.
func crashOf(output string) crash {
	at := crashLine.FindAllStringIndex(output, -1)
	if at == nil {
		return crash{}
	}
	last := at[len(at)-1] // others were printed by the program
	first, text := last[0], output[last[0]:last[1]]
	c := crash{message: text}
	for block := range strings.SplitSeq(output[first:], "\n\n") {
		_, block, found := cutAt(block, "goroutine ")
		if !found || !interesting(block, text) {
			continue
		}
		c.stack += cleanStack(block) + "\n\n"
		if !strings.HasPrefix(text, "SIGQUIT") || len(c.stack) > maxStackText {
			break
		}
	}
	c.stack = strings.TrimSuffix(c.stack, "\n\n")
	return c
}

// cutAt is strings.Cut with sep kept at the beginning of a line.
func cutAt(s, sep string) (before, after string, found bool) {
	if strings.HasPrefix(s, sep) {
		return "", s, true
	}
	before, after, found = strings.Cut(s, "\n"+sep)
	return before, sep + after, found
}

func interesting(block, message string) bool {
	if !strings.HasPrefix(message, "SIGQUIT") {
		return strings.Contains(block, "[running") || strings.Contains(block, ".go:")
	}
	return strings.Contains(block, "/engine/") && !strings.Contains(block, "(*server).read(")
}

// cleanStack takes what differs from run to run and from machine to machine out of a
// stack.
func cleanStack(s string) string {
	s = callArgs.ReplaceAllString(s, "$1")
	s = offset.ReplaceAllString(s, "")
	s = place.ReplaceAllString(s, "\t$1")
	s = routine.ReplaceAllString(s, "goroutine")
	s = address.ReplaceAllString(s, "0x…")
	if len(s) > maxStackText {
		s = strings.ToValidUTF8(s[:maxStackText], "") + "\n…"
	}
	return s
}
