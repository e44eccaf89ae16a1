package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/ops/opstest"
	"github.com/wfops/wfops/cmd/wfops/internal/servertest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var update = flag.Bool("update", false, "write golden files")

// binaries is where programs for the tests are built.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wfops-cli-*")
	if err != nil {
		panic(err)
	}
	binaries = dir
	slog.SetDefault(slog.New(slog.DiscardHandler)) // stores tell of settings that are fine for tests
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

var now = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// world is a seeded store, and a machine on which time stands still.
type world struct {
	*testing.T

	clock *opstest.Clock
	env   cli.Env
	in    string
	// testdata is where golden files are.
	testdata string
	// store opens what is called app.db.
	store func(context.Context, connect.Target) (backend.Backend, error)
	// version of the library, which golden files must not depend on.
	version string
}

// newWorld seeds app.db in a folder of its own, which becomes the current one.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, "sqlite")
}

// newWorldOn is newWorld for a store of another kind, which is called app.db all the
// same.
func newWorldOn(t *testing.T, kind string) *world {
	t.Helper()
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	w := &world{T: t, clock: opstest.NewClock(now), testdata: testdata}
	if kind == "sqlite" {
		w.create("app.db")
		w.store = w.file("app.db")
	} else {
		w.store = server(t, kind, w.clock)
	}
	w.env = cli.Env{
		Getenv: func(string) string { return "" }, Open: w.open, Clock: w.clock.Now, By: "ana@host-9",
		Build: cli.Build{Version: "v1.2.3", Revision: "9c1e22d0", Go: "go1.26"},
	}
	w.seed()
	return w
}

// onStores runs a test on a seeded store of each kind, which all call themselves the
// same.
func onStores(t *testing.T, test func(*world)) {
	t.Helper()
	for _, kind := range append([]string{"sqlite"}, servertest.Kinds()...) {
		t.Run(kind, func(t *testing.T) {
			w := newWorldOn(t, kind)
			open := w.store
			w.store = func(ctx context.Context, target connect.Target) (backend.Backend, error) {
				b, err := open(ctx, target)
				return anonymous{b}, err
			}
			test(w)
		})
	}
}

// anonymous is a store that does not say what it is.
type anonymous struct{ backend.Backend }

func (a anonymous) Info(ctx context.Context) (backend.Info, error) {
	info, err := a.Backend.Info(ctx)
	info.Kind, info.Version, info.Durability, info.Schema = "store", "1.0", "some", 1
	return info, err
}

// open is the product's way but for the clock.
func (w *world) open(ctx context.Context, target connect.Target) (backend.Backend, error) {
	switch file := target.String(); file {
	case "app.db":
		return w.store(ctx, target)
	case fleetFile:
		return w.file(file)(ctx, target)
	}
	return target.Open(ctx)
}

// create makes an empty store in a file.
func (w *world) create(path string) {
	w.Helper()
	b, err := sqlite.Open(w.Context(), path, sqlite.WithClock(w.clock.Now))
	if err != nil {
		w.Fatal(err)
	}
	info, err := b.Info(w.Context())
	if w.version = info.Version; err != nil {
		w.Fatal(err)
	}
	if err := b.Close(); err != nil {
		w.Fatal(err)
	}
}

// file opens a store in a file.
func (w *world) file(path string) func(context.Context, connect.Target) (backend.Backend, error) {
	return func(ctx context.Context, target connect.Target) (backend.Backend, error) {
		opts := []sqlite.Option{sqlite.WithClock(w.clock.Now), sqlite.WithoutMigrations(), sqlite.WithSynchronous(sqlite.Normal)}
		if mode, _ := target.Mode(); mode == connect.ReadOnly {
			opts = append(opts, sqlite.ReadOnly())
		}
		return sqlite.Open(ctx, path, opts...)
	}
}

