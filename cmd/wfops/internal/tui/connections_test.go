package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/memory"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

var errUnreachable = errors.New("opening mysql://app:••••@db-9:3306/wf: dial tcp 10.2.0.9:3306: connect: no route to host; is the network up, and the name of the host right?")

// world is what there is to connect to: two stores that can be opened, and one that
// can't be reached.
type world struct {
	*testing.T

	stores map[string]backend.Backend
	clock  func() time.Time
	// reached, unless nil, is closed when somebody tries the one that can't be reached,
	// and answer lets it fail.
	reached, answer chan struct{}

	mu     sync.Mutex
	events []string // what was opened and closed
}

func newWorld(t *testing.T) (*world, func(*Options)) {
	t.Helper()
	sick, clock := unwell(t)
	well, _ := healthy(t)
	w := &world{T: t, stores: map[string]backend.Backend{"prod": sick, "staging": well}, clock: clock.Now}
	return w, func(o *Options) {
		o.Connection, o.Places, o.Check, o.Connect, o.Clock = nil, w.places, w.check, w.connect, clock.Now
	}
}

func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, what)
}

func (w *world) happened() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.events, ", ")
}

func (*world) places(context.Context) ([]view.Place, error) {
	const why = "stores on servers are, unless --write is given or their profile says mode: rw"
	return []view.Place{
		{Name: "prod", From: "profile", Kind: "mysql", Target: "mysql://app:••••@db-3:3306/wf", Why: why, Password: "variable PROD_PASSWORD", Source: "/home/ana/.config/wfops/config.yaml:3", Replayer: "/srv/worker", Environment: "production"},
		{Name: "staging", From: "profile", Kind: "postgres", Target: "postgres://app:••••@db-4/wf", Writable: true, Why: "profile staging says mode: rw", Password: "command pass", Source: "/home/ana/.config/wfops/config.yaml:6"},
		{Name: "standby", From: "profile", Kind: "mysql", Target: "mysql://app:••••@db-9:3306/wf", Why: why, Source: "/home/ana/.config/wfops/config.yaml:9"},
		{Name: "wrong", From: "profile", Kind: "redis", Target: "redis://db-5/1", Why: why, Source: "/home/ana/.config/wfops/config.yaml:12", Problem: errors.New("the password of profile wrong: PW is not set")},
		{Name: "./app.db", From: "this folder", Kind: "sqlite", Target: "./app.db", Writable: true, Why: "it is on this machine", Quick: true},
		{Name: "./evil\x1b[31m[red].wfh", From: "this folder", Kind: "history", Target: "./evil\x1b[31m[red].wfh", Why: "exported histories can't be changed", Quick: true},
	}, nil
}

func (w *world) check(ctx context.Context, place string) view.Checked {
	switch place {
	case "standby":
		if w.reached != nil {
			close(w.reached)
			select {
			case <-w.answer:
			case <-ctx.Done():
				return view.Checked{Err: ctx.Err()}
			}
		}
		return view.Checked{Err: errUnreachable}
	case "./app.db":
		return view.Checked{Summary: "1 worker, 412 instances", Checks: []view.Check{{Name: "reachable", Style: view.Good, Text: "answers in 1ms"}, {Name: "clock", Style: view.Waiting, Text: "3s off this machine's"}}}
	}
	return view.Checked{Summary: "2 workers, 41,208 instances", Checks: []view.Check{{Name: "reachable", Style: view.Good, Text: "answers in 1ms"}, {Name: "schema", Style: view.Good, Text: "14, which this wfops understands"}}}
}

