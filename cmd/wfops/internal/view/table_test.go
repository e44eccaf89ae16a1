package view_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

var update = flag.Bool("update", false, "write golden files")

var now = time.Date(2026, 8, 22, 11, 42, 7, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// instances are the rows of the mockups.
func instances() []backend.Summary {
	block := []byte(`{"class":"NONDETERMINISM","message":"history has activity ReserveStock, the code issued activity FraudCheck","seq":31}`)
	return []backend.Summary{
		{Instance: engine.Instance{InstanceID: "order-8702", ExecutionID: "e1"}, Workflow: "OrderFulfil", Queue: "default", Status: engine.StatusBlocked, BlockClass: "NONDETERMINISM", Block: block,
			Created: ago(3*time.Hour + 12*time.Minute), Updated: ago(3 * time.Hour), HistoryLength: 88, Build: "9c1e22d0aa31"},
		{Instance: engine.Instance{InstanceID: "order-8790", ExecutionID: "e2"}, Workflow: "OrderFulfil", Queue: "default", Status: engine.StatusFailed, LastError: "Ship: carrier 502 bad gateway",
			Created: ago(64 * time.Minute), Updated: ago(58 * time.Minute), Finished: ago(58 * time.Minute), HistoryLength: 55},
		{Instance: engine.Instance{InstanceID: "order-8841", ExecutionID: "e3"}, Workflow: "OrderFulfil", Queue: "default", Status: engine.StatusRunning, Attempt: 3, LastError: "429 rate limited",
			Created: ago(242 * time.Second), Updated: ago(9 * time.Second), HistoryLength: 63, Worker: "w-7f", Waiting: &engine.Waiting{Kind: engine.WaitActivity, Name: "ChargeCard", Attempt: 3, Since: ago(3 * time.Minute), More: 1}},
		{Instance: engine.Instance{InstanceID: "kyc-5520", ExecutionID: "e4"}, Workflow: "KycReview", Queue: "default", Status: engine.StatusRunning,
			Created: ago(131 * time.Minute), Updated: ago(129 * time.Minute), HistoryLength: 18, Waiting: &engine.Waiting{Kind: engine.WaitSignal, Name: "decision", Since: ago(129 * time.Minute)}, Tags: map[string]string{"env": "prod", "tier": "2"}},
		{Instance: engine.Instance{InstanceID: "trial-1207", ExecutionID: "e5"}, Workflow: "TrialExpiry", Queue: "billing", Status: engine.StatusRunning,
			Created: ago(147 * time.Hour), Updated: ago(147 * time.Hour), HistoryLength: 41, Waiting: &engine.Waiting{Kind: engine.WaitTimer, Until: now.Add(189 * time.Hour)}},
		{Instance: engine.Instance{InstanceID: "late-1", ExecutionID: "e6"}, Workflow: "TrialExpiry", Queue: "billing", Status: engine.StatusRunning,
			Created: ago(time.Hour), Updated: ago(time.Hour), HistoryLength: 4, Waiting: &engine.Waiting{Kind: engine.WaitTimer, Name: "sla", Until: ago(time.Minute)}},
		{Instance: engine.Instance{InstanceID: "import-311", ExecutionID: "e7"}, Workflow: "NightlyImport", Queue: "batch", Status: engine.StatusRunning, Paused: true, Created: ago(12 * time.Minute), Updated: ago(2 * time.Second), HistoryLength: 1204},
		{Instance: engine.Instance{InstanceID: "order-8850", ExecutionID: "e8"}, Workflow: "OrderFulfil", Queue: "default", Status: engine.StatusRunning, Created: ago(400 * time.Millisecond), Updated: ago(400 * time.Millisecond)},
		{Instance: engine.Instance{InstanceID: "order-8612", ExecutionID: "e9"}, Workflow: "OrderFulfil", Queue: "default", Status: engine.StatusCanceled, Created: ago(5 * time.Hour), Updated: ago(time.Minute), Finished: ago(time.Minute), HistoryLength: 40},
		{Instance: engine.Instance{InstanceID: "feed-77", ExecutionID: "e10"}, Workflow: "FeedLoop", Queue: "default", Status: engine.StatusContinuedAsNew, Created: ago(216 * time.Hour), Updated: ago(31 * time.Second), Finished: ago(31 * time.Second), HistoryLength: 12},
		{Instance: engine.Instance{InstanceID: "order-8613", ExecutionID: "e11"}, Workflow: "OrderFulfil", Queue: "default", Status: engine.StatusTerminated, LastError: "duplicate (ana@host-9)", Created: ago(5 * time.Hour), Updated: ago(time.Minute), Finished: ago(time.Minute), HistoryLength: 40},
		{Instance: engine.Instance{InstanceID: "order-8614", ExecutionID: "e12"}, Workflow: "OrderFulfil", Queue: "default", Status: engine.StatusCompleted, Created: ago(5 * time.Hour), Updated: ago(time.Minute), Finished: ago(time.Minute), HistoryLength: 40},
	}
}

// plain returns the lines of a table, and what is wrong with them.
func plain(t *testing.T, table view.Table, width int) string {
	t.Helper()
	var b strings.Builder
	for _, line := range view.Layout(table, width) {
		texts := make([]string, len(line))
		for i, c := range line {
			texts[i] = c.Text
		}
		text := strings.Join(texts, " ")
		if bad := unsafe(text); bad != "" {
			t.Errorf("%q holds %q", text, bad)
		}
		if width > 0 && view.Width(text) > width {
			t.Errorf("%q takes %d of %d", text, view.Width(text), width)
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s\n%v", file, got, want, err)
	}
}

func TestInstances(t *testing.T) {
	o := view.Options{Now: now}
	table := view.Instances(instances(), o)
	golden(t, "instances_80", plain(t, table.Narrow(), 80))
	golden(t, "instances_120", plain(t, table.Narrow(), 120))
	golden(t, "instances_wide", plain(t, table, 0))
	o.ASCII = true
	golden(t, "instances_ascii_60", view.ASCII(plain(t, view.Instances(instances(), o).Narrow(), 60)))
}

func fleet() ([]ops.Queue, []ops.Worker, []ops.Finding) {
	queues := []ops.Queue{
		{QueueStats: backend.QueueStats{Queue: "default", Kind: backend.QueueWorkflow, Ready: 12, Leased: 7, Delayed: 312, OldestReady: ago(41 * time.Second)}, Workers: 2, Used: 9, Slots: 16},
		{QueueStats: backend.QueueStats{Queue: "nobody", Kind: backend.QueueActivity, Ready: 3, OldestReady: ago(time.Hour)}},
	}
	workers := []ops.Worker{
		{Worker: backend.Worker{ID: "w-7f", Host: "host-3", PID: 71, Build: "9c1e", Queues: []engine.Queue{"default", "billing"}, WorkflowsUsed: 3, WorkflowSlots: 8, ActivitiesUsed: 16, ActivitySlots: 16, Leases: 19, Started: ago(41 * time.Minute), Seen: ago(800 * time.Millisecond)}},
		{Worker: backend.Worker{ID: "w-31", Host: "host-7", PID: 9, Build: "41fd", Queues: []engine.Queue{"default"}, Leases: 9, Started: ago(216 * time.Hour), Seen: ago(124 * time.Second)}, Lost: true},
	}
	findings := []ops.Finding{
		{Severity: ops.SeverityProblem, Code: "queue-unserved", Subject: "nobody/activity", Message: "3 tasks are ready and no living worker serves the queue", Advice: "start a worker for it"},
		{Severity: ops.SeverityNote, Code: "mixed-builds", Subject: "default", Message: "workers of several builds serve the queue: 41fd, 9c1e", Advice: "expected during a rollout"},
	}
	return queues, workers, findings
}

func TestFleet(t *testing.T) {
	queues, workers, findings := fleet()
	o := view.Options{Now: now}
	golden(t, "fleet_80", plain(t, view.Queues(queues, o), 80)+plain(t, view.Workers(workers, o).Narrow(), 80)+plain(t, view.Findings(findings, o), 80))
	golden(t, "fleet_wide", plain(t, view.Queues(queues, o), 0)+plain(t, view.Workers(workers, o), 0)+plain(t, view.Findings(findings, o), 0))
}

// recorded returns one event of each kind, from the files that freeze the wire format.
func recorded(t *testing.T) (events []history.Event) {
	t.Helper()
	files, err := filepath.Glob("../../../../engine/history/testdata/v1/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no events: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		some, err := history.Encoded(raw).Decode(int64(len(events) + 1))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		events = append(events, some...)
	}
	return events
}

func TestHistory(t *testing.T) {
	o := view.Options{Now: now}
	golden(t, "history_120", plain(t, view.History(recorded(t), o).Narrow(), 120))
	o.Times = view.UTC
	golden(t, "history_utc", plain(t, view.History(recorded(t), o), 0))
}

func node(s backend.Summary, children ...*ops.Node) *ops.Node {
	return &ops.Node{Summary: s, Children: children}
}

func TestTree(t *testing.T) {
	s := instances()
	root := node(s[6], node(s[0], node(s[3])), node(s[1], node(s[4]), node(s[5])))
	root.Children[0].More = true
	golden(t, "tree", plain(t, view.Tree(root, view.Options{Now: now}), 80)+plain(t, view.Tree(root, view.Options{Now: now, ASCII: true}), 0))
}

func encode(t *testing.T, body history.Body) history.Encoded {
	t.Helper()
	e, err := history.Encode(history.Event{At: now, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func detail(t *testing.T) ops.Detail {
	t.Helper()
	return ops.Detail{Summary: instances()[2], Now: now, Pending: backend.Pending{
		Holder: "w-7f", LeaseUntil: now.Add(30 * time.Second),
		Activities: []backend.PendingActivity{
			{ActivityRow: backend.ActivityRow{Ref: 4, Name: "ChargeCard", Queue: "default", Attempt: 3, LastError: "429 rate limited"}, ReadyAt: now.Add(12 * time.Second)},
			{ActivityRow: backend.ActivityRow{Ref: 5, Name: "Ship", Queue: "default", Attempt: 1}, Holder: "w-22", Started: ago(2100 * time.Millisecond)},
			{ActivityRow: backend.ActivityRow{Ref: 6, Name: "Mail", Queue: "default"}},
		},
		Timers: []backend.Timer{
			{Ref: 3, Due: now.Add(26 * time.Minute), Event: encode(t, history.TimerFired{})}, {Due: ago(time.Second), Event: encode(t, history.WorkflowTimedOut{})},
			{Ref: 4, Due: now.Add(time.Hour), Event: encode(t, history.ActivityFailed{})}, {Due: now, Event: history.Encoded("nonsense")},
		},
		Inbox: []backend.InboxRow{{ID: 7, Event: encode(t, history.SignalReceived{Name: "decision", Arg: engine.Payload(`{"ok":true}`)})}, {ID: 8, Event: history.Encoded("[{")}},
	}}
}

func TestDetail(t *testing.T) {
	d, o := detail(t), view.Options{Now: now}
	unserved := plain(t, view.Detail(d, o), 100)
	d.Workers = []ops.Worker{{Worker: backend.Worker{Workflows: []string{"OrderFulfil"}, Activities: []string{"ChargeCard", "Ship", "Mail"}, Queues: []engine.Queue{"default"}}}}
	golden(t, "detail", unserved+plain(t, view.Detail(d, o), 0)+plain(t, view.Pending(d.Pending, d.StepName, o), 100))
	d.Workers[0].Activities = []string{"Ship"}
	if got := plain(t, view.Detail(d, o), 0); !strings.Contains(got, `no living worker registers activity "ChargeCard"`) {
		t.Error(got)
	}
}

// Whatever somebody has stored, no table shows it so that a terminal would obey.
func TestHostileTexts(t *testing.T) {
	for _, text := range hostile {
		s := backend.Summary{
			Instance: engine.Instance{InstanceID: text, ExecutionID: text}, Workflow: text, Queue: engine.Queue(text), LastError: text, StatusLine: text,
			Build: text, Worker: text, Tags: map[string]string{text: text}, TraceID: text, Parent: &engine.Instance{InstanceID: text}, BlockedBuilds: []string{text},
			BlockClass: text, Block: []byte(text), Created: now, HistoryLength: 1, Waiting: &engine.Waiting{Kind: engine.WaitSignal, Name: text},
		}
		list := []backend.Summary{s, s, s}
		list[0].Status, list[1].Status, list[2].Status = engine.StatusRunning, engine.StatusBlocked, engine.StatusFailed
		w := ops.Worker{Worker: backend.Worker{ID: text, Host: text, Build: text, VCS: text, Queues: []engine.Queue{engine.Queue(text)}, Unhealthy: text}}
		d := ops.Detail{Summary: list[0], Pending: backend.Pending{
			Holder: text, Activities: []backend.PendingActivity{{ActivityRow: backend.ActivityRow{Name: text, LastError: text}, Holder: text}},
			Inbox: []backend.InboxRow{{Event: encode(t, history.SignalReceived{Name: text, Arg: engine.Payload(text)})}},
		}}
		events := []history.Event{{Body: history.ActivityScheduled{Name: text, Args: []engine.Payload{engine.Payload(text)}, Site: history.Site{File: text, Function: text, Line: 1}}}}
		o := view.Options{Now: now}
		for _, table := range []view.Table{
			view.Instances(list, o), view.History(events, o), view.Workers([]ops.Worker{w}, o), view.Detail(d, o), view.Pending(d.Pending, d.StepName, o),
			view.Queues([]ops.Queue{{QueueStats: backend.QueueStats{Queue: engine.Queue(text)}}}, o), view.Tree(node(s, node(s)), o),
			view.Findings([]ops.Finding{{Subject: text, Message: text, Advice: text}}, o),
		} {
			for _, width := range []int{200, 80, 1} {
				plainOf(t, table, width)
			}
		}
	}
}

// plainOf is plain for widths that a table may not fit into.
func plainOf(t *testing.T, table view.Table, width int) {
	t.Helper()
	for _, line := range view.Layout(table, width) {
		for _, c := range line {
			if bad := unsafe(c.Text); bad != "" {
				t.Fatalf("%.100q holds %q", c.Text, bad)
			}
		}
	}
}

func TestSelect(t *testing.T) {
	table, unknown := view.Instances(instances(), view.Options{Now: now}).Select([]string{"status", "instance", "size"})
	if len(unknown) != 1 || unknown[0] != "size" || len(table.Columns) != 2 || table.Rows[0][1].Text != "order-8702" {
		t.Errorf("%v %+v", unknown, table.Columns)
	}
	for _, c := range table.Words().Columns {
		if c.Sign {
			t.Error("a sign among words")
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0s", 400 * time.Millisecond: "0.4s", 9940 * time.Millisecond: "9.9s", 31 * time.Second: "31s", 242 * time.Second: "4m02s", 58*time.Minute + 3*time.Second: "58m", 192 * time.Minute: "3h12m",
		147 * time.Hour: "6d03h", 92 * 24 * time.Hour: "92d", -time.Minute: "-1m00s", -1 << 63: "-" + view.Span(1<<62),
	} {
		if got := view.Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestCaret(t *testing.T) {
	for input, want := range map[string]string{
		"status:fialed":                 "status:fialed\n       ^^^^^^",
		"日本:x":                          "日本:x\n^^^^",
		"age:>":                         "age:>\n     ^",
		"a\x1b[31m":                     `a\x1b[31m` + "\n ^^^^",
		strings.Repeat("x ", 100) + "!": "…" + strings.Repeat("x ", 20) + "!\n" + strings.Repeat(" ", 41) + "^",
	} {
		_, err := filter.Parse(input)
		if got := strings.Join(view.Caret(err, 80), "\n"); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", input, got, want)
		}
	}
	if view.Caret(os.ErrNotExist, 80) != nil {
		t.Error("a caret for another error")
	}
}
