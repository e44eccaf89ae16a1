package workflow

// Context carries cancellation and values through workflow code, and gives access
// to the execution that it belongs to. It is what context.Context is to ordinary
// code, and is made only by this package.
type Context interface {
	// Done returns a channel that is closed when the Context is canceled. Use it
	// with Receive in a Select.
	Done() Channel[struct{}]
	// Err returns nil until the Context is canceled, and then Canceled.
	Err() error
	// Value returns the value that WithValue or a ContextPropagator stored for key,
	// or nil.
	Value(key any) any

	exec() *execution
	// scope returns what a cancellation reaches, or nil if none ever comes.
	scope() *scope
}

// CancelFunc cancels a Context. Calling it again does nothing.
type CancelFunc func()

// CancelCauseFunc cancels a Context and says why. Calling it again does nothing.
type CancelCauseFunc func(cause error)

// WithCancel returns a copy of parent that is canceled by cancel, or with parent.
func WithCancel(parent Context) (ctx Context, cancel CancelFunc) {
	c := newCancelCtx(parent)
	return c, func() { c.s.cancel(nil) }
}

// WithCancelCause is WithCancel with a reason, which Cause returns.
func WithCancelCause(parent Context) (ctx Context, cancel CancelCauseFunc) {
	c := newCancelCtx(parent)
	return c, c.s.cancel
}

// Cause returns nil until c is canceled, and then the reason: what was given to
// the CancelCauseFunc, what the request to cancel the instance said, or Canceled.
func Cause(c Context) error {
	if s := c.scope(); s != nil {
		return s.cause
	}
	return nil
}

// WithValue returns a copy of parent in which key has the value val. Keys are
// compared like those of context.WithValue.
func WithValue(parent Context, key, val any) Context {
	return &valueCtx{Context: parent, key: key, val: val}
}

// NewDisconnectedContext returns a Context with the values of ctx that a
// cancellation of ctx does not reach, for cleaning up.
func NewDisconnectedContext(ctx Context) Context {
	return &disconnectedCtx{Context: ctx}
}

// rootCtx has no values and is never canceled.
type rootCtx struct{ x *execution }

func (c *rootCtx) Done() Channel[struct{}] { return c.x.never() }
func (c *rootCtx) Err() error              { return nil }
func (c *rootCtx) Value(any) any           { return nil }
func (c *rootCtx) exec() *execution        { return c.x }
func (c *rootCtx) scope() *scope           { return nil }

type valueCtx struct {
	Context
	key, val any
}

func (c *valueCtx) Value(key any) any {
	if c.key == key {
		return c.val
	}
	return c.Context.Value(key)
}

type disconnectedCtx struct{ Context }

func (c *disconnectedCtx) Done() Channel[struct{}] { return c.exec().never() }
func (c *disconnectedCtx) Err() error              { return nil }
func (c *disconnectedCtx) scope() *scope           { return nil }

type cancelCtx struct {
	Context
	s *scope
}

func newCancelCtx(parent Context) *cancelCtx {
	c := &cancelCtx{Context: parent, s: &scope{x: parent.exec()}}
	if p := parent.scope(); p != nil {
		p.adopt(c.s)
	}
	return c
}

func (c *cancelCtx) Done() Channel[struct{}] { return c.s.doneChannel() }
func (c *cancelCtx) Err() error              { return c.s.err }
func (c *cancelCtx) scope() *scope           { return c.s }