func (w *world) seed() {
	w.Helper()
	target, err := connect.Parse("memory:", connect.Options{Write: true})
	if err != nil {
		w.Fatal(err)
	}
	b, err := w.store(w.Context(), target)
	if err != nil {
		w.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			w.Fatal(err)
		}
	}()
	opstest.Seed(w, b, w.clock, rows(w.T))
	// As if w-31 had been heard of last two minutes ago.
	w.clock.Set(ago(124 * time.Second))
	for _, worker := range []backend.Worker{
		{ID: "w-31", Host: "host-7", PID: 31, Build: "41fd", Queues: []engine.Queue{"default"}, Workflows: []string{"OrderFulfil"}, Activities: []string{"Ship"}, WorkflowSlots: 8, ActivitySlots: 16, Leases: 9, Started: ago(216 * time.Hour)},
		{ID: "w-7f", Host: "host-3", PID: 7, Build: "9c1e", VCS: "abc", Queues: []engine.Queue{"default", "billing"}, Workflows: []string{"OrderFulfil", "KycReview", "TrialExpiry"}, Activities: []string{"ChargeCard", "Ship"}, WorkflowsUsed: 3, WorkflowSlots: 8, ActivitiesUsed: 1, ActivitySlots: 16, Leases: 4, Warm: 212, Started: ago(41 * time.Minute)},
	} {
		if err := b.Heartbeat(w.Context(), worker); err != nil {
			w.Fatal(err)
		}
		w.clock.Set(now)
	}
}

func rows(t *testing.T) []opstest.Row {
	t.Helper()
	row := func(id, workflow string, status engine.Status, created, updated time.Duration) opstest.Row {
		return opstest.Row{Summary: backend.Summary{
			Instance: engine.Instance{InstanceID: id}, Workflow: workflow, Queue: "default", Status: status, Worker: "w-7f", Build: "9c1e", Created: ago(created), Updated: ago(updated),
		}}
	}
	site := history.Site{Function: "shop/order.Fill", File: "fill.go", Line: 88}

	blocked := row("order-8702", "OrderFulfil", engine.StatusBlocked, 192*time.Minute, 182*time.Minute)
	blocked.BlockClass, blocked.Block = "NONDETERMINISM", []byte(`{"class":"NONDETERMINISM","message":"history has activity ReserveStock, the code issued activity FraudCheck","seq":5}`)

	failed := row("order-8790", "OrderFulfil", engine.StatusFailed, 64*time.Minute, 58*time.Minute)
	failed.LastError = "Ship: carrier 502 bad gateway"
	failed.Events = []history.Event{
		{At: failed.Created, Ref: 1, Body: history.ActivityScheduled{Name: "Ship", Args: []engine.Payload{engine.Payload(`{"order":8790}`)}, Queue: "default", Site: site}},
		{At: failed.Updated, Ref: 1, Body: history.ActivityFailed{Failure: &engine.Failure{Type: "CarrierError", Message: "carrier 502 bad gateway"}, Run: history.Run{Attempt: 5, Worker: "w-7f"}}},
		{At: failed.Updated, Body: history.WorkflowFailed{Failure: &engine.Failure{Message: "Ship: carrier 502 bad gateway"}}},
	}

	retrying := row("order-8841", "OrderFulfil", engine.StatusRunning, 242*time.Second, 9*time.Second)
	retrying.Attempt, retrying.LastError = 3, "429 rate limited"
	retrying.Args = []engine.Payload{engine.Payload(`{"order":8841,"sku":"A-113","qty":2}`)}
	retrying.Tags = map[string]string{"region": "eu", "tier": "2"}
	retrying.Waiting = &engine.Waiting{Kind: engine.WaitActivity, Name: "ChargeCard", Ref: 1, Attempt: 3, Since: ago(3 * time.Minute)}
	scheduled := history.ActivityScheduled{Name: "ChargeCard", Args: []engine.Payload{engine.Payload(`{"order":8841,"amt":4200}`)}, Queue: "default", Site: site}
	retrying.Events = []history.Event{{At: retrying.Created, Ref: 1, Body: scheduled}, {At: retrying.Created, Ref: 2, Body: history.TimerScheduled{Name: "sla-deadline", Duration: 30 * time.Minute}}}
	retrying.Activities = []backend.ActivityRow{{Ref: 1, Name: "ChargeCard", Queue: "default", Event: wire(t, 1, scheduled), Scheduled: retrying.Created, Attempt: 3, After: 21 * time.Second, LastError: "429 rate limited"}}
	retrying.Timers = []backend.Timer{{Ref: 2, Due: now.Add(26 * time.Minute), Event: wire(t, 2, history.TimerFired{})}}

	waiting := row("kyc-5520", "KycReview", engine.StatusRunning, 131*time.Minute, 129*time.Minute)
	waiting.Waiting = &engine.Waiting{Kind: engine.WaitSignal, Name: "decision", Since: ago(129 * time.Minute)}
	sleeping := row("trial-1207", "TrialExpiry", engine.StatusRunning, 147*time.Hour, 147*time.Hour)
	sleeping.Queue, sleeping.Waiting = "billing", &engine.Waiting{Kind: engine.WaitTimer, Until: now.Add(189 * time.Hour)}
	paused := row("import-311", "NightlyImport", engine.StatusRunning, 12*time.Minute, 2*time.Second)
	paused.Queue, paused.Paused = "batch", true
	child := row("import-311-a", "ImportPart", engine.StatusCompleted, 11*time.Minute, 10*time.Minute)
	child.Queue, child.Parent = "batch", &engine.Instance{InstanceID: "import-311", ExecutionID: opstest.Execution("import-311")}
	terminated := row("order-8613", "OrderFulfil", engine.StatusTerminated, 5*time.Hour, time.Minute)
	terminated.LastError = "ordered twice"

	hostile := row("evil-\x1b[31m[red]\u202e", "Order\x1b]8;;https://evil.example\x1b\\Fulfil", engine.StatusFailed, 26*time.Hour, 25*time.Hour)
	hostile.LastError = "a\tb\rc\u009b2J日本 [:::https://evil.example]x"
	hostile.Args = []engine.Payload{engine.Payload("\x1b[2J not JSON"), engine.Payload(`"日本 😀 <&> \u001b[31m"`)}
	return []opstest.Row{blocked, failed, retrying, waiting, sleeping, paused, child, row("order-8612", "OrderFulfil", engine.StatusCanceled, 5*time.Hour, time.Minute), terminated, row("order-8788", "OrderFulfil", engine.StatusCompleted, 2*time.Hour, 114*time.Minute), hostile}
}

