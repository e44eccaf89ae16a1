package tui

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
)

// ErrTerminal tells that the terminal can't show screens.
var ErrTerminal = errors.New("the terminal can't show screens")

// Run shows the console on the terminal of the process until somebody quits or ctx
// ends. The terminal is as it was when Run returns, whatever happened; a panic is
// returned as a *CrashError.
func Run(ctx context.Context, o Options) error {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	tcell.SetEncodingFallback(tcell.EncodingFallbackASCII) // who has another character set gets our ASCII signs
	defer debug.SetGCPercent(debug.SetGCPercent(garbageShare))
	terminal, err := tcell.NewScreen()
	if err == nil {
		err = terminal.Init()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTerminal, err)
	}
	undivert, diverted := divert(o.Getenv)
	restore := sync.OnceFunc(func() {
		terminal.Fini()
		if diverted == nil {
			undivert()
		}
	})
	defer restore()
	ended := make(chan struct{})
	go lastResort(ctx, restore, ended)
	err = show(ctx, o, terminal, diverted)
	close(ended)
	restore()
	return asCrash(err, o)
}

// show runs the console on a terminal.
func show(ctx context.Context, o Options, terminal tcell.Screen, diverted error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &CrashError{Value: v, Stack: debug.Stack()}
		}
	}()
	a := newApp(ctx, o, terminal)
	if diverted != nil { // then errors of libraries may disturb the screen, and Ctrl-L mends it
		a.log.note(diverted)
	}
	if o.Mouse {
		terminal.EnableMouse(tcell.MouseButtonEvents)
	}
	terminal.EnablePaste()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer a.catch()
		terminal.ChannelEvents(a.events, stop)
	}()
	return a.run()
}

// endTime is how long the loop has to end after ctx has ended.
const endTime = 500 * time.Millisecond

// lastResort restores the terminal if the loop is stuck when the program has to end.
func lastResort(ctx context.Context, restore func(), ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(endTime)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		restore()
	}
}

// Frames come at once after a key, and no faster than this after answers.
const frameTime = time.Second / 20

// run is the loop.
func (a *app) run() (err error) {
	defer a.cancel()
	defer a.queue.close()
	defer func() {
		if v := recover(); v != nil {
			err = &CrashError{Value: v, Stack: debug.Stack(), Actions: a.done}
		}
	}()
	ticks := newTicks(a.o.Refresh)
	defer ticks.stop()
	defer a.awaitEditor()
	a.draw(ticks) // before any answer: what is read depends on how much room there is
	for !a.quit && a.broken == nil {
		ticks.follow(a.o.Refresh)
		if err := a.wait(ticks); err != nil {
			return err
		}
	}
	if a.broken != nil {
		return a.hungUp()
	}
	return nil
}

// hungUp returns why the loop can't go on. A terminal that goes away sends a signal as
// well, which says it better.
func (a *app) hungUp() error {
	timer := time.NewTimer(endTime / 2)
	defer timer.Stop()
	select {
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	case <-timer.C:
		return a.broken
	}
}

// ticks are what the clock asks for.
type ticks struct {
	// refresh reads anew, second lets ages grow.
	refresh, second *time.Ticker
	refreshes       <-chan time.Time
	seconds         <-chan time.Time
	// frame draws what answers have changed.
	frame *time.Timer
	last  time.Time
	every time.Duration
}

func newTicks(refresh time.Duration) *ticks {
	t := &ticks{frame: time.NewTimer(frameTime)}
	t.frame.Stop() // until an answer has changed something
	t.follow(refresh)
	return t
}

// follow makes refreshes come as often as is wanted now.
func (t *ticks) follow(every time.Duration) {
	if t.every == every {
		return
	}
	if t.every = every; t.refresh != nil {
		t.refresh.Stop()
		t.refreshes = nil
	}
	if every > 0 {
		t.refresh = time.NewTicker(every)
		t.refreshes = t.refresh.C
	}
	if t.second == nil {
		t.second = time.NewTicker(time.Second)
		t.seconds = t.second.C
	}
}

func (t *ticks) stop() {
	t.frame.Stop()
	if t.refresh != nil {
		t.refresh.Stop()
	}
	if t.second != nil {
		t.second.Stop()
	}
}

// wait does one thing that there is to do.
func (a *app) wait(t *ticks) error {
	select {
	case ev, open := <-a.events:
		if !open {
			return errNoTerminal
		}
		a.burst(ev)
		a.draw(t)
	case <-a.queue.wake:
		for do, ok := a.queue.next(); ok; do, ok = a.queue.next() {
			do()
		}
		t.frame.Reset(max(0, frameTime-time.Since(t.last)))
	case <-t.frame.C:
		a.draw(t)
	case <-t.seconds:
		if a.lost.err != nil {
			a.refresh()
		}
		a.draw(t)
	case <-t.refreshes:
		if !a.frozen || a.lost.err != nil {
			a.refresh()
		}
	case crash := <-a.crashes:
		crash.Actions = a.done
		return crash
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
	return nil
}

// burst handles an event and all that wait behind it, so that a key that is held down
// costs a frame for each time the loop comes round and not for each repetition.
func (a *app) burst(ev tcell.Event) {
	for {
		a.event(ev)
		select {
		case next, open := <-a.events:
			if !open {
				a.broken = errNoTerminal
				return
			}
			ev = next
		default:
			return
		}
	}
}

func (a *app) event(ev tcell.Event) {
	switch ev := ev.(type) {
	case *tcell.EventKey:
		a.key(ev)
	case *tcell.EventMouse:
		a.pointer(ev)
	case *tcell.EventPaste:
		a.pasting(ev)
	case *tcell.EventResize:
		a.redraw = true
	case *tcell.EventError:
		a.broken = fmt.Errorf("reading the terminal: %w", ev)
	}
}

var errNoTerminal = errors.New("the terminal is gone")

// draw draws the screen, and shows what differs from what the terminal has.
func (a *app) draw(t *ticks) {
	if a.away != nil {
		return
	}
	w, h := a.terminal.Size()
	g := grid.New(w, h)
	a.paint(g)
	a.display(g)
	t.last = time.Now()
}

// display copies a grid to the terminal.
func (a *app) display(g *grid.Grid) {
	if a.redraw {
		a.terminal.Clear()
	}
	w, h := g.Size()
	for y := range h {
		for x := range w {
			c := g.At(x, y)
			if c.Text == "" && x > 0 && g.At(x-1, y).Wide() {
				continue
			}
			if c.Text == "" {
				c.Text = " "
			}
			a.terminal.Put(x, y, c.Text, a.o.Theme.style(c))
		}
	}
	if a.terminal.HideCursor(); g.Typing {
		a.terminal.ShowCursor(g.CursorX, g.CursorY)
	}
	if a.redraw {
		a.redraw = false
		a.terminal.Sync()
		return
	}
	a.terminal.Show()
}
