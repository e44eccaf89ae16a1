package cli_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/servertest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// typed runs a command line as the program does.
func typed(ctx context.Context, out, stderr io.Writer, args ...string) int {
	return typedOn(ctx, func(b backend.Backend) backend.Backend { return b }, out, stderr, args...)
}

// typedOn is typed for who wants to see what the store is asked.
func typedOn(ctx context.Context, through func(backend.Backend) backend.Backend, out, stderr io.Writer, args ...string) int {
	return cli.Run(ctx, &cli.Env{
		Args: args, In: strings.NewReader(""), Out: out, Err: stderr, Getenv: func(string) string { return "" }, By: "ana@host-9",
		Open: func(ctx context.Context, target connect.Target) (backend.Backend, error) {
			b, err := target.Open(ctx)
			if err != nil {
				return nil, err
			}
			return through(b), nil
		},
	})
}

// fails runs a command line that has to fail, and returns what it says.
func fails(t *testing.T, exit cli.Exit, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	if got := typed(t.Context(), &out, &stderr, args...); got != int(exit) || out.Len() > 0 || stderr.Len() == 0 {
		t.Errorf("%q: exit %d, want %d\n%s%s", args, got, exit, &out, &stderr)
	}
	return stderr.String()
}

func TestUnreachableStores(t *testing.T) {
	l := listen(t)
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dsn := range []string{"mysql://app:hunter2@" + address + "/wf", "postgres://app:hunter2@" + address + "/wf", "redis://:hunter2@" + address + "/0"} {
		for _, command := range [][]string{{"list"}, {"health"}, {"wait", "x"}, {"list", "--watch"}, {"pause", "x", "--reason", "r", "--write"}} {
			if says := fails(t, cli.ExitStore, append([]string{dsn}, command...)...); !strings.Contains(says, address) || strings.Contains(says, "hunter2") {
				t.Errorf("%s %v: %s", dsn, command, says)
			}
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A server that takes connections and says nothing is given up after --patience.
func TestStoresThatDoNotAnswer(t *testing.T) {
	l := listen(t)
	defer func() { _ = l.Close() }()
	for _, scheme := range []string{"mysql", "postgres", "redis"} {
		fails(t, cli.ExitStore, scheme+"://app:hunter2@"+l.Addr().String()+"/0", "list", "--patience", "50ms")
	}
}

func TestWrongPasswords(t *testing.T) {
	for _, kind := range servertest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			u, err := url.Parse(servertest.DSN(t, kind))
			if err != nil {
				t.Fatal(err)
			}
			u.User = url.UserPassword("wfops_nobody", "hunter2hunter2")
			if says := fails(t, cli.ExitStore, u.String(), "list"); strings.Contains(says, "hunter2") {
				t.Errorf("%s", says)
			}
		})
	}
}

func TestNewerSchemas(t *testing.T) {
	for _, kind := range append([]string{"sqlite"}, servertest.Kinds()...) {
		t.Run(kind, func(t *testing.T) {
			dsn := seeded(t, kind)
			if kind == "sqlite" {
				const version = 60 // where the file has it
				raw, err := os.ReadFile(dsn)
				if err != nil {
					t.Fatal(err)
				}
				binary.BigEndian.PutUint32(raw[version:], 99)
				if err := os.WriteFile(dsn, raw, 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				servertest.Upgrade(t, kind, dsn)
			}
			for _, command := range [][]string{{"list"}, {"pause", "kyc-5520", "--reason", "r", "--write"}} {
				if says := fails(t, cli.ExitStore, append([]string{dsn}, command...)...); !strings.Contains(says, "99") || !strings.Contains(says, "newer") {
					t.Errorf("%s", says)
				}
			}
		})
	}
}

// seeded makes a store of a kind with instances, as old as the test on a server, and
// returns its connection string.
func seeded(t *testing.T, kind string) string {
	t.Helper()
	dsn := ""
	if kind == "sqlite" {
		dsn = t.TempDir() + "/app.db"
	} else {
		dsn = servertest.DSN(t, kind)
	}
	b := opened(t, dsn)
	opstest.Shop(t, b, opstest.NewClock(now), now)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// notes collects what is written, and tells who waits for something in it.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func newNotes() *notes { return &notes{more: make(chan struct{}, 1)} }

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(b)
	select {
	case n.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// until waits until something was written.
func (n *notes) until(t *testing.T, piece string) {
	t.Helper()
	for late := time.After(20 * time.Second); !strings.Contains(n.String(), piece); {
		select {
		case <-n.more:
		case <-late:
			t.Fatalf("%q was never written:\n%s", piece, n)
		}
	}
}

// Who watches or waits outlasts an outage of the store, and sees what has happened
// meanwhile.
func TestStoresThatVanishInMidStream(t *testing.T) {
	for _, kind := range servertest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			dsn := seeded(t, kind)
			for _, c := range []outage{
				{"kyc-5520", []string{"list", "--filter", "is:open", "--watch=20ms"}, `"change":"gone","instance":{"instance_id":"kyc-5520"`, cli.ExitInterrupted},
				{"trial-1207", []string{"get", "trial-1207", "--watch=20ms", "--jq", ".status"}, "terminated", cli.ExitInterrupted},
				{"import-311", []string{"wait", "import-311", "--for", "terminated", "--timeout", "1m"}, "import-311 is terminated", cli.ExitOK},
			} {
				c.outlast(t, dsn)
			}
		})
	}
}

