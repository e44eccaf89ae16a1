package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Programs that are codecs, or should be.
const (
	rot13     = `printf 'ok %s\n' "$(printf %s "$text" | base64 -d | tr a-zA-Z n-za-mN-ZA-M | base64 | tr -d '\n')"`
	lazy      = "sleep 0.3; " + rot13
	refuses   = `printf 'error no key \033[31m[red]\342\200\256 of yours\n'`
	dies      = `echo 'the key \033[31m is gone' >&2; exit 3`
	babbles   = `echo '\033]0;you\007'`
	hanging   = `exec sleep 30`
	strangers = `printf 'ok %s\n' "$(printf '\033[31m[red]\342\200\256\302\2332J' | base64)"`
)

// sealing gives the console a codec that does this for each line.
func sealing(t *testing.T, script string, patience time.Duration) func(*Options) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no shell")
	}
	file := filepath.Join(t.TempDir(), "codec.sh")
	if err := os.WriteFile(file, []byte("while read -r _ text; do "+script+"; done"), 0o600); err != nil {
		t.Fatal(err)
	}
	process := codec.New([]string{"sh", file}, patience)
	t.Cleanup(process.Close)
	return func(o *Options) { o.Connection.Codec = process }
}

// opens waits until all that is seen is opened that can be: what is drawn asks for it.
func (p *player) opens() {
	p.Helper()
	for before := ""; before != p.screen(); p.settle() {
		before = p.screen()
		p.settle()
	}
}

// Wherever a payload is shown it is opened.
func TestPayloadsAreOpened(t *testing.T) {
	p := open(t, 120, 40, "order-8790", sealing(t, rot13, time.Minute))
	p.opens()
	p.sees(`OrderFill({"beqre":"beqre-8790"`, "ReserveStock({")
	p.not(`"order"`, "sealed")
	p.press("2", "g")
	p.opens()
	p.sees(`beqre: "beqre-8790"`) // the event beside it
	p.press("Enter")
	p.opens()
	p.sees("event 2", `beqre: "beqre-8790"`)
	p.inLoop(func() {
		if all := p.app.top().(copier).copies(); !strings.Contains(all[1].text, `"beqre"`) { //nolint:forcetypeassert // it is the event
			t.Errorf("%+v", all)
		}
	})
	p.press("Esc", "5", "G", "z", "g")
	p.opens()
	p.sees(`OrderFill({"beqre":"beqre-8790"`, `beqre: "beqre-8790"`)
	p.not("sealed")
	p.press("/", "dgl", "Enter")
	p.opens()
	p.sees("events that have dgl")
	p.press("Esc", "7")
	p.opens()
	p.sees("as they are stored", `"order":"order-87`)
}

// What an instance has not read yet is opened where it is shown.
func TestInboxIsOpened(t *testing.T) {
	p := play(t, 120, 40, sealing(t, rot13, time.Minute))
	p.to("kyc-5520")
	p.press("s", "Enter", `{"verdict":"fine"}`, "Enter", "ticket 12", "Enter", "Enter")
	p.opens()
	p.sees("sent to kyc-5520")
	p.press("Ctrl-R")
	p.opens()
	p.sees(`{"verdict":"fi`)
	p.open("kyc-5520")
	p.press("4")
	p.opens()
	p.sees(`{"verdict":"fine"}`)
}

// A codec that is slow is not waited for: what is shown says that it is sealed.
func TestSlowCodec(t *testing.T) {
	p := open(t, 120, 40, "order-8790", sealing(t, lazy, time.Minute))
	p.opens()
	p.sees(`OrderFill({"beqre":"beqre-8790"`) // in the end
	p.inLoop(func() { p.app.conn.Codec = nil })
	q := playOn(t, p.backend, p.clock, 120, 40, sealing(t, lazy, time.Minute))
	q.inLoop(func() { q.app.show(newDetail(q.app, p.get("order-8791"))) })
	for !strings.Contains(q.screen(), "activity ReserveStock(sealed)") {
		q.handled()
	}
	q.inLoop(q.app.back) // nobody waits for the rest
	q.settle()
}

// Codecs that don't work: the console goes on, and says why.
func TestCodecsThatDoNotWork(t *testing.T) {
	for _, c := range []struct{ name, script, says string }{
		{"refuses", refuses, "no key"}, {"dies", dies, "is gone"}, {"babbles", babbles, "neither ok nor error"}, {"hangs", hanging, "has not answered for 100ms"}, {"strangers", strangers, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t, 120, 40, "order-8790", sealing(t, c.script, 100*time.Millisecond))
			if c.script != strangers {
				p.opens()
				p.sees("activity ReserveStock(sealed)")
			}
			p.press("2", "g", "Enter")
			p.opens()
			p.sees(c.says)
			p.press("Esc", "5", "g")
			p.opens()
			p.sees(c.says)
			p.press("Esc")
			p.open("order-8790")
			p.everywhere(func(what string) { p.harmless(what, p.grid()) })
			if c.script == dies || c.script == hanging {
				p.press("2")
				p.opens()
				p.sees("values are sealed: the codec failed: sh has")
			}
		})
	}
}

// Only what is seen is opened.
func TestLongHistoryIsOpenedWhereItIsSeen(t *testing.T) {
	w := newWorkshop(t)
	var events []history.Event
	for n := range 3000 {
		events = append(events, history.Event{At: now, Body: history.SignalReceived{Name: fmt.Sprint("s", n), Arg: engine.Payload(fmt.Sprintf(`"nopq%d"`, n))}})
	}
	w.does(events...)
	p := playOn(t, w.b, w.clock, 120, 40, sealing(t, rot13, time.Minute))
	p.open(built)
	p.press("2")
	p.opens()
	p.sees(`"s2999" "abcd2999"`)
	p.press("g")
	p.opens()
	p.sees(`"s1" "abcd1"`)
	p.not("sealed")
	p.inLoop(func() {
		d, sealed := p.app.top().(*detail), 0 //nolint:forcetypeassert // it was opened
		for _, at := range d.log.Valued() {
			if d.log.Sealed(at) {
				sealed++
			}
		}
		if sealed < 2800 {
			t.Errorf("%d are sealed still", sealed)
		}
	})
}
