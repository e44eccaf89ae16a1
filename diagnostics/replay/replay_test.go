package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// What workflow code does to its process is charged to its instance, within the time
// limit, and the next instance is replayed as if nothing had happened.
func TestVices(t *testing.T) {
	t.Parallel()
	const anywhere = ""
	for _, c := range []struct {
		workflow string
		arg      int
		verdict  diagnostics.Verdict
		class    diagnostics.Class
		says     string
		at       string // in the stack
		note     string
	}{
		{"ok", 1, diagnostics.VerdictOK, "", "repeats all 3 events", anywhere, ""},
		{"changed", 1, diagnostics.VerdictDiverged, diagnostics.ClassName, "", "main.init", ""},
		{"prints", 1, diagnostics.VerdictOK, "", "", anywhere, ""},
		{"reads", 1, diagnostics.VerdictOK, "", "", anywhere, ""},
		{"exits", 1, diagnostics.VerdictUnanswerable, "", "exit code 3", anywhere, ""},
		{"panics", 1, diagnostics.VerdictDiverged, diagnostics.ClassPanic, "the code panics at main.", anywhere, ""},
		{"panics elsewhere", 1, diagnostics.VerdictUnanswerable, diagnostics.ClassPanic, "panic: in a goroutine", "main.explode\n\tmain.go:", ""},
		{"goexit", 1, diagnostics.VerdictDiverged, "", "", anywhere, ""},
		{"loops", 1, diagnostics.VerdictUnanswerable, diagnostics.ClassHang, "", anywhere, ""},
		{"waits", 1, diagnostics.VerdictUnanswerable, diagnostics.ClassHang, "", "main.stuck", ""},
		{"spawns", 1, diagnostics.VerdictOK, "", "", anywhere, "main.leftBehind\n\tmain.go:"},
		{"eats", 1, diagnostics.VerdictUnanswerable, "", "of memory, the limit is 128 MiB", anywhere, ""},
		{"recurses", 1, diagnostics.VerdictUnanswerable, diagnostics.ClassPanic, "stack", "main.forever", ""},
		{"random", 1, diagnostics.VerdictDiverged, diagnostics.ClassRandom, "", anywhere, ""},
		{"codec", 1001, diagnostics.VerdictUnanswerable, diagnostics.ClassDecode, "argument 1 can't be decoded", anywhere, ""},
		{"codec", 1002, diagnostics.VerdictDiverged, diagnostics.ClassPanic, "main.codec.Open", anywhere, ""},
		{"codec", 1003, diagnostics.VerdictUnanswerable, diagnostics.ClassHang, "", "main.codec.Open", ""},
		{"codec", 1004, diagnostics.VerdictUnanswerable, diagnostics.ClassDecode, "", anywhere, ""},
		{"unknown", 1, diagnostics.VerdictUnanswerable, diagnostics.ClassUnregistered, "", anywhere, ""},
	} {
		t.Run(fmt.Sprintf("%s %d", c.workflow, c.arg), func(t *testing.T) {
			t.Parallel()
			within(t, time.Minute, func(context.Context) {
				o := Options{Timeout: 8 * time.Second, MemoryBytes: 128 << 20}
				if c.workflow == "recurses" {
					o.MemoryBytes, o.Timeout = 1<<30, 30*time.Second // to write down a stack of that size
				}
				r := startWorker(t, o)
				res := replayed(t, r, recorded(t, c.workflow, c.arg))
				t.Logf("%s\nclass %s\n%s", res.Summary, res.Class, strings.Join(res.Notes, "\n"))
				if res.Verdict != c.verdict || c.class != "" && res.Class != c.class || !strings.Contains(res.Summary+message(res), c.says) {
					t.Errorf("got %s %s: %s, want %s %s that says %q", res.Verdict, res.Class, res.Summary, c.verdict, c.class, c.says)
				}
				if c.at != "" && !strings.Contains(stack(res), c.at) {
					t.Errorf("the stack is %q, want %q in it", stack(res), c.at)
				}
				if !strings.Contains(strings.Join(res.Notes, "\n"), c.note) {
					t.Errorf("the notes are %q, want %q", res.Notes, c.note)
				}
				ok(t, r)
			})
		})
	}
}

