package workflow

import "github.com/wfops/wfops/engine/internal/command"

// scope is what one cancellation reaches: unanswered commands, and the scopes of
// Contexts derived from this one.
type scope struct {
	x        *execution
	children []*scope           // in the order of creation
	open     []*command.Outcome // in the order of issue; some may be answered
	// Answered outcomes at the end of open are dropped at once: code that asks for one
	// thing after another leaves nothing behind. Others, and canceled children, are
	// dropped when their slice has doubled since the last time, so that a workflow
	// which goes on for ever costs constant time per command and no growing memory.
	openLimit, childLimit int

	done       *channel[struct{}] // made when asked for
	err, cause error
}

const pruneFloor = 16

func (s *scope) track(o *command.Outcome) {
	for n := len(s.open); n > 0 && s.open[n-1].Ready; n-- {
		s.open[n-1] = nil
		s.open = s.open[:n-1]
	}
	if len(s.open) >= max(s.openLimit, pruneFloor) {
		s.open = keep(s.open, func(o *command.Outcome) bool { return !o.Ready })
		s.openLimit = 2 * len(s.open)
	}
	s.open = append(s.open, o)
}

func (s *scope) adopt(child *scope) {
	if s.err != nil {
		child.err, child.cause = s.err, s.cause
		return
	}
	if len(s.children) >= max(s.childLimit, pruneFloor) {
		s.children = keep(s.children, func(c *scope) bool { return c.err == nil })
		s.childLimit = 2 * len(s.children)
	}
	s.children = append(s.children, child)
}

// keep filters in place and clears what is left over.
func keep[T any](all []T, wanted func(T) bool) []T {
	kept := all[:0]
	for _, v := range all {
		if wanted(v) {
			kept = append(kept, v)
		}
	}
	clear(all[len(kept):])
	return kept
}

func (s *scope) doneChannel() *channel[struct{}] {
	if s.done == nil {
		s.done = &channel[struct{}]{closed: s.err != nil}
	}
	return s.done
}

// cancel marks s and all below it, withdraws what is unanswered in one call of
// the sink, which knows the order among kinds, and then wakes those who wait for
// Done. The others are woken by their answers.
func (s *scope) cancel(cause error) {
	if s.err != nil {
		return
	}
	s.x.mustIssue("cancel a context")
	if cause == nil {
		cause = Canceled
	}
	var reached []*scope
	open := s.mark(cause, &reached, nil)
	s.x.epoch++
	if len(open) > 0 {
		s.x.sink.Cancel(open...)
	}
	for _, r := range reached {
		if r.done != nil && !r.done.closed {
			r.done.Close()
		}
	}
}

func (s *scope) mark(cause error, reached *[]*scope, open []*command.Outcome) []*command.Outcome {
	s.err, s.cause = Canceled, cause
	*reached = append(*reached, s)
	for _, o := range s.open {
		if !o.Ready {
			open = append(open, o)
		}
	}
	for _, c := range s.children {
		if c.err == nil {
			open = c.mark(cause, reached, open)
		}
	}
	s.open, s.children = nil, nil
	return open
}