func wire(t *testing.T, ref int64, body history.Body) history.Encoded {
	t.Helper()
	e, err := history.Encode(history.Event{At: ago(242 * time.Second), Ref: ref, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

type result struct {
	out, err string
	exit     int
}

func (w *world) run(args ...string) result {
	w.Helper()
	return w.runTo(w.Context(), nil, args...)
}

func (w *world) runTo(ctx context.Context, to io.Writer, args ...string) result {
	w.Helper()
	var out, stderr bytes.Buffer
	env := w.env
	env.Args, env.In, env.Out, env.Err = args, strings.NewReader(w.in), &out, &stderr
	if to != nil {
		env.Out = to
	}
	exit := cli.Run(ctx, &env)
	return result{out.String(), stderr.String(), exit}
}

// tty makes the output a terminal.
func (w *world) tty(width int) {
	w.env.InTTY, w.env.OutTTY, w.env.ErrTTY, w.env.Width = true, true, true, width
	w.env.Getenv = func(name string) string { return map[string]string{"NO_COLOR": "1", "TERM": "xterm"}[name] }
}

// cursors are the store's own.
var cursors = regexp.MustCompile(`(--cursor |"next": ")[\w-]{20,}`)

// golden runs command lines and compares what they print with a file.
func (w *world) golden(name string, lines ...string) {
	w.Helper()
	var b strings.Builder
	for _, line := range lines {
		r := w.run(split(line)...)
		fmt.Fprintf(&b, "$ wfops %s\n%s", line, r.out)
		if r.err != "" {
			fmt.Fprintf(&b, "--- stderr\n%s", r.err)
		}
		fmt.Fprintf(&b, "--- exit %d\n\n", r.exit)
	}
	got := cursors.ReplaceAllString(b.String(), "${1}CURSOR")
	if w.version != "" {
		got = regexp.MustCompile(regexp.QuoteMeta(w.version)+" *").ReplaceAllString(got, "VERSION ")
	}
	file := filepath.Join(w.testdata, name+".txt")
	if *update && !strings.Contains(w.Name(), "/") || *update && strings.HasSuffix(w.Name(), "/sqlite") {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			w.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		w.Errorf("%s differs: %v\ngot\n%s\nwant\n%s", file, err, got, want)
	}
}

// split takes a command line apart; pieces in single quotes stay together.
func split(line string) (args []string) {
	quoted, open := false, false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted = !quoted
			if !open {
				args, open = append(args, ""), true
			}
		case r == ' ' && !quoted:
			open = false
		default:
			if !open {
				args, open = append(args, ""), true
			}
			args[len(args)-1] += string(r)
		}
	}
	return args
}

func TestList(t *testing.T) {
	onStores(t, func(w *world) {
		w.golden("list_pipe", "app.db list", "app.db list --header --columns instance,status,age", "app.db list -o name", "app.db list --filter 'status:failed age:<1d' -o json",
			"app.db list -o jsonl -n 2 --sort created", "app.db list --filter is:blocked -o yaml", "app.db list --filter 'is:open is:final' -o json", "app.db list --filter 'is:open is:final'",
			"app.db list --jq '.instance_id + \" \" + .status' --filter is:open", "app.db list --columns help", "app.db list --count", "app.db list --count --filter order -o json", "app.db list --sort created --reverse -o name -n 3",
			"app.db list --filter 'idle:>1h waiting:signal' -o name", "app.db list --filter 'tag.region:eu err:429' -o name", "app.db list --filter '/^order-8[67]/ !status:failed' -o name", "app.db list -o wide --header -n 2")
		w.tty(100)
		w.golden("list_tty", "app.db list", "app.db list -n 3", "app.db list --filter 'order-88'", "app.db list --ascii --filter is:open", "app.db list -o wide --filter id:order-8841", "app.db list --color always --filter id:order-87*", "app.db list -o name --filter id:evil*")
	})
}

func TestInstance(t *testing.T) {
	onStores(t, func(w *world) {
		w.golden("instance_pipe", "app.db get order-8841", "app.db get order-8841 -o json", "app.db get kyc -o yaml", "app.db pending order-8841", "app.db pending order-8841 -o json", "app.db pending order-8841 -o jsonl", "app.db history order-8790", "app.db history order-8790 -o json", "app.db history order-8790 -o jsonl --after 3",
			"app.db history order-8790 -o name", "app.db history evil -o jsonl", "app.db history order-8790 --jq .kind -n 1", "app.db history order-8841 --after 99 -o json", "app.db tree import-311", "app.db tree import-311 -o json", "app.db tree import-311 -o name")
		w.golden("data_pipe", "app.db data order-8841", "app.db data order-8790 -o json", "app.db data order-8790 -o jsonl --event 4", "app.db data order-8790 -o name", "app.db data evil", "app.db data evil -o json", "app.db data order-8841 --path 'args[0].sku' --raw", "app.db data order-8841 --path 'activities[0]' -o yaml",
			"app.db data order-8841 --path 'args[0]' -o yaml", "app.db data order-8841 --jq .value.sku", "app.db data order-8788", "app.db data order-8788 -o json", "app.db data order-8841 -n 2")
		w.golden("steps_pipe", "app.db timeline order-8790", "app.db timeline order-8790 -o json", "app.db timeline order-8790 --critical", "app.db diff order-8790 order-8788", "app.db diff order-8790 order-8788 -o json", "app.db diff order-8790 order-8790",
			"app.db export order-8790", "app.db export order-8790 -o json", "app.db export order-8790 --file a.wfh", "a.wfh history -o name", "a.wfh data -o name", "app.db trace order-8790", "app.db trace order-8790 -o json", "app.db trace nobody")
		w.tty(100)
		w.golden("instance_tty", "app.db get order-8841", "app.db get order-8702", "app.db get evil", "app.db pending order-8841", "app.db history order-8790", "app.db history evil", "app.db history order-8841 --times utc -o wide", "app.db tree import-311",
			"app.db data order-8841", "app.db data evil", "app.db data order-8790 -o wide", "app.db data evil --path 'args[0]' --raw", "app.db data order-8841 -n 3")
	})
}

func TestFleet(t *testing.T) {
	onStores(t, func(w *world) {
		w.golden("fleet_pipe", "app.db queues", "app.db queues -o json", "app.db workers", "app.db workers -o json", "app.db workers -o jsonl", "app.db workers -o name", "app.db health", "app.db health -o json", "app.db doctor", "app.db doctor -o json --color never", "version", "version -o json")
		w.tty(120)
		w.golden("fleet_tty", "app.db queues", "app.db workers", "app.db workers -o wide", "app.db health", "app.db version", "app.db doctor")
	})
}

func TestHelp(t *testing.T) {
	w := newWorld(t)
	w.tty(120)
	w.golden("help", "help exit-codes", "help environment", "help profiles", "help json", "help filter", "data --help", "--help")
}

func TestErrors(t *testing.T) {
	lines := []string{
		"app.db list --filter status:fialed", "app.db list --filter '日本:x'", "app.db list --columns size", "app.db list -o xml", "app.db list --jq . -o yaml", "app.db list --jq '.['", "app.db list --jq '.instance_id | error'", "app.db list -n -1", "app.db list --sort size", "app.db list --cursor zzz",
		"app.db list --sort attention --reverse", "app.db list --filter zzz --scan 3", "app.db get nobody", "app.db get order", "app.db get", "app.db get a b", "app.db wait kyc", "app.db wait kyc-5520 --for done", "app.db lst", "app.db list --nope", "app.db completion tcsh",
		"missing.db list", "missing.db doctor --columns name,value", "order.wfh list", "oracle://u:secret@db/x list", "list", "app.db list -c other.db", "app.db cancel kyc-5520", "app.db cancel --reason x", "app.db cancel kyc-5520 --filter is:open --reason x", "app.db cancel nobody --reason x --yes",
		"app.db cancel kyc-5520 --reason x", "app.db retry kyc-5520 --reason x", "app.db remove kyc-5520 --reason x --yes", "app.db signal go kyc-5520 --reason x --input {", "app.db cancel --filter is:bad --reason x", "app.db signal go - --input - --reason x",
		"app.db list --filter 'age:>soon'", "app.db list --filter '/[/'", "app.db list --filter 'status:'", "app.db list --filter 'a \"b'", "app.db cancel kyc --reason x --yes", "app.db history nobody", "app.db history order", "app.db data nobody", "app.db data order-8841 --path 'args[0].nope'", "app.db data order-8841 --path 'args[0].'",
		"app.db data order-8841 --raw", "app.db tree nobody", "app.db pending nobody", "app.db timeline nobody", "app.db diff order-8790 nobody", "app.db export nobody", "app.db trace nobody", "app.db terminate nobody --reason x --yes", "app.db pause nobody --reason x", "app.db resume kyc-5520 --reason x",
		"app.db signal '' kyc-5520 --reason x", "app.db queues --columns nope", "app.db workers --jq '.['", "app.db health --max-wait soon", "app.db replay", "app.db version x", "ctx nope", "ctx show nobody", "app.db doctor -o xml",
	}
	onStores(t, func(w *world) {
		w.golden("errors", lines...)
		var inJSON []string
		for _, line := range lines {
			inJSON = append(inJSON, line+" -o json")
		}
		w.golden("errors_json", inJSON...)
	})
}

func TestChanges(t *testing.T) {
	onStores(t, func(w *world) {
		w.golden("changes", "app.db signal decision kyc-5520 --input '\"approve\"' --reason 'ticket 12'", "app.db pending kyc-5520 --columns kind,name,state,detail", "app.db pause kyc-5520 --reason r -o json", "app.db get kyc-5520 --jq .paused", "app.db resume kyc-5520 --reason r", "app.db pause kyc-5520 --reason r", "app.db resume kyc-5520 --reason r -o name", "app.db pause kyc-5520 --reason r -o yaml", "app.db resume kyc-5520 --reason r -o jsonl",
			"app.db signal decision kyc-5520 --reason r -o json", "app.db retry order-8702 --reason fixed --dry-run -o json", "app.db retry order-8702 --reason fixed", "app.db cancel --filter type:OrderFulfil --reason late --yes --dry-run", "app.db cancel kyc-5520 trial-1207 --reason late", "app.db cancel kyc-5520 trial-1207 --reason late --yes", "app.db cancel import-311 --reason late --yes -o json",
			"app.db terminate order-8841 --reason 'ordered twice' --yes", "app.db terminate trial-1207 --reason r --yes -o json", "app.db history order-8841", "app.db remove --filter 'is:final type:OrderFulfil' --reason retention --yes", "app.db remove order-8702 kyc-5520 import-311-a --reason r --yes", "app.db cancel --filter status:canceled --reason r --yes", "app.db remove trial-1207 --reason r --yes -o json", "app.db list -o name")
		w.in = "kyc-5520\n\nimport-311\n"
		w.golden("changes_stdin", "app.db pause - --reason night --yes -o jsonl")
	})
}

// lines hands each write to a function.
type lines func(string)

func (l lines) Write(b []byte) (int, error) {
	l(string(b))
	return len(b), nil
}

func TestWatch(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var seen []string
	r := w.runTo(ctx, lines(func(line string) {
		seen = append(seen, line)
		switch len(seen) {
		case 5: // all that is open
			if r := w.run("app.db", "terminate", "kyc-5520", "--reason", "r", "--yes"); r.exit != 0 {
				t.Errorf("%+v", r)
			}
		case 6:
			stop()
		}
	}), "app.db", "list", "--filter", "is:open", "--watch=1ms")
	if r.exit != int(cli.ExitInterrupted) || r.err != "" || len(seen) != 6 || !strings.HasPrefix(seen[4], `{"schema":"wfops.change/v1","change":"added","instance":{"instance_id":`) || !strings.HasPrefix(seen[5], `{"schema":"wfops.change/v1","change":"gone","instance":{"instance_id":"kyc-5520"`) {
		t.Errorf("%+v\n%s", r, strings.Join(seen, ""))
	}
}

func TestWatchOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.tty(100)
	for _, command := range []string{"list", "queues", "workers", "health", "get order-8841", "pending order-8841", "tree order-8841"} {
		ctx, stop := context.WithCancel(t.Context())
		frames := 0
		r := w.runTo(ctx, lines(func(text string) {
			if !strings.HasPrefix(text, "\x1b[H\x1b[J") {
				t.Errorf("%s: a frame begins with %.20q", command, text)
			}
			if frames++; frames == 2 {
				stop()
			}
		}), split("app.db "+command+" --watch=1ms")...)
		stop()
		if r.exit != int(cli.ExitInterrupted) || frames != 2 || r.err != "" {
			t.Errorf("%s: %d frames, %+v", command, frames, r)
		}
	}
	if r := w.run("app.db", "get", "nobody", "--watch"); r.exit != int(cli.ExitNotFound) {
		t.Errorf("%+v", r)
	}
}

