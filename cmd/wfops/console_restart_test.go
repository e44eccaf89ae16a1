package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest/private"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
)

// onEveryServer runs a test beside itself on each kind of server, one that it has for
// itself and that runs.
func onEveryServer(t *testing.T, test func(t *testing.T, server *private.Server)) {
	t.Helper()
	t.Parallel() // most of its time it waits
	for kind, server := range map[string]func(*testing.T, ...string) *private.Server{
		"mysql": private.MySQL, "postgres": private.Postgres, "redis": private.Redis,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := server(t)
			s.Start()
			test(t, s)
		})
	}
}

// dim is how a terminal is told to show less of what follows.
var dim = regexp.MustCompile(`\x1b\[(\d+;)*2[;m]`)

const noAnswer = "NO ANSWER from the store"

// brisk consoles look often, and soon again where there was no answer.
const brisk = " --refresh 300ms --patience 5s"

// answers waits until the store is not lost any more.
func (c *console) answers() {
	c.Helper()
	c.Until("the store answers again", func(screen string) bool { return !contains(screen, noAnswer) })
}

// losesItsStore looks at a console whose store is gone: it says so, shows what it knew,
// and does what needs no store.
func (c *console) losesItsStore() {
	c.Helper()
	c.Sees(noAnswer+`, try \d+ in \d`, "kyc-1")
	if !dim.MatchString(c.Styled()) {
		c.Errorf("what was known looks like news:\n%s", c.Styled())
	}
	c.Press("?")
	c.Sees("what can be done here")
	c.Press("Escape")
	c.Until("help is gone", func(screen string) bool { return !contains(screen, "what can be done here") })
	c.refusesChanges()
	c.Sees(noAnswer + `, try ([3-9]|\d\d) in \d`)
}

// refusesChanges asks for one while the store is lost.
func (c *console) refusesChanges() {
	c.Helper()
	c.Press("s")
	c.Sees("the store does not answer, and nothing can be changed until it does")
}

// proposes asks for the signal that the instance that is chosen waits for. Enter sends
// it.
func (c *console) proposes(id string) {
	c.Helper()
	c.Press("s")
	c.Sees("signal "+id, "signal +decision")
	c.Press("Enter")
	c.Type(`"yes"`)
	c.Press("Enter")
	c.Type("ticket 12")
	c.Press("Enter")
}

// The server is killed, and started again on its data, while one console shows a list
// and one an instance. Both go on, and so does the worker.
func TestConsoleOutlivesItsServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server *private.Server) {
		s := newSite(t, server.Address())
		for _, id := range []string{"kyc-1", "kyc-2"} {
			s.start(id, Review, id)
			s.becomes(id, waitsForSignal)
		}
		list, one := terminal(t, 120, 24, server.Address()), terminal(t, 120, 24, server.Address())
		list.Run("wfops --write" + brisk)
		one.Run("wfops --write" + brisk)
		list.Sees(`◇ kyc-1 .*signal "decision"`, `◇ kyc-2 `)
		one.Sees(`◇ kyc-1 `)
		one.cursorTo("kyc-1")
		one.Press("Enter")
		one.Sees(`› kyc-1`, `waiting on +signal "decision"`)

		server.Kill()
		list.losesItsStore()
		list.cursorTo("kyc-1")
		list.cursorTo("kyc-2")
		list.refusesChanges()
		one.losesItsStore()
		one.Press("2")
		one.Sees(`\[2·history\]`)

		server.Start()
		list.answers()
		one.answers()
		list.Until("nothing says that it is lost", func(screen string) bool { return !contains(screen, "does not answer") })
		s.start("kyc-3", Review, "c3")
		list.Sees(`◇ kyc-3 .*signal "decision"`)
		one.proposes("kyc-1")
		one.Press("Enter")
		one.Sees(`signal "decision" sent to kyc-1`)
		one.Sees(`✓ completed`)
		list.Sees(`✓ kyc-1 `)
		one.Press("Escape")
		one.Sees(`✓ kyc-1 `)
		list.quits()
		one.quits()
	})
}

// Where there is no server the console says so and ends; or it was to be chosen from
// others, and goes on to be.
func TestConsoleWithoutItsServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server *private.Server) {
		s := newSite(t, server.Address())
		s.start("kyc-1", Review, "c1")
		s.becomes("kyc-1", waitsForSignal)
		server.Kill()
		config := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(config, []byte("profiles:\n  main:\n    dsn: "+server.Address()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		term := terminal(t, 120, 24, "", "WFOPS_CONFIG="+config)
		term.Run("wfops main")
		if exit := term.Exit(); exit != int(cli.ExitStore) {
			t.Errorf("exit %d", exit)
		}
		term.Sees(`^wfops: opening .*`+regexp.QuoteMeta(server.Addr()), "refused|no server answers|is there a server")
		term.IsRestored()
		term.Run("clear; wfops")
		term.Sees(`^>.* main `)
		term.Press("Enter")
		term.Sees(`main: opening .*`, `^>.* main `)
		server.Start()
		term.Press("Enter")
		term.Sees(`◇ kyc-1 .*signal "decision"`)
		term.quits()
	})
}