func (w *world) connect(ctx context.Context, place string, write bool) (*Connection, error) {
	b, ok := w.stores[place]
	if !ok {
		if w.reached != nil {
			close(w.reached)
			select {
			case <-w.answer:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return nil, errUnreachable
	}
	mode := map[bool]string{false: "ro", true: "rw"}[write]
	w.note("open " + place + " " + mode)
	store := ops.New(b, ops.Options{ReadOnly: !write, By: "ana@host-9", Clock: w.clock})
	if _, err := store.Info(ctx); err != nil {
		return nil, err
	}
	c := &Connection{Name: place, Kind: "memory", Store: store, Why: "nobody asked for more", Place: place, Close: func() error { w.note("close " + place + " " + mode); return nil }}
	if place == "prod" {
		c.Environment = "production"
	} else {
		c.Protected = "staging is for looking only"
	}
	return c, nil
}

func (w *world) play(width, height int, change func(*Options)) *player {
	w.Helper()
	_, clock := healthy(w.T)
	return playOn(w.T, w.stores["prod"], clock, width, height, change)
}

func TestConnectionsLook(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			w, change := newWorld(t)
			p := w.play(size[0], size[1], change)
			p.golden(fmt.Sprintf("connections_%d", size[0]))
			p.press("Ctrl-T", "j", "j")
			p.golden(fmt.Sprintf("connections_tried_%d", size[0]))
		})
	}
	t.Run("ascii", func(t *testing.T) {
		w, change := newWorld(t)
		p := w.play(80, 24, func(o *Options) { change(o); o.ASCII = true })
		p.press("Ctrl-T", "G", "k")
		p.golden("connections_ascii")
	})
	t.Run("nothing", func(t *testing.T) {
		w, change := newWorld(t)
		p := w.play(80, 24, func(o *Options) {
			change(o)
			o.Places = func(context.Context) ([]view.Place, error) { return nil, nil }
		})
		p.golden("connections_nothing")
		p.press("Enter", "t", "Ctrl-T", "j", "G", "Esc", "H", "Q", "P", "Esc")
		p.sees("There is no profile")
	})
}