func message(r Result) string {
	if r.Divergence == nil {
		return ""
	}
	return r.Divergence.Message
}

func stack(r Result) string {
	if r.Divergence == nil {
		return ""
	}
	return r.Divergence.Stack
}

// A program that takes the connection for itself does not get far with it.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for vice, c := range map[string]struct {
		err  string // or
		says string
	}{
		"garbage":          {err: "no frame of the replay protocol"},
		"deaf":             {err: "no sign of it within 5s"},
		"garbage later":    {says: "the program wrote into the connection"},
		"another's answer": {says: "the program wrote into the connection"},
		"garbled answer":   {says: "the program wrote into the connection"},
	} {
		t.Run(vice, func(t *testing.T) {
			t.Parallel()
			within(t, 30*time.Second, func(ctx context.Context) {
				r := startWorker(t, Options{StartTimeout: 5 * time.Second, Env: []string{"VICE=" + vice}})
				res, err := r.Replay(ctx, recorded(t, "ok", 1))
				if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) || c.err == "" && err != nil {
					t.Fatalf("got %v, want %q", err, c.err)
				}
				if !strings.Contains(res.Summary, c.says) {
					t.Errorf("got %s, want %s", res.Summary, c.says)
				}
			})
		})
	}
}

// Code that never gives way, in a program without a deadline for steps, is ended by
// the console, which shows where it was.
func TestHangWithoutADeadline(t *testing.T) {
	t.Parallel()
	for workflow, at := range map[string]string{"waits": "main.stuck", "loops": ""} {
		t.Run(workflow, func(t *testing.T) {
			t.Parallel()
			r := startWorker(t, Options{Timeout: 3 * time.Second, Env: []string{"VICE=patient"}})
			ok(t, r)
			within(t, 30*time.Second, func(context.Context) {
				res := replayed(t, r, recorded(t, workflow, 1))
				if res.Verdict != diagnostics.VerdictUnanswerable || res.Class != diagnostics.ClassHang || !strings.Contains(res.Summary, "no answer within 3s") ||
					!strings.Contains(stack(res), at) || len(res.Cause.Fixes) == 0 {
					t.Errorf("got %s, stack:\n%s", res.Summary, stack(res))
				}
			})
			ok(t, r)
		})
	}
}

// What a child prints while it replays goes to the output, also from variables that
// were set before, and from other programs.
func TestOutputOfWorkflows(t *testing.T) {
	t.Parallel()
	var out logged
	r := startWorker(t, Options{Output: &out})
	replayed(t, r, recorded(t, "prints", 1))
	r.Close()
	for _, want := range []string{"printed by a workflow", "printed early by a workflow", "printed by another program"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
}

// A history that differs only because of what others have left in package-level
// variables is fine, and the note says so.
func TestGlobalsLeak(t *testing.T) {
	t.Parallel()
	r := startWorker(t, Options{Replay: diagnostics.Options{Passes: 40}})
	b := recorded(t, "leaks", 1)
	if res := replayed(t, r, b); res.Verdict != diagnostics.VerdictOK || len(res.Notes) > 0 {
		t.Fatalf("alone: %s, %q", res.Summary, res.Notes)
	}
	res := replayed(t, r, b)
	if res.Verdict != diagnostics.VerdictOK || len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "package-level variables") {
		t.Errorf("after another: %s, %q", res.Summary, res.Notes)
	}
}

// What an instance has left behind, and what brings its process down later, is not
// charged to the next one.
func TestLateEnd(t *testing.T) {
	t.Parallel()
	r := startWorker(t, Options{MemoryBytes: 128 << 20, Replay: diagnostics.Options{Passes: 1}})
	if res := replayed(t, r, recorded(t, "grows", 1)); res.Verdict != diagnostics.VerdictOK {
		t.Fatal(res.Summary)
	}
	c := r.idle[0]
	for deadline := time.Now().Add(20 * time.Second); alive(c); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the child goes on")
		}
	}
	ok(t, r)
}