// running is a command under way.
type running struct {
	*exec.Cmd

	t    *testing.T
	name string
	out  *bufio.Reader
	said chan string // what it has written to standard error, line by line
	note string      // a file with the calls of the store that it has made
}

// begin starts a command.
func begin(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{
		Cmd: program(t, args...), t: t, name: strings.Join(args[1:], " "), said: make(chan string, 1000),
		note: filepath.Join(t.TempDir(), "calls"),
	}
	r.Env = append(r.Env, fault+"="+noting, faultFile+"="+r.note)
	out, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewReader(out)
	stderr, err := r.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.said)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			r.said <- lines.Text()
		}
	}()
	return r
}

// calls waits until it has begun so many calls of the store.
func (r *running) calls(method string, times int) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		made, _ := os.ReadFile(r.note) // it comes with the first call
		if strings.Count(string(made), method+"\n") >= times {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s has called the store only for %q", r.name, made)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// prints reads lines until one has a text. A program does not run for ever.
func (r *running) prints(text string) {
	r.t.Helper()
	for printed := ""; ; {
		line, err := r.out.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if printed += line; err != nil {
			_, said := r.ends()
			r.t.Fatalf("%s ended (%v), and %q was not printed, but:\n%s--- stderr\n%s", r.name, err, text, printed, said)
		}
	}
}

// complains reads standard error until a line has a text.
func (r *running) complains(text string) {
	r.t.Helper()
	said := ""
	for line := range r.said {
		if strings.Contains(line, text) {
			return
		}
		said += line + "\n"
	}
	r.t.Fatalf("%s ended, and did not say %q, but:\n%s", r.name, text, said)
}

// ends returns the exit code and what was written to standard error.
func (r *running) ends() (exit int, said string) {
	r.t.Helper()
	_, _ = io.Copy(io.Discard, r.out)
	for line := range r.said {
		said += line + "\n"
	}
	_ = r.Wait() // the exit code says it
	return r.ProcessState.ExitCode(), said
}

// Commands that wait for something wait on while the server is killed and started
// again; others end with an error, at once or when they have lost their patience.
func TestCommandsOutliveTheirServer(t *testing.T) {
	onEveryServer(t, func(t *testing.T, server *private.Server) {
		dsn := server.Address()
		s := newSite(t, dsn)
		s.start("kyc-1", Review, "c1")
		s.becomes("kyc-1", waitsForSignal)
		watches := begin(t, dsn, "list", "--watch=100ms", "--patience", "5s")
		watches.prints("kyc-1")
		looks := begin(t, dsn, "health", "--watch=100ms", "--patience", "5s")
		looks.prints("healthy")
		waits := begin(t, dsn, "wait", "kyc-1", "--for", "completed", "--timeout", "25s", "--patience", "5s")
		waits.calls("Get", 2) // the first one was to find the instance

		server.Hang()
		impatient, inTheMidst := begin(t, dsn, "health", "--patience", "1s"), begin(t, dsn, "health")
		began := time.Now()
		if exit, said := impatient.ends(); exit != int(cli.ExitStore) || said == "" || time.Since(began) > 10*time.Second {
			t.Errorf("a server that hangs: exit %d after %v: %s", exit, time.Since(began), said)
		}
		server.Kill()
		for _, r := range []*running{inTheMidst, begin(t, dsn, "health"), begin(t, dsn, "list"), begin(t, dsn, "wait", "kyc-1")} {
			if exit, said := r.ends(); exit != int(cli.ExitStore) || !strings.HasPrefix(said, "wfops: ") {
				t.Errorf("%s without a server: exit %d: %s", r.name, exit, said)
			}
		}
		for _, r := range []*running{watches, looks, waits} {
			r.complains("; trying again")
		}
		server.Start()
		if err := s.c.SignalWorkflow(t.Context(), "kyc-1", "decision", "yes"); err != nil {
			t.Fatal(err)
		}
		if exit, said := waits.ends(); exit != 0 {
			t.Errorf("wait: exit %d: %s", exit, said)
		}
		watches.prints(`"status":"completed"`)
		for _, r := range []*running{watches, looks} {
			if err := r.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
			if exit, said := r.ends(); exit != int(cli.ExitInterrupted) {
				t.Errorf("%s: exit %d: %s", r.name, exit, said)
			}
		}
	})
}
