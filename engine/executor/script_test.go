package executor_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/history"
)

// TestScripts runs the files in testdata. A file holds blocks: commands, a line of
// dashes, and what the commands print, up to an empty line. Lines that begin with
// # are comments. The commands are:
//
//	set strict|parent|deadline|max-events|outside VALUE
//	start FLOW ARGS…     makes the first step, of a flow in the table flows
//	next                 makes the first step of the execution that follows
//	task                 makes a step of the events in the indented lines below
//	EVENT                makes a step of one event
//	advance DURATION     moves the clock, which also moves 1 s with each step
//	switch FLOW          replays with other code, and goes on with it
//	replay-as FLOW       replays with other code and prints why it is blocked
//	replay-to SEQ FLOW   the same for a part of the history
//	replay               replays with the code that made the history
//	pending              prints the activities without an answer
//
// and the events, which start and next take too, in indented lines:
//
//	activity REF ok JSON | activity REF fail TEXT | activity REF permanent TEXT
//	attempt REF N TEXT
//	timer REF
//	child REF ok JSON | child REF STATUS TEXT | child REF taken
//	sent REF ok | sent REF fail
//	signal NAME JSON | signals NAME FROM TO
//	dropped REASON
//	cancel REASON
//	timeout
//
// At the end of each script all prefixes of the history are replayed.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	t.Helper()
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	after := rewritten(t, string(before))
	if *rewrite {
		if err := os.WriteFile(file, []byte(after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, want := strings.Split(after, "\n"), strings.Split(string(before), "\n")
	for i := range got {
		if i >= len(want) || got[i] != want[i] {
			t.Fatalf("%s:%d differs\n got %s\nwant %s", file, i+1, strings.Join(got[i:min(i+6, len(got))], "\n     "),
				strings.Join(want[min(i, len(want)):min(i+6, len(want))], "\n     "))
		}
	}
	if len(want) > len(got) {
		t.Fatalf("%s:%d: more lines than expected", file, len(got)+1)
	}
}

const dashes = "----"

// rewritten returns the script with the output that it has now.
func rewritten(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	sc := &script{t: t, out: &out}
	defer sc.end()
	var block []string
	skipping := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case skipping && line != "":
			continue
		case line == dashes:
			fmt.Fprintln(&out, line)
			sc.block(block)
			block, skipping = nil, true
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			block = append(block, line)
		}
		skipping = false
		fmt.Fprintln(&out, line)
	}
	if len(block) > 0 {
		t.Fatalf("commands without a line of dashes below: %q", block)
	}
	return out.String()
}

// script is the state of a script: the session of the current execution.
type script struct {
	t    *testing.T
	out  *strings.Builder
	opts options
	s    *session
	flow string
}

// end proves what the execution came to.
func (sc *script) end() {
	if sc.s != nil {
		sc.s.verify()
	}
}

func (sc *script) block(lines []string) {
	sc.t.Helper()
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && strings.HasPrefix(lines[n], " ") {
			n++
		}
		sc.command(lines[0], lines[1:n])
		lines = lines[n:]
	}
}

func (sc *script) command(line string, below []string) {
	sc.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "set":
		sc.set(rest)
	case "start":
		sc.start(rest, below)
	case "next":
		sc.next(below)
	case "task":
		sc.step(sc.events(below)...)
	case "advance":
		sc.s.now = sc.s.now.Add(sc.duration(rest))
	case "switch":
		sc.blocked(sc.s.switchTo(sc.flowOf(rest)))
	case "replay":
		sc.replay(len(sc.s.history), sc.s.flow)
	case "replay-as":
		sc.replay(len(sc.s.history), sc.flowOf(rest))
	case "replay-to":
		seq, flow, _ := strings.Cut(rest, " ")
		sc.replay(int(sc.int(seq)), sc.flowOf(flow))
	case "pending":
		for _, p := range sc.s.x.Pending() {
			fmt.Fprintf(sc.out, "#%d %s attempt %d since %s\n", p.Ref, p.Body.Name, p.Attempt, since(p.Scheduled))
		}
	default:
		sc.step(sc.events([]string{line})...)
	}
}

func (sc *script) set(line string) {
	sc.t.Helper()
	key, value, _ := strings.Cut(line, " ")
	switch key {
	case "strict":
		sc.opts.strict = value != "off"
		if sc.s != nil {
			sc.s.opts.strict = sc.opts.strict
		}
	case "deadline":
		sc.opts.deadline = sc.duration(value)
	case "parent":
		sc.opts.parent = value != "off"
	case "max-events":
		sc.opts.maxEvents = sc.int(value)
	case "outside":
		outside = int(sc.int(value))
	default:
		sc.t.Fatalf("unknown setting %q", key)
	}
}

func (sc *script) flowOf(name string) any {
	sc.t.Helper()
	flow, ok := flows[name]
	if !ok {
		sc.t.Fatalf("unknown flow %q", name)
	}
	return flow
}