// alive asks the system: nobody reads what the child has said last.
func alive(c *child) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	return err == nil && !bytes.Contains(state, []byte(") Z "))
}

// Code is looked at closely in some instances of each workflow, and quickly in the
// others, unless the caller has said how.
func TestPasses(t *testing.T) {
	r := startWorker(t, Options{Replay: diagnostics.Options{PassTime: 0}})
	few, many := 0, 0
	for range closely + 5 {
		if q := r.request(diagnostics.Bundle{Workflow: "a"}); q.Passes == quickPasses {
			few++
		} else if q.Passes == 0 {
			many++
		}
	}
	if q := r.request(diagnostics.Bundle{Workflow: "b"}); few != 5 || many != closely || q.Passes != 0 {
		t.Errorf("%d closely, %d quickly, and another workflow %d", many, few, q.Passes)
	}
	told := startWorker(t, Options{Replay: diagnostics.Options{Passes: 7}})
	for range closely + 5 {
		if q := told.request(diagnostics.Bundle{Workflow: "a"}); q.Passes != 7 {
			t.Errorf("%d passes", q.Passes)
		}
	}
	if res := replayed(t, told, recorded(t, "ok", 1)); res.Passes.Run != 7+1 { // in another process
		t.Errorf("%d passes", res.Passes.Run)
	}
}

// Only the first few instances that come to the same are replayed in a process of their
// own too, and of a workflow whose instances differ each in its own way no more than some.
func TestConfirmations(t *testing.T) {
	t.Parallel()
	r := startWorker(t, Options{Replay: diagnostics.Options{Passes: 2}})
	for range confirmations + 2 {
		ok(t, r)
		if res := replayed(t, r, recorded(t, "changed", 1)); res.Verdict != diagnostics.VerdictDiverged || len(res.Notes) > 0 || res.Passes.Run < 2 || res.Passes.Run > 3 {
			t.Errorf("got %s, %+v, %q", res.Summary, res.Passes, res.Notes)
		}
	}
	fine, changed := r.of("ok"), r.of("changed")
	if fine.fine != confirmations || changed.differed != confirmations || len(changed.differ) != 1 {
		t.Errorf("confirmed were %+v and %+v, want %d", fine, changed, confirmations)
	}
	for n := range closely + 5 {
		res := replayed(t, r, recorded(t, "changed", 1))
		res.Divergence.Code.Name = fmt.Sprint("b", n)
		if !r.enough(res, false) {
			r.confirm(res)
		}
	}
	if changed.differed != closely {
		t.Errorf("%d were confirmed, want %d", changed.differed, closely)
	}
	if changed.leaks = true; r.enough(replayed(t, r, recorded(t, "changed", 1)), false) {
		t.Error("of a workflow whose instances leak into each other one is believed")
	}
}

// What is drawn once for each process is the same in all passes of one, and still random:
// a replay of one instance looks into a second process.
func TestAnotherProcess(t *testing.T) {
	t.Parallel()
	for workflow, c := range map[string]struct {
		before string // replayed first in the same process, if any
		class  diagnostics.Class
		note   string
	}{
		"drawn: first as recorded":                {"", diagnostics.ClassRandom, "in another process it came to something else (ok"},
		"drawn: then as recorded":                 {"", diagnostics.ClassRandom, "in another process it came to something else (ok"},
		"drawn: first as recorded, after another": {"ok", diagnostics.ClassName, "after other instances in the same process it came to something else (ok"},
	} {
		t.Run(workflow, func(t *testing.T) {
			t.Parallel()
			workflow, _, _ := strings.Cut(workflow, ", ")
			r := startWorker(t, Options{Env: []string{"MARK=" + filepath.Join(t.TempDir(), "mark")}, Replay: diagnostics.Options{Passes: 5}})
			if c.before != "" {
				r.of(c.before).fine = confirmations // so that there is no second process yet
				replayed(t, r, recorded(t, c.before, 1))
			}
			res := replayed(t, r, recorded(t, workflow, 1))
			if res.Verdict != diagnostics.VerdictDiverged || res.Class != c.class || len(res.Notes) != 1 || !strings.Contains(res.Notes[0], c.note) {
				t.Errorf("got %s, %q", res.Summary, res.Notes)
			}
			if c.class == diagnostics.ClassRandom && (res.Passes != diagnostics.Passes{Run: 6, Agreed: 5} || res.Cause.Class != c.class || !strings.Contains(res.Summary, "RANDOM")) {
				t.Errorf("got %+v, %+v", res.Passes, res.Cause)
			}
		})
	}
}