func TestSwitchToAnotherStoreAndBack(t *testing.T) {
	w, change := newWorld(t)
	p := w.play(120, 40, change)
	p.sees("no connection", "connections")
	p.press("Esc", "Esc") // leads nowhere, and does not quit
	p.press("Enter")
	p.sees("prod (memory) production RO", "order-8702", "1 blocked")
	p.press("P", "j", "Enter")
	p.sees("staging (memory) RO", "order-1", "0 blocked")
	p.press("H")
	p.sees("nothing is wrong")
	p.press(":", "ctx prod", "Enter")
	p.sees("prod (memory) production RO", "order-8702", "1 blocked")
	if got, want := w.happened(), "open prod ro, open staging ro, close prod ro, open prod ro, close staging ro"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAnotherStoreThatCannotBeReached(t *testing.T) {
	w, change := newWorld(t)
	p := w.play(80, 24, change)
	p.press("Enter", "P", "j", "j")
	w.reached, w.answer = make(chan struct{}), make(chan struct{})
	p.app.events <- events("Enter")[0]
	comes(t, "the call that connects", w.reached)
	p.sees("connecting to standby...", "prod (memory)") // and keys are answered meanwhile
	p.app.events <- events("k")[0]
	p.app.events <- events("j")[0]
	p.handled()
	close(w.answer)
	p.settle()
	p.sees("prod (memory)", "no route to host; is the network up, and the name of the", "standby: opening mysql")
	p.press("Esc")
	p.sees("order-8702", "prod (memory)")
	if got, want := w.happened(), "open prod ro"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A connection that was given up while it was made is closed, and changes nothing.
func TestConnectingIsGivenUp(t *testing.T) {
	for _, key := range []string{"Ctrl-C", "Esc"} {
		w, change := newWorld(t)
		p := w.play(80, 24, change)
		p.press("Enter", "P", "j", "j")
		w.reached, w.answer = make(chan struct{}), make(chan struct{})
		p.app.events <- events("Enter")[0]
		comes(t, "the call that connects", w.reached)
		p.press(key)
		if screen := p.screen(); strings.Contains(screen, "no route") {
			t.Errorf("%s: the error of what was given up is shown:\n%s", key, screen)
		}
		p.sees("prod (memory)")
	}
}

func TestAnswerThatNobodyHearsIsGivenBack(t *testing.T) {
	p := play(t, 80, 24, nil)
	given, goOn := make(chan int, 2), make(chan struct{})
	p.inLoop(func() {
		read := func(value int) func(context.Context) (int, error) {
			return func(context.Context) (int, error) { <-goOn; return value, nil }
		}
		heard := func(int, error) {}
		askFor(p.app, p.app.top(), "x", read(1), heard, func(v int) { given <- v })
		askFor(p.app, p.app.top(), "x", read(2), heard, func(v int) { given <- v })
	})
	close(goOn)
	p.settle()
	if len(given) != 1 || <-given != 1 {
		t.Error("the first answer was not given back, or the second was")
	}
}

func TestOpenForChanges(t *testing.T) {
	w, change := newWorld(t)
	p := w.play(100, 30, change)
	write := func() { p.press(":", "write", "Enter") }
	write()
	p.sees("there is no connection yet")
	p.press("Enter", "j", "H")
	p.sees("RO")
	write()
	p.sees("to allow changes type prod:")
	p.press("yes", "Enter")
	p.sees("it stays read-only", " RO ")
	write()
	p.press("prod", "Esc")
	p.sees(" RO ")
	write()
	p.press("prod", "Enter")
	p.sees("prod can be changed now", " RW ", "health") // where it was asked for
	p.press("Esc")
	p.sees("order-8702")
	write()
	p.sees("it can be changed already")
	p.press(":", "ctx staging", "Enter")
	write()
	p.sees("staging is for looking only")
	if got, want := w.happened(), "open prod ro, open prod rw, close prod ro, open staging ro, close prod rw"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFilesAreTriedAtOnceAndServersWhenAsked(t *testing.T) {
	w, change := newWorld(t)
	p := w.play(120, 40, change)
	p.press("G", "k")
	p.sees("412 instances", "3s off this machine's")
	p.press("g")
	p.sees("not tried yet: t tries it")
	p.press("t")
	p.sees("41,208 instances")
	p.press("j")
	p.sees("not tried")
	p.press("Ctrl-R", "k")
	p.sees("not tried yet")
}

func TestPlaceUnderTheCursorStays(t *testing.T) {
	w, change := newWorld(t)
	all, _ := w.places(t.Context())
	p := w.play(120, 40, func(o *Options) {
		change(o)
		o.Places = func(context.Context) ([]view.Place, error) { return all, nil }
	})
	p.press("j")
	p.inLoop(func() { all = all[1:] })
	p.press("Ctrl-R")
	p.inLoop(func() {
		if c := p.app.top().(*connections); c.current().Name != "staging" {
			t.Errorf("the cursor was on staging and is on %s", c.current().Name)
		}
	})
}

// What the connection was typed with is not shown.
func TestTypedSecretsAreNotShown(t *testing.T) {
	w, change := newWorld(t)
	p := w.play(120, 40, change)
	p.press(":", "ctx mysql://app:hunter2@db/wf", "Enter")
	p.sees("mysql://...: opening")
	if strings.Contains(p.screen(), "hunter2") {
		t.Errorf("the password is on the screen:\n%s", p.screen())
	}
}

// A file that another one has taken the place of is opened anew, when that is possible;
// until then the store is lost. What was shown and asked was about the one before.
func TestReplacedFileIsOpenedAnew(t *testing.T) {
	var replaced, openable atomic.Bool
	clock := opstest.NewClock(now)
	before, after := memory.New(memory.WithClock(clock.Now)), memory.New(memory.WithClock(clock.Now))
	opstest.Shop(t, before, clock, now)
	opens, closed := 0, make(chan bool, 1)
	p := playOn(t, intercept.New(before, func(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
		if replaced.Load() {
			return ops.ErrReplaced
		}
		return next(ctx)
	}), clock, 80, 24, func(o *Options) {
		o.Connection.Place, o.Connection.Close = "./shop.db", func() error { closed <- true; return nil }
		o.Connect = func(_ context.Context, place string, write bool) (*Connection, error) {
			if opens++; place != "./shop.db" || !write {
				t.Errorf("opened %s, %v", place, write)
			}
			if !openable.Load() {
				return nil, errors.New("shop.db is not a store")
			}
			return &Connection{Name: "shop", Kind: "memory", Store: ops.New(after, ops.Options{Clock: clock.Now}), Place: place}, nil
		}
	})
	p.to("kyc-5520")
	p.press("Enter", "s")
	replaced.Store(true)
	for range 3 { // refreshes that come too early ask for nothing
		p.inLoop(func() { p.app.refresh() })
		p.settle()
	}
	p.press("Esc", "j")
	p.sees("NO ANSWER from the store, try 2", "shop.db is not a store", "kyc-5520")
	if opens != 1 {
		t.Errorf("opened %d times", opens)
	}
	openable.Store(true)
	clock.Set(now.Add(time.Minute))
	p.press("s")
	p.sees(whyLost)
	p.inLoop(func() { p.app.refresh() })
	p.settle()
	p.sees("the file was replaced by another one, which is shown now", "workflows", "no instances")
	p.misses("NO ANSWER", "kyc-5520")
	comes(t, "the end of the old connection", closed)
}