func (sc *script) start(line string, below []string) {
	sc.t.Helper()
	sc.end()
	name, rest, _ := strings.Cut(line, " ")
	sc.s, sc.flow = newSession(sc.t, name, sc.flowOf(name), sc.opts), name
	var args []any
	for a := range strings.FieldsSeq(rest) {
		args = append(args, json.RawMessage(a))
	}
	sc.step(append([]history.Event{sc.s.started(args...)}, sc.events(below)...)...)
}

func (sc *script) next(below []string) {
	sc.t.Helper()
	sc.end()
	n := sc.s.last.Next
	now, flow := sc.s.now, sc.s.flow
	sc.s = newSession(sc.t, sc.flow, flow, sc.opts)
	sc.s.inst, sc.s.now = n.Instance, now
	sc.s.x.Close()
	sc.s.x = sc.s.executor(flow)
	events := []history.Event{sc.s.event(0, n.Started)}
	if n.Cancel != nil {
		events = append(events, sc.s.event(0, *n.Cancel))
	}
	sc.step(append(events, sc.events(below)...)...)
}

func (sc *script) step(events ...history.Event) {
	sc.t.Helper()
	step, blocked := sc.s.apply(events...)
	sc.s.now = sc.s.now.Add(time.Second)
	if blocked != nil {
		sc.blocked(blocked)
		return
	}
	printStep(sc.out, step)
}

func (sc *script) replay(to int, flow any) {
	sc.t.Helper()
	x, blocked := sc.s.replay(flow, sc.s.history[:to])
	if blocked == nil {
		for _, w := range x.Warnings() {
			fmt.Fprintf(sc.out, "warning: %s\n", normal(w.Message))
		}
		x.Close()
	}
	sc.blocked(blocked)
}

func (sc *script) blocked(b *executor.BlockedError) {
	if b == nil {
		fmt.Fprintln(sc.out, "ok")
		return
	}
	printBlocked(sc.out, b)
}

func (sc *script) events(lines []string) []history.Event {
	sc.t.Helper()
	var events []history.Event
	for _, l := range lines {
		events = append(events, sc.event(strings.TrimSpace(l))...)
	}
	return events
}

func (sc *script) event(line string) []history.Event {
	sc.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "signal":
		name, arg, _ := strings.Cut(rest, " ")
		return []history.Event{sc.s.event(0, history.SignalReceived{Name: name, Arg: engine.Payload(arg)})}
	case "signals":
		return sc.signals(rest)
	case "dropped":
		return []history.Event{sc.s.event(0, history.EventDropped{Reason: rest})}
	case "cancel":
		return []history.Event{sc.s.event(0, history.CancelRequested{Reason: rest})}
	case "timeout":
		return []history.Event{sc.s.event(0, history.WorkflowTimedOut{})}
	}
	ref, rest, _ := strings.Cut(rest, " ")
	return []history.Event{sc.s.event(sc.int(ref), sc.answer(verb, rest))}
}

func (sc *script) signals(line string) []history.Event {
	sc.t.Helper()
	f := strings.Fields(line)
	var events []history.Event
	for i := sc.int(f[1]); i <= sc.int(f[2]); i++ {
		events = append(events, sc.s.event(0, history.SignalReceived{Name: f[0], Arg: engine.Payload(strconv.FormatInt(i, 10))}))
	}
	return events
}

func (sc *script) answer(verb, line string) history.Body {
	sc.t.Helper()
	how, text, _ := strings.Cut(line, " ")
	failure := &engine.Failure{Type: "errorString", Message: text, Permanent: how == "permanent"}
	switch verb + " " + how {
	case "activity ok":
		return history.ActivityCompleted{Result: engine.Payload(text), Run: history.Run{Attempt: 1, Worker: "w"}}
	case "activity fail", "activity permanent":
		return history.ActivityFailed{Failure: failure, Run: history.Run{Attempt: 1, Worker: "w"}}
	case "timer ":
		return history.TimerFired{}
	case "child ok":
		return history.ChildCompleted{Result: engine.Payload(text)}
	case "child taken":
		return history.ChildFailed{Failure: engine.Sentinels(nil).Failure(engine.ErrInstanceAlreadyExists)}
	case "sent ok":
		return history.SignalDelivered{}
	case "sent fail":
		return history.SignalFailed{Failure: engine.Sentinels(nil).Failure(engine.ErrInstanceNotFound)}
	}
	switch verb {
	case "attempt":
		return history.ActivityAttemptFailed{Failure: failure, Run: history.Run{Attempt: int(sc.int(how)), Worker: "w"}}
	case "child":
		if how == string(engine.StatusCanceled) {
			failure = engine.Sentinels(nil).Failure(engine.ErrCanceled)
		}
		return history.ChildFailed{Failure: failure, Status: engine.Status(how)}
	}
	sc.t.Fatalf("unknown command or event: %s %s", verb, line)
	return nil
}

func (sc *script) int(s string) int64 {
	sc.t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		sc.t.Fatal(err)
	}
	return n
}

func (sc *script) duration(s string) time.Duration {
	sc.t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		sc.t.Fatal(err)
	}
	return d
}