// A workflow that hangs again and again is not waited for as long as at first. The program
// itself has no deadline for steps.
func TestHangsGetLessTime(t *testing.T) {
	t.Parallel()
	r := startWorker(t, Options{Timeout: 3 * time.Second, Env: []string{"VICE=patient"}})
	for range confirmations {
		if res := replayed(t, r, recorded(t, "waits", 1)); res.Class != diagnostics.ClassHang || !strings.Contains(message(res), "no answer within 3s") {
			t.Errorf("got %s, %q", res.Summary, res.Notes)
		}
	}
	res := replayed(t, r, recorded(t, "waits", 1))
	if res.Class != diagnostics.ClassHang || !strings.Contains(message(res), "did not give way before the step deadline") || len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "100ms") {
		t.Errorf("got %s, %q", res.Summary, res.Notes)
	}
	ok(t, r)
}

func TestManyAtATime(t *testing.T) {
	t.Parallel()
	r := startWorker(t, Options{Children: 2, Timeout: 5 * time.Second})
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			name := []string{"ok", "changed", "exits", "spawns"}[n%4]
			res, err := r.Replay(t.Context(), recorded(t, name, 1))
			want := []diagnostics.Verdict{diagnostics.VerdictOK, diagnostics.VerdictDiverged, diagnostics.VerdictUnanswerable, diagnostics.VerdictOK}[n%4]
			if err != nil || res.Verdict != want || res.Workflow != name {
				t.Errorf("%s: %s, %v", name, res.Summary, err)
			}
		})
	}
	wg.Wait()
}

func TestReplayIsCanceled(t *testing.T) {
	t.Parallel()
	r := startWorker(t, Options{Timeout: time.Hour, Env: []string{"VICE=patient"}})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := r.Replay(ctx, recorded(t, "waits", 1)); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(begun), err)
	}
	ok(t, r)
	r.Close()
	if _, err := r.Replay(t.Context(), recorded(t, "ok", 1)); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Bundles that no replay can make sense of don't get in the way of others.
func TestBundlesThatCannotBeReplayed(t *testing.T) {
	r := startWorker(t, Options{})
	gap := recorded(t, "ok", 1)
	gap.Events = append(gap.Events[:1:1], gap.Events[2])
	nameless := recorded(t, "ok", 1)
	nameless.Instance.ExecutionID = ""
	redacted := recorded(t, "ok", 1)
	redacted.Redacted = true
	for name, b := range map[string]diagnostics.Bundle{"gap": gap, "nameless": nameless, "redacted": redacted, "empty": {}} {
		if res := replayed(t, r, b); res.Verdict != diagnostics.VerdictUnanswerable {
			t.Errorf("%s: %s", name, res.Summary)
		}
	}
	ok(t, r)
}

// A console that is killed leaves no children behind.
func TestChildrenEndWithTheConsole(t *testing.T) {
	r := startWorker(t, Options{Timeout: time.Hour, Env: []string{"VICE=patient"}})
	c, err := r.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body, err := encode(request{}, recorded(t, "loops", 1))
	if err != nil {
		t.Fatal(err)
	}
	c.send(frame{kindRequest, 1, body})
	if f := <-c.frames; f.kind != kindBegun {
		t.Fatalf("got %q", rune(f.kind))
	}
	if err := c.in.Close(); err != nil { // as the system does for a process that ends
		t.Fatal(err)
	}
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		t.Error("the child goes on")
		c.kill()
	}
	if _, err := os.Stat(c.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is still there: %v", err)
	}
}
