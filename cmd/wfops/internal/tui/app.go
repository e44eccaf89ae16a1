package tui

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/command"
	"github.com/wfops/wfops/cmd/wfops/internal/grid"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Connection is a store that is open.
type Connection struct {
	// Name is what it is called on the screen, without secrets, and Kind the kind of
	// store.
	Name, Kind string
	Store      *ops.Store
	// Why it may write or not.
	Why string
	// Place is what Options.Connect has opened, or "". Protected, unless empty, is why it
	// is never opened for changes.
	Place, Protected string
	// Environment is what the store is used for: "production".
	Environment string
	// Instance, unless zero, is shown at once.
	Instance engine.Instance
	// Replayer is the program whose code histories are replayed with, or empty.
	Replayer string
	// Codec opens what is shown and seals what is sent, or is nil.
	Codec Codec
	// Close closes it.
	Close func() error
}

// Codec opens payloads, and seals the arguments of signals that are sent, as the programs
// of the store do. It may take its time.
type Codec interface {
	codec.Opener
	// Name is what it is called.
	Name() string
	Seal(ctx context.Context, plain engine.Payload) (engine.Payload, error)
}

// Options say how the console is to be.
type Options struct {
	// Connection is what is shown first; nil asks which.
	Connection *Connection
	Theme      Theme
	// ASCII uses no other characters for signs.
	ASCII bool
	Times view.TimeMode
	// Mouse takes the mouse from the terminal.
	Mouse bool
	// Refresh is how often what is shown is read anew; 0 means never.
	Refresh time.Duration
	// Patience is how long the store may take for an answer; 0 means for ever.
	Patience time.Duration
	// Places returns the stores that could be opened, Check tries one of them, and
	// Connect opens one, if asked for changes. They are called beside the loop, and any
	// of them may be nil. What Connect has opened closes by Connection.Close.
	Places  func(context.Context) ([]view.Place, error)
	Check   func(ctx context.Context, place string) view.Checked
	Connect func(ctx context.Context, place string, write bool) (*Connection, error)
	// Rest is how long a cursor rests before what it is on is read, see Rest.
	Rest time.Duration
	// Clock is this machine's; nil means time.Now.
	Clock func() time.Time
	// Getenv reads the environment.
	Getenv func(string) string
	// Profiles are the names of stores that the palette offers; nil if there are none.
	Profiles func() []string
}

// screen is one page of the console. All of its methods are called by the loop.
type screen interface {
	// scopes name its keys, innermost first.
	scopes() []command.Scope
	// title is its part of the way back.
	title() string
	// facts are what stands beside the way back, at the right.
	facts() []view.Cell
	// draw draws it. It may remember how much room there was.
	draw(grid.Area, view.Options)
	// do does what a move or command is called, if that means something here.
	do(name string) bool
	// refresh begins to read anew what is shown.
	refresh()
	// chosen are the instances that a command is about.
	chosen() []backend.Summary
}

// able screens say which of the moves that mean the same everywhere mean something on
// them now. What means nothing is in no hint, help or palette.
type able interface{ can(name string) bool }

// argued screens take arguments that are typed behind a colon.
type argued interface {
	doWith(name string, args []string) bool
}

// app is the console while it runs. Only the loop touches it, but for queue, busy and
// crashes.
type app struct {
	o        Options
	ctx      context.Context
	cancel   context.CancelFunc
	terminal tcell.Screen
	events   chan tcell.Event
	queue    *queue
	crashes  chan *CrashError
	// busy counts what is under way, and events that have not been handled.
	busy    atomic.Int64
	errands map[errand]*running
	bind    bindings

	conn    *Connection
	counted counted
	stack   []screen
	log     *callLog
	// over takes all keys while it is there: a line that is typed, a question.
	over overlay
	frame
	done []string // the last actions, for a crash
	quit bool
	// broken is why the console can't go on.
	broken error
	// pasted gathers what is pasted, while it is; pressed are the buttons that are held.
	pasted  *strings.Builder
	pressed tcell.ButtonMask
	// away, unless nil, is closed when another program gives the terminal back.
	away   chan struct{}
	change *changing
	past   recall
}

// overlay is what takes the keys from a screen for a while.
type overlay interface {
	// key handles one, and reports whether the overlay is done.
	key(*tcell.EventKey) (done bool)
	// draw draws it over the screen; foot is the last two lines.
	draw(all, foot grid.Area, o view.Options)
}

