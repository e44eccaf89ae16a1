package workflow

import (
	"reflect"
	"runtime"
	"strings"
)

// Go starts f as a coroutine. It first runs when the calling coroutine waits or
// ends. A panic in it fails the workflow.
func Go(ctx Context, f func(ctx Context)) {
	ctx.exec().start(funcName(f), func() { f(ctx) })
}

// funcName returns the name of a function without its folder, for reports.
func funcName(f any) string {
	fn := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
	if fn == nil {
		return "coroutine"
	}
	name := fn.Name()
	return name[strings.LastIndexByte(name, '/')+1:]
}

// WaitGroup waits for a number of coroutines.
type WaitGroup interface {
	// Add adds delta, which may be negative, to the counter. It panics if that makes
	// the counter negative.
	Add(delta int)
	// Done takes one from the counter.
	Done()
	// Wait blocks until the counter is zero. If it is, it returns at once.
	Wait(ctx Context)
}

// NewWaitGroup returns a WaitGroup with a counter of zero.
func NewWaitGroup() WaitGroup { return &waitGroup{} }

type waitGroup struct{ n int }

func (w *waitGroup) Add(delta int) {
	w.n += delta
	if w.n < 0 {
		panic("workflow: the counter of a WaitGroup is negative")
	}
}

func (w *waitGroup) Done() { w.Add(-1) }

func (w *waitGroup) Wait(ctx Context) {
	if w.n > 0 {
		ctx.exec().wait(&until{"wait group", func() bool { return w.n == 0 }})
	}
}

// ErrGroup runs functions as coroutines and collects their first error.
type ErrGroup interface {
	// Go starts f as a coroutine, with the Context of the group.
	Go(f func(ctx Context) error)
	// Wait blocks until all functions have returned, cancels the Context of the
	// group, and returns the first error that one of them returned. It waits also
	// when ctx is canceled.
	Wait(ctx Context) error
}

// WithErrGroup returns an ErrGroup, and its Context, which is canceled with the
// first error as its Cause, or when Wait returns.
func WithErrGroup(ctx Context) (Context, ErrGroup) {
	gctx, cancel := WithCancelCause(ctx)
	return gctx, &errGroup{ctx: gctx, cancel: cancel}
}

type errGroup struct {
	ctx    Context
	cancel CancelCauseFunc
	wg     waitGroup
	err    error
}

func (g *errGroup) Go(f func(ctx Context) error) {
	g.wg.Add(1)
	g.ctx.exec().start(funcName(f), func() {
		err := f(g.ctx)
		if err != nil && g.err == nil {
			g.err = err
			g.cancel(err)
		}
		g.wg.Done()
	})
}

func (g *errGroup) Wait(ctx Context) error {
	g.wg.Wait(ctx)
	g.cancel(g.err)
	return g.err
}