// outage is a command line that runs while the store is away and id is terminated.
type outage struct {
	id   string
	args []string
	then string
	exit cli.Exit
}

// looked tells when a store was asked about instances for the second time.
type looked struct {
	backend.Backend

	calls atomic.Int32
	twice chan struct{}
}

func (l *looked) look() {
	if l.calls.Add(1) == 2 {
		close(l.twice)
	}
}

func (l *looked) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	defer l.look()
	return l.Backend.Get(ctx, i)
}

func (l *looked) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	defer l.look()
	return l.Backend.List(ctx, q)
}

func (o outage) outlast(t *testing.T, dsn string) {
	t.Helper()
	proxy, through := servertest.Before(t, dsn)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out, stderr, asked := newNotes(), newNotes(), &looked{twice: make(chan struct{})}
	done := make(chan int, 1)
	go func() {
		done <- typedOn(ctx, func(b backend.Backend) backend.Backend {
			asked.Backend = b
			return asked
		}, out, stderr, append([]string{through, "--patience", "5s"}, o.args...)...)
	}()
	select {
	case <-asked.twice:
	case exit := <-done:
		t.Fatalf("%v: exit %d\n%s\n%s", o.args, exit, out, stderr)
	}
	proxy.Cut()
	stderr.until(t, "trying again")
	var told bytes.Buffer
	if got := typed(ctx, io.Discard, &told, dsn, "terminate", o.id, "--reason", "r", "--yes", "--write"); got != 0 {
		t.Errorf("exit %d: %s", got, &told)
	}
	proxy.Restore()
	out.until(t, o.then)
	if o.exit == cli.ExitInterrupted {
		stop()
	}
	if got := <-done; got != int(o.exit) {
		t.Errorf("%v: exit %d\n%s\n%s", o.args, got, out, stderr)
	}
}

// broken is a store that is gone after some calls.
type broken struct {
	backend.Backend

	calls int
}

func (b *broken) List(ctx context.Context, q backend.Query) (backend.Page, error) {
	if b.calls--; b.calls < 0 {
		return backend.Page{}, errGone
	}
	return b.Backend.List(ctx, q)
}

// A list that could not be written to its end is no success, whatever was written.
func TestListsThatBreakOff(t *testing.T) {
	w := newWorld(t)
	crowded(t, w, 2500)
	open := w.env.Open
	w.env.Open = func(ctx context.Context, target connect.Target) (backend.Backend, error) {
		b, err := open(ctx, target)
		return &broken{b, 2}, err
	}
	for _, format := range []string{"table", "json", "jsonl", "yaml", "name"} {
		r := w.run("app.db", "list", "--all", "--sort", "created", "-o", format)
		if r.exit != int(cli.ExitStore) || !strings.Contains(r.out, "i-2499") || !strings.Contains(r.err, errGone.Error()) {
			t.Errorf("%s: exit %d, %s", format, r.exit, r.err)
		}
	}
	r := w.run("app.db", "cancel", "--filter", "type:Order", "--reason", "r", "--yes")
	if r.exit != int(cli.ExitStore) || r.out != "" {
		t.Errorf("a change of what could not be listed: %+v", r)
	}
}

// Whoever asks a store with the console's own check switched off is refused by the
// store; with it, by the console, before the store is asked.
func TestReadOnlyProfilesRefuseEveryChange(t *testing.T) {
	if len(changes()) != len(ops.Actions()) {
		t.Fatalf("the commands that change something are %q, and there are the actions %q", changes(), ops.Actions())
	}
	for _, kind := range append([]string{"sqlite"}, servertest.Kinds()...) {
		t.Run(kind, func(t *testing.T) {
			dsn := seeded(t, kind)
			for name, profile := range map[string]string{"says ro": "mode: ro", "says nothing": ""} {
				if kind == "sqlite" && profile == "" {
					continue // a file of this machine
				}
				refusesEveryChange(t, dsn, name, profile)
			}
		})
	}
}

func refusesEveryChange(t *testing.T, dsn, name, mode string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("config.yaml", []byte("profiles:\n  shop:\n    dsn: "+dsn+"\n    "+mode+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) result {
		var out, stderr bytes.Buffer
		exit := cli.Run(t.Context(), &cli.Env{
			Args: args, In: strings.NewReader(""), Out: &out, Err: &stderr, By: "ana@host-9",
			Getenv: func(name string) string { return map[string]string{"WFOPS_CONFIG": "config.yaml"}[name] },
			Open:   func(ctx context.Context, target connect.Target) (backend.Backend, error) { return target.Open(ctx) },
		})
		return result{out.String(), stderr.String(), exit}
	}
	everything := []string{"shop", "list", "--all", "--sort", "created", "-o", "jsonl"}
	before := run(everything...)
	if before.exit != 0 || before.out == "" {
		t.Fatalf("%+v", before)
	}
	for _, line := range changes() {
		args := append([]string{"shop"}, split(line)...)
		if mode != "" {
			args = append(args, "--write") // it takes a profile to allow it, and this one does not
		}
		if r := run(args...); r.exit != int(cli.ExitRefused) || r.out != "" || !strings.Contains(r.err, "read-only") {
			t.Errorf("%s, %s: %+v", name, line, r)
		}
	}
	refusedByTheStore(t, name)
	if after := run(everything...); after.out != before.out {
		t.Errorf("%s: something has changed:\n%s\n%s", name, before.out, after.out)
	}
}