func newApp(ctx context.Context, o Options, terminal tcell.Screen) *app {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	a := &app{
		o: o, terminal: terminal, events: make(chan tcell.Event, 64), queue: newQueue(), crashes: make(chan *CrashError, 1),
		errands: map[errand]*running{}, bind: bind(), log: newCallLog(o.Clock),
	}
	a.ctx, a.cancel = context.WithCancel(ctx)
	if o.Connection != nil {
		a.connected(o.Connection)
	} else {
		a.openConnections()
	}
	return a
}

// connected shows a store.
func (a *app) connected(c *Connection) {
	a.conn = c
	c.Store.Observe(a.log.called)
	a.lost, a.stack = lost{}, nil
	a.show(newList(a))
	if c.Instance != (engine.Instance{}) {
		a.show(newDetail(a, backend.Summary{Instance: c.Instance}))
	}
}

func (a *app) top() screen { return a.stack[len(a.stack)-1] }

// show goes to a screen, from which Esc leads back.
func (a *app) show(s screen) {
	a.stack = append(a.stack, s)
	s.refresh()
}

// back leaves a screen. The first one stays: Esc never quits.
func (a *app) back() {
	if len(a.stack) < 2 {
		return
	}
	a.dropAll(a.top())
	a.stack[len(a.stack)-1] = nil // it may hold much
	a.stack = a.stack[:len(a.stack)-1]
	a.spawn(giveBack)
	a.top().refresh()
}

// now is the store's time.
func (a *app) now() time.Time {
	if a.conn == nil {
		return a.o.Clock()
	}
	return a.conn.Store.Clock()
}

func (a *app) options() view.Options {
	return view.Options{Now: a.now(), ASCII: a.o.ASCII, Times: a.o.Times}
}

// key handles a key.
func (a *app) key(ev *tcell.EventKey) {
	if ev.Key() == tcell.KeyCtrlC && a.pasted == nil {
		a.interrupt()
		return
	}
	if a.leaving = false; a.over == nil {
		a.toast = view.Cell{} // it has been there to be read
	}
	if a.pasted != nil {
		a.gather(ev)
		return
	}
	if a.over != nil {
		if over := a.over; over.key(ev) && a.over == over {
			a.over = nil
		}
		return
	}
	if name, ok := a.bind.action(keyName(ev), a.top().scopes()); ok {
		a.do(name)
	}
}

// interrupt cancels what runs, and quits if it is asked for again.
func (a *app) interrupt() {
	switch {
	case a.over != nil:
		a.over = nil
	case a.drop(errand{nil, targeting}):
		a.say(view.Waiting, "canceled: nothing was done")
	case a.change != nil:
		a.change.stop()
	case a.leaving:
		a.quit = true
	case a.dropAll(a.top()): // which may have been a refresh that nobody knows of
		a.leaving = true
		a.say(view.Waiting, "canceled; Ctrl-C again quits")
	default:
		a.leaving = true
		a.say(view.Waiting, "Ctrl-C again quits")
	}
}

// remembered is how many actions a crash tells.
const remembered = 50

// do does what a move or a command is called.
func (a *app) do(name string) { a.doWith(name, nil) }

// doWith does what a move or a command is called. The screen comes first: it knows
// best.
func (a *app) doWith(name string, args []string) {
	if a.done = append(a.done, name); len(a.done) > remembered {
		a.done = a.done[1:]
	}
	s, takes := a.top().(argued)
	switch {
	case len(args) == 0 && a.top().do(name), takes && s.doWith(name, args):
	case a.general(name, args...), a.around(name, args), a.about(name, args):
	default:
		a.say(view.Muted, meaningless(name))
	}
}

// general does what means the same on every screen.
func (a *app) general(name string, args ...string) bool {
	switch name {
	case "back":
		a.back()
	case "quit":
		a.retreat()
	case "palette":
		a.over = newPalette(a, strings.Join(args, " "))
	case "refresh":
		a.top().refresh()
	case "freeze":
		a.frozen = !a.frozen
	case "times":
		a.o.Times = (a.o.Times + 1) % (view.Local + 1)
	case "redraw":
		a.redraw = true
	case "mouse":
		a.mouse(!a.o.Mouse)
	case "queues", "workers", "health":
		return a.openService(name)
	case "ctx":
		return a.openConnections(args...)
	case "diff":
		return a.openDiff(args...)
	case "replay":
		return a.openReplay(args...)
	case "why":
		return a.openWhy(args...)
	default:
		return false
	}
	return true
}
