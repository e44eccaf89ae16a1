package tui

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/grid"
)

// Run shows the console on the terminal of the process until somebody quits or ctx
// ends. The terminal is as it was when Run returns, whatever happened; a panic is
// returned as a *CrashError.
func Run(ctx context.Context, o Options) error {
	terminal, err := tcell.NewScreen()
	if err != nil {
		return err
	}
	if err := terminal.Init(); err != nil {
		return err
	}
	defer terminal.Fini()
	a := newApp(ctx, o, terminal)
	if o.Mouse {
		terminal.EnableMouse()
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

// Frames come at once after a key, and no faster than this after answers.
const frameTime = time.Second / 20

// run is the loop.
func (a *app) run() (err error) {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	a.ctx = ctx
	defer a.queue.close()
	defer func() {
		if v := recover(); v != nil {
			err = &CrashError{Value: v, Stack: debug.Stack(), Actions: a.done}
		}
	}()
	ticks := newTicks(a.o.Refresh)
	defer ticks.stop()
	for !a.quit {
		if err := a.wait(ticks); err != nil {
			return err
		}
	}
	return nil
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
}

func newTicks(refresh time.Duration) *ticks {
	t := &ticks{frame: time.NewTimer(0)}
	if refresh > 0 {
		t.refresh, t.second = time.NewTicker(refresh), time.NewTicker(time.Second)
		t.refreshes, t.seconds = t.refresh.C, t.second.C
	}
	return t
}

func (t *ticks) stop() {
	t.frame.Stop()
	if t.refresh != nil {
		t.refresh.Stop()
		t.second.Stop()
	}
}

// wait does one thing that there is to do.
func (a *app) wait(t *ticks) error {
	select {
	case ev := <-a.events:
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
		a.draw(t)
	case <-t.refreshes:
		if !a.frozen {
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
		case ev = <-a.events:
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
	case *tcell.EventResize:
		a.redraw = true
	}
}

// draw draws the screen, and shows what differs from what the terminal has.
func (a *app) draw(t *ticks) {
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
