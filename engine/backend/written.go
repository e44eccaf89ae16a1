package backend

import "context"

type writtenKey struct{}

// OnWritten returns a ctx with which a write calls f, at most once, as soon as the
// store can take the next write, though this one is not durable and its outcome may
// still be unknown. A store need not call it. f must not block. It is for those who
// group writes: the next group begins while the disk is at work for this one.
func OnWritten(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, writtenKey{}, f)
}

// Written calls the function that was given to OnWritten, if any.
func Written(ctx context.Context) {
	if f, ok := ctx.Value(writtenKey{}).(func()); ok {
		f()
	}
}
