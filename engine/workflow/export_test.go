package workflow

// Tracked returns how many commands and contexts a cancellation of ctx would visit.
func Tracked(ctx Context) (open, children int) {
	s := ctx.scope()
	return len(s.open), len(s.children)
}

// Receivers returns how many receivers wait for a channel.
func Receivers[T any](c Channel[T]) int { return c.(*channel[T]).receivers.len() }