// Every command that changes something is refused on a connection that only reads,
// and nothing has changed afterwards.
func TestReadOnlyRefusesEveryChange(t *testing.T) {
	w := newWorld(t)
	before := w.run("app.db", "list", "-o", "json")
	var lines []string
	for _, c := range changes() {
		lines = append(lines, "app.db "+c+" --read-only", "app.db?mode=ro "+c+" --write")
	}
	for _, line := range lines {
		r := w.run(split(line)...)
		if r.exit != int(cli.ExitRefused) || !strings.Contains(r.err, "read-only") || r.out != "" {
			t.Errorf("%s: %+v", line, r)
		}
	}
	if after := w.run("app.db", "list", "-o", "json"); after.out != before.out {
		t.Errorf("something has changed:\n%s\n%s", before.out, after.out)
	}
}

func TestConfirmation(t *testing.T) {
	for _, tc := range []struct {
		answer string
		args   []string
		exit   cli.Exit
	}{
		{"yes\n", []string{"terminate", "kyc-5520"}, cli.ExitOK},
		{"y\n", []string{"terminate", "kyc-5520"}, cli.ExitRefused},
		{"", []string{"terminate", "kyc-5520"}, cli.ExitRefused},
		{"2\n", []string{"pause", "kyc-5520", "trial-1207"}, cli.ExitOK},
		{"yes\n", []string{"pause", "kyc-5520", "trial-1207"}, cli.ExitRefused},
		{"", []string{"pause", "kyc-5520"}, cli.ExitOK},
		{"yes\n", []string{"terminate", "kyc-5520", "-o", "json"}, cli.ExitRefused},
	} {
		w := newWorld(t)
		w.tty(80)
		w.in = tc.answer
		if r := w.run(append([]string{"app.db", "--reason", "r"}, tc.args...)...); r.exit != int(tc.exit) {
			t.Errorf("%q to %v: %+v", tc.answer, tc.args, r)
		}
	}
}

