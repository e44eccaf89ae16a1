package diagnostics_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

func shop(ctx workflow.Context, sku string) (int, error) {
	if _, err := workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "reserve", sku).Get(ctx); err != nil {
		return 0, err
	}
	if _, err := workflow.CreateSubWorkflowInstance[int](ctx, workflow.SubWorkflowOptions{InstanceID: "parcel"}, "ship", sku).Get(ctx); err != nil {
		return 0, err
	}
	return workflow.ExecuteActivity[int](ctx, workflow.ActivityOptions{}, "charge", "secret-card").Get(ctx)
}

func shopBundle(tb testing.TB) diagnostics.Bundle {
	tb.Helper()
	return record(tb, shop, world{args: []any{"secret-sku"}, retries: map[string]int{"charge": 1}})
}

func written(tb testing.TB, b diagnostics.Bundle) string {
	tb.Helper()
	var buf strings.Builder
	if err := diagnostics.Write(&buf, b); err != nil {
		tb.Fatal(err)
	}
	return buf.String()
}

func TestBundleRoundTrip(t *testing.T) {
	b := shopBundle(t)
	if b.Workflow != "flow" || b.Status != engine.StatusCompleted || len(b.Children) != 1 || b.Children[0].Instance.InstanceID != "parcel" || len(b.Builds) != 1 {
		t.Errorf("head: %+v", b)
	}
	for _, name := range []string{"a.wfh", "a.wfh.gz"} {
		file := filepath.Join(t.TempDir(), name)
		if err := diagnostics.WriteFile(file, b); err != nil {
			t.Fatal(err)
		}
		got, err := diagnostics.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, b) {
			t.Errorf("%s\n got %+v\nwant %+v", name, got, b)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestWriteFileLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	bad := diagnostics.Bundle{Instance: engine.Instance{InstanceID: "a", ExecutionID: "b"}, Events: []history.Event{{Seq: 1}}}
	if err := diagnostics.WriteFile(filepath.Join(dir, "a.wfh"), bad); err == nil {
		t.Error("an event without a body was written")
	}
	if err := diagnostics.WriteFile(filepath.Join(dir, "no", "a.wfh"), shopBundle(t)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestReadRefuses(t *testing.T) {
	good := written(t, shopBundle(t))
	lines := strings.SplitAfter(good, "\n")
	for name, c := range map[string]struct {
		in   string
		want string
	}{
		"nothing":           {"", "breaks off after event 0"},
		"other text":        {"hello", "breaks off after event 0"},
		"an array":          {"[]", "[ where { should be"},
		"truncated in head": {good[:20], "it is no JSON: unexpected EOF"},
		"truncated":         {good[:len(good)/2], "breaks off after event"},
		"no end":            {strings.TrimSuffix(good, "}\n"), "breaks off after event"},
		"more after it":     {good + "{}", "something follows its end"},
		"newer":             {strings.Replace(good, `"version":1`, `"version":2`, 1), "version 2 of the format"},
		"newer events":      {strings.Replace(good, `"wire":1`, `"wire":7`, 1), "events have version 7"},
		"another format":    {strings.Replace(good, `"wfh"`, `"har"`, 1), `format is "har"`},
		"no instance":       {strings.Replace(good, `"instance"`, `"instanz"`, 1), `no "instance"`},
		"twice":             {strings.Replace(good, `"wire":1`, `"wire":1,"wire":1`, 1), `"wire" twice`},
		"a gap":             {strings.Join(append(append([]string{}, lines[:3]...), lines[4:]...), ""), "event 4 follows event 2"},
		"an unknown kind":   {strings.Replace(good, `"kind":"ChildScheduled"`, `"kind":"ChildDreamt"`, 1), "unknown kind \"ChildDreamt\""},
		"a broken time":     {strings.Replace(good, `"at":"2030`, `"at":"20x0`, 1), "event 1: it is broken"},
		"no history":        {lines[0] + strings.ReplaceAll(strings.Join(lines[1:], ""), `"ref":2`, `"ref":5`), "its events are no history"},
		"half a gzip":       {packed(t, good)[:100], "unexpected EOF"},
		"a broken gzip":     {"\x1f\x8b" + good, "can't be unpacked"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := diagnostics.Read(strings.NewReader(c.in))
			if _, bad := errors.AsType[*diagnostics.BundleError](err); !bad {
				t.Fatalf("no *BundleError: %v", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q\nwant it to contain %q", err, c.want)
			}
		})
	}
}

func packed(tb testing.TB, s string) string {
	tb.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := io.WriteString(z, s); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.String()
}

func TestReadUnknownKindCanBeTold(t *testing.T) {
	good := written(t, shopBundle(t))
	_, err := diagnostics.Read(strings.NewReader(strings.Replace(good, `"kind":"ChildScheduled"`, `"kind":"ChildDreamt"`, 1)))
	var unknown *history.UnknownKindError
	if !errors.As(err, &unknown) || unknown.Kind != "ChildDreamt" || unknown.Seq == 0 {
		t.Errorf("got %v", err)
	}
}

func TestReadPassesOnErrorsOfTheReader(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := diagnostics.Read(io.MultiReader(strings.NewReader(written(t, shopBundle(t))[:300]), failing{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A bomb is refused when the limit is reached, not when memory is.
func TestReadStopsAtTheLimit(t *testing.T) {
	_, err := diagnostics.ReadLimited(strings.NewReader(packed(t, `{"format":"wfh","version":1,"pad":"`+strings.Repeat("a", 1<<20)+`"}`)), 64<<10, 64<<10)
	if !errors.Is(err, diagnostics.ErrBundleTooLarge) {
		t.Errorf("got %v", err)
	}
	if _, err := diagnostics.ReadLimited(strings.NewReader(written(t, shopBundle(t))), 64<<10, 64<<10); err != nil {
		t.Errorf("below the limit: %v", err)
	}
}

// One value can't take more memory than an event may, however small it is when packed.
func TestReadStopsAtOneLargeValue(t *testing.T) {
	const event = 4 << 20
	bomb := func(before string) io.Reader {
		r, w := io.Pipe()
		go func() {
			z := gzip.NewWriter(w)
			_, err := io.WriteString(z, before)
			block := bytes.Repeat([]byte("a"), 1<<20)
			for n := 0; n < 1<<10 && err == nil; n++ { // a gibibyte, unless it is left alone
				_, err = z.Write(block)
			}
			w.CloseWithError(errors.Join(err, z.Close()))
		}()
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	for name, before := range map[string]string{
		"a member of the head": `{"format":"wfh","version":1,"pad":"`,
		"a name":               `{"format":"wfh","version":1,"`,
		"an event":             `{"format":"wfh","version":1,"instance":{"execution_id":"x"},"events":[{"seq":1,"pad":"`,
	} {
		var earlier, later runtime.MemStats
		runtime.ReadMemStats(&earlier)
		_, err := diagnostics.ReadLimited(bomb(before), 1<<40, event)
		runtime.ReadMemStats(&later)
		if !errors.Is(err, diagnostics.ErrBundleTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if made := (later.TotalAlloc - earlier.TotalAlloc) >> 20; made > 8*event>>20 {
			t.Errorf("%s took %d MiB of memory", name, made)
		}
	}
}

// What can't be read is not written.
func TestWriteStopsAtTheLimits(t *testing.T) {
	b := shopBundle(t)
	whole := len(written(t, b))
	for _, c := range []struct {
		event, all int
		large      bool
	}{{1 << 20, whole, false}, {100, whole, true}, {1 << 20, whole / 2, true}, {1 << 20, whole - 20, true}} {
		if err := diagnostics.WriteLimited(io.Discard, b, c.event, c.all); errors.Is(err, diagnostics.ErrBundleTooLarge) != c.large {
			t.Errorf("%d and %d: %v", c.event, c.all, err)
		}
	}
}

// secrets puts a value that must not be seen into every place that can hold one.
func secrets() []history.Event {
	const s = "secret"
	p := func(v string) engine.Payload { return engine.Payload(v) }
	f := &engine.Failure{Type: "T", Code: "c", Message: s, StackTrace: s, Causes: []*engine.Failure{{Type: "U", Message: s}}}
	h := history.Headers{"user": s}
	tr := history.Trace{Parent: "00-1", State: s}
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	bodies := []history.Body{
		history.TaskStarted{Worker: "w"},
		history.WorkflowStarted{Workflow: "flow", Args: []engine.Payload{p(`{"a":["secret",1,null,true],"secret@b.c":2}`), nil}, Tags: map[string]string{"t": s},
			Headers: h, Trace: tr, Signals: []history.CarriedSignal{{Name: "s", Arg: p(`"secret"`)}}},
		history.SignalReceived{Name: "n", Arg: p(`"secret"`), Headers: h, Trace: tr},
		history.EventDropped{Event: history.Encoded(`[{"kind":"SignalReceived","body":{"arg":"secret"}}]`), Reason: s},
		history.CancelRequested{Reason: s},
		history.ActivityScheduled{Name: "a", Args: []engine.Payload{p("secret, no JSON")}, Headers: h, Trace: tr},
		history.ChildScheduled{Workflow: "c", Args: []engine.Payload{p(`"secret"`)}, Headers: h, Trace: tr},
		history.SignalSent{Name: "s", InstanceID: "i", Arg: p(`"secret"`), Headers: h, Trace: tr},
		history.SideEffectRecorded{Value: p(`"secret"`), Failure: f},
		history.MutableSideEffectRecorded{ID: "m", Call: 1, Value: p(`"secret"`), Failure: f},
		history.ActivityAttemptFailed{Failure: f},
		history.ActivityFailed{Failure: f},
		history.ActivityCompleted{Result: p(`"secret"`)},
		history.ChildFailed{Failure: f},
		history.ChildCompleted{Result: p(`"secret"`)},
		history.SignalFailed{Failure: f},
	}
	var events []history.Event
	ref := int64(0)
	for _, b := range bodies {
		e := history.Event{Seq: int64(len(events)) + 1, At: at, Body: b}
		switch history.ClassOf(b) {
		case history.ClassCommand:
			ref++
			e.Ref = ref
		case history.ClassAnswer:
			e.Ref = map[history.Kind]int64{history.KindActivityScheduled: 1, history.KindChildScheduled: 2, history.KindSignalSent: 3}[history.Target(b)]
		}
		events = append(events, e)
	}
	return events
}

func TestRedact(t *testing.T) {
	finals := []history.Body{
		history.WorkflowCompleted{Result: engine.Payload(`"secret"`)}, history.WorkflowFailed{Failure: &engine.Failure{Message: "secret"}},
		history.WorkflowCanceled{Failure: &engine.Failure{Message: "secret"}}, history.WorkflowTerminated{Reason: "secret"},
		history.WorkflowContinuedAsNew{Args: []engine.Payload{engine.Payload(`"secret"`)}},
	}
	inst := engine.Instance{InstanceID: "i", ExecutionID: "e"}
	for _, final := range finals {
		events := secrets()
		events = append(events, history.Event{Seq: int64(len(events)) + 1, At: epoch, Body: final})
		b := diagnostics.NewBundle(inst, events)
		before := written(t, b)
		r := diagnostics.Redact(b)
		text := written(t, r)
		if strings.Contains(strings.ReplaceAll(text, "secret:", ""), "secret") {
			t.Errorf("a value is left:\n%s", text)
		}
		if got, err := diagnostics.Read(strings.NewReader(text)); err != nil || !got.Redacted {
			t.Errorf("a redacted bundle can't be read: %v", err)
		}
		if written(t, b) != before {
			t.Error("Redact changed its argument")
		}
		if again := written(t, diagnostics.Redact(b)); again == text {
			t.Error("two bundles have the same key")
		}
	}
}

// Equal values stay equal, and the shape tells what a value looked like.
func TestRedactKeepsWhatIsNoValue(t *testing.T) {
	r := diagnostics.Redact(diagnostics.NewBundle(engine.Instance{InstanceID: "i", ExecutionID: "e"}, secrets()))
	args := r.Events[1].Body.(history.WorkflowStarted).Args
	if !strings.Contains(string(args[0]), `"a":["string","number","null","bool"]`) || args[1] != nil {
		t.Errorf("shape: %s", args)
	}
	sent, received := r.Events[7].Body.(history.SignalSent), r.Events[2].Body.(history.SignalReceived)
	if string(sent.Arg) != string(received.Arg) {
		t.Errorf("equal values differ: %s and %s", sent.Arg, received.Arg)
	}
	if f := r.Events[11].Body.(history.ActivityFailed).Failure; f.Type != "T" || f.Code != "c" || len(f.Causes) != 1 {
		t.Errorf("failure: %+v", f)
	}
}

// Whatever the bytes are, Read ends with a bundle that can be written and read
// again, or with an error.
func FuzzRead(f *testing.F) {
	good := written(f, shopBundle(f))
	f.Add([]byte(good))
	f.Add([]byte(packed(f, good)))
	f.Add([]byte(good[:len(good)/2]))
	f.Add([]byte(written(f, diagnostics.Redact(shopBundle(f)))))
	f.Add([]byte(`{"format":"wfh","version":1,"instance":{"execution_id":"a"},"events":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := diagnostics.ReadLimited(bytes.NewReader(data), 1<<20, 1<<20)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		text := written(t, b)
		again, err := diagnostics.Read(strings.NewReader(text))
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, text)
		}
		if written(t, again) != text {
			t.Errorf("what was read and written has changed\n%s", text)
		}
		if _, err := diagnostics.Read(strings.NewReader(written(t, diagnostics.Redact(b)))); err != nil {
			t.Errorf("redacted, it can't be read: %v", err)
		}
	})
}

// Nobody chooses a folder by the id of an instance.
func TestFileName(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ instance, execution, want string }{
		{"order-1", "e_2", "order-1-e_2.wfh.gz"},
		{"../../etc/passwd", "a b", "______etc_passwd-a_b.wfh.gz"},
		{`C:\x`, "ü", "C__x-_.wfh.gz"},
		{long, "e", long[:80] + "-e.wfh.gz"},
	} {
		b := diagnostics.Bundle{Instance: engine.Instance{InstanceID: c.instance, ExecutionID: c.execution}}
		if got := b.FileName(); got != c.want {
			t.Errorf("%q: %q, want %q", c.instance, got, c.want)
		}
	}
}
