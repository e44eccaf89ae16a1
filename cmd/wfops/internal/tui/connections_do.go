package tui

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// connectTo opens a place, and leaves the store that is open once that has worked.
// Ctrl-C and Esc give it up.
func (a *app) connectTo(place string, write bool) {
	connect := a.o.Connect
	if connect == nil {
		a.say(view.Bad, "there is nothing else to connect to")
		return
	}
	a.say(view.Waiting, "connecting to "+shown(place)+"...")
	askFor(a, a.top(), "connect", func(ctx context.Context) (*Connection, error) {
		c, err := connect(ctx, place, write)
		if err == nil && c == nil {
			err = errors.New("nothing was opened")
		}
		return c, err
	}, func(c *Connection, err error) {
		switch {
		case err != nil:
			a.unconnected(place, err)
		case write:
			a.reopened(c)
		default:
			a.switchTo(c)
			a.say(view.Good, "connected to "+c.Name)
		}
	}, func(c *Connection) { _ = c.close() })
}

// shown is a place without what may be a secret, if somebody has typed a connection
// string.
func shown(place string) string {
	if scheme, _, found := strings.Cut(place, "://"); found {
		return scheme + "://..."
	}
	return place
}

// unconnected says why a place could not be opened: in a line, and in full beside the
// place if that is on the screen.
func (a *app) unconnected(place string, err error) {
	a.say(view.Bad, shown(place)+": "+err.Error())
	if c, ok := a.top().(*connections); ok {
		c.tried[place] = view.Trial{Done: true, Checked: view.Checked{Err: err}}
	}
}

// switchTo shows another store.
func (a *app) switchTo(c *Connection) {
	old := a.disconnect()
	a.connected(c)
	a.closeBeside(old)
}

// reopened goes on with the store that is shown, over a new connection.
func (a *app) reopened(c *Connection) {
	old := a.disconnect()
	a.conn = c
	c.Store.Observe(a.log.called)
	a.closeBeside(old)
	a.top().refresh()
	if c.Store.ReadOnly() {
		a.say(view.Bad, "it is still read-only: "+c.Why)
		return
	}
	a.say(view.Attention, c.Name+" can be changed now")
}

// reopens opens the store anew in whose place there is another one, and reports whether
// that is possible. What was shown is of the one before, so it begins with the list.
func (a *app) reopens() bool {
	c, connect := a.conn, a.o.Connect
	if c.Place == "" || connect == nil {
		return false
	}
	if a.underWay(nil, "reopen") {
		return true
	}
	askFor(a, nil, "reopen", func(ctx context.Context) (*Connection, error) {
		return connect(ctx, c.Place, !c.Store.ReadOnly())
	}, func(other *Connection, err error) {
		if err != nil {
			a.heardOf(err)
			return
		}
		a.over = nil
		a.switchTo(other)
		a.say(view.Attention, "the file was replaced by another one, which is shown now")
	}, func(other *Connection) { _ = other.close() })
	return true
}

// disconnect forgets what was asked and is known of the store that is open, and returns it.
func (a *app) disconnect() *Connection {
	for _, s := range a.stack {
		a.dropAll(s)
	}
	a.dropAll(nil)
	a.counted, a.lost = counted{}, lost{}
	return a.conn
}

// closeBeside closes a connection. It waits for calls in progress, and nobody waits for
// it.
func (a *app) closeBeside(c *Connection) {
	if c == nil {
		return
	}
	a.spawn(func() {
		if err := c.close(); err != nil {
			a.queue.post("", func() { a.say(view.Waiting, "closing "+c.Name+": "+err.Error()) })
		}
	})
}

func (c *Connection) close() error {
	if c == nil || c.Close == nil {
		return nil
	}
	return c.Close()
}

// openForChanges asks for the name of what is open, and opens it anew so that it can be
// changed.
func (a *app) openForChanges() bool {
	switch c := a.conn; {
	case c == nil:
		a.say(view.Waiting, "there is no connection yet")
	case !c.Store.ReadOnly():
		a.say(view.Muted, "it can be changed already: "+c.Why)
	case c.Protected != "":
		a.say(view.Bad, c.Protected)
	case c.Place == "" || a.o.Connect == nil:
		a.say(view.Bad, "it can't be opened anew: "+c.Why)
	default:
		a.askForChanges(c)
	}
	return true
}

// opensForChanges reports whether what is read-only now need not be.
func (a *app) opensForChanges() bool {
	c := a.conn
	return c != nil && c.Store.ReadOnly() && c.Protected == "" && c.Place != "" && a.o.Connect != nil
}

// plainName can be typed as it is.
var plainName = regexp.MustCompile(`^[\w.-]+$`)

func (a *app) askForChanges(c *Connection) {
	word := c.Place
	if !plainName.MatchString(word) { // a connection string is not for typing
		word = c.Kind
	}
	a.over = newPrompt(fmt.Sprintf("to allow changes type %s: ", word), "", func(text string, final bool) {
		switch {
		case !final:
		case strings.TrimSpace(text) == word:
			a.connectTo(c.Place, true)
		default:
			a.say(view.Muted, "it stays read-only")
		}
	})
}

// environment is what the store is used for.
func (a *app) environment() view.Cell {
	text, style := a.conn.Environment, view.Muted
	if text == "" {
		return view.Cell{}
	}
	if strings.HasPrefix(strings.ToLower(text), "prod") {
		style = view.Attention
	}
	return view.Cell{Text: " " + text, Style: style}
}