func TestWait(t *testing.T) {
	onStores(t, waits)
}

func waits(w *world) {
	t := w.T
	w.golden("wait", "app.db wait nobody", "app.db wait nobody -o json", "app.db wait order-8788", "app.db wait order-8788 --for completed -o json", "app.db wait order-8790 --for completed", "app.db wait order-8702 --for blocked,final", "app.db wait import-311 --for paused")
	if r := w.run("app.db", "wait", "kyc-5520", "--timeout", "300ms"); r.exit != int(cli.ExitTimeout) || !strings.Contains(r.err, "kyc-5520/x-kyc-5520 is running") {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cli.ErrTerminated)
	if r := w.runTo(ctx, nil, "app.db", "wait", "kyc-5520"); r.exit != int(cli.ExitTerminated) || r.err != "" {
		t.Errorf("%+v", r)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if r := w.runTo(ctx, nil, "app.db", "list"); r.exit != int(cli.ExitInterrupted) || r.err != "" {
		t.Errorf("%+v", r)
	}
}

func TestNobodyReads(t *testing.T) {
	w := newWorld(t)
	for _, format := range []string{"table", "json", "jsonl", "name", "yaml"} {
		r, p := io.Pipe()
		_ = r.Close()
		if got := w.runTo(t.Context(), p, "app.db", "list", "-o", format); got.exit != 0 || got.err != "" {
			t.Errorf("%s: %+v", format, got)
		}
	}
	if got := w.runTo(t.Context(), full{}, "app.db", "list"); got.exit == 0 || !strings.Contains(got.err, "disk full") {
		t.Errorf("%+v", got)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestPanicsAreReported(t *testing.T) {
	w := newWorld(t)
	w.env.Open = func(context.Context, connect.Target) (backend.Backend, error) { panic("boom") }
	if r := w.run("app.db", "list"); r.exit != int(cli.ExitDefect) || !strings.Contains(r.err, "boom") {
		t.Errorf("%+v", r)
	}
}

func TestStoreFromTheEnvironment(t *testing.T) {
	w := newWorld(t)
	w.env.Getenv = func(name string) string { return map[string]string{"WFOPS_DSN": "app.db"}[name] }
	for _, args := range [][]string{{"list", "-o", "name"}, {"-c", "app.db", "list", "-o", "name"}, {"list", "-o", "name", "--connect=app.db"}} {
		if r := w.run(args...); r.exit != 0 || !strings.Contains(r.out, "kyc-5520") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	text := "profiles:\n  shop:\n    dsn: app.db\n    mode: ro\n  list: {dsn: other.db}\n  far:\n    dsn: mysql://app@127.0.0.1:1/wf\n    password_env: PW\n"
	if err := os.WriteFile("config.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(connect.ProjectFile, []byte("profiles:\n  shop: {dsn: evil.db}\n  dev: {dsn: app.db, mode: ro}\n  gone: {dsn: missing.db}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"WFOPS_CONFIG": "config.yaml", "PW": "hunter2"}
	w.env.Getenv = func(name string) string { return env[name] }
	w.golden("profiles", "shop list -o name -n 2", "-c shop list -o name -n 2", "shop pause kyc-5520 --reason r", "shop doctor --columns name,value,source", "shop doctor --columns name,source --times utc --patience 1s", "far doctor --columns name,value,source --patience 1ms -o name", "ctx", "ctx list", "ctx -o jsonl", "ctx show shop far", "ctx show far -o json", "ctx test shop dev",
		"ctx test shop gone", "ctx test gone -o json", "ctx show nobody", "dev list -o name -n 1", "dev pause kyc-5520 --reason r --write", "list")
	if r := w.run("far", "list"); r.exit != int(cli.ExitStore) || strings.Contains(r.err, "hunter2") || !strings.Contains(r.err, "mysql://app:••••@127.0.0.1:1/wf") {
		t.Errorf("%+v", r)
	}
	env["PW"] = ""
	if r := w.run("far", "list"); r.exit != int(cli.ExitUsage) || !strings.Contains(r.err, "PW is not set") {
		t.Errorf("%+v", r)
	}
	env["WFOPS_DSN"] = "shop"
	if r := w.run("list", "-o", "name", "-n", "1"); r.exit != 0 || r.out == "" {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile("config.yaml", []byte("profiles: {p: {dns: x}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := w.run("shop", "list"); r.exit != int(cli.ExitUsage) || !strings.Contains(r.err, "config.yaml") {
		t.Errorf("%+v", r)
	}
	if r := w.run("app.db", "list", "-o", "name"); r.exit != 0 {
		t.Errorf("a store that is named in full: %+v", r)
	}
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	if r := w.run("__complete", "app.db", "get", "order-87"); !strings.Contains(r.out, "order-8702\norder-8790") && !strings.Contains(r.out, "order-8790\norder-8788\norder-8702") {
		t.Errorf("%+v", r)
	}
	if r := w.run("__complete", "missing.db", "get", "x"); strings.Contains(r.out, "missing") || r.exit != 0 {
		t.Errorf("%+v", r)
	}
	for line, want := range map[string]string{
		"__complete app.db list --filter sta": "status:\n", "__complete app.db list --filter 'x !is:op'": "x !is:open\n", "__complete app.db list --filter tag": "tag.\n",
		"__complete app.db list --output j": "\njsonl\n", "__complete app.db list --sort att": "attention\n", "__complete app.db wait --for ca": "canceled\n",
	} {
		if r := w.run(split(line)...); !strings.Contains(r.out, want) {
			t.Errorf("%s: %+v", line, r)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r := w.run("completion", shell); r.exit != 0 || !strings.Contains(r.out, "wfops") {
			t.Errorf("%s: exit %d, %s", shell, r.exit, r.err)
		}
	}
}

// No terminal gets a character that is not ours.
func TestNothingHostileIsPrinted(t *testing.T) {
	w := newWorld(t)
	w.tty(200)
	for _, line := range []string{"list", "list -o wide", "list -o name", "get evil", "history evil", "tree evil", "pending evil", "list --jq .last_error", "get evil\x1b[2J", "list --filter a\x1b[31m", "list --columns \x1b[31m", "\x1b[31m", "list -o json", "list -o yaml --filter id:evil*", "get evil -o yaml", "get evil -o json", "history evil -o jsonl", "history evil --jq .body.workflow", "cancel --filter id:evil* --reason r --dry-run"} {
		r := w.run(append([]string{"app.db"}, split(line)...)...)
		for _, r := range r.out + r.err {
			if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
				t.Errorf("%q prints %q", line, r)
			}
		}
	}
}
