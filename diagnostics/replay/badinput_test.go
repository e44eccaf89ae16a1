package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/diagnostics"
)

// What people may hand in, one by one. Each ends in a report or in an error that says
// what is wrong, within its time limit, and whoever has asked can go on to ask.
func TestBadInput(t *testing.T) {
	t.Parallel()
	t.Run("a bundle", testBadBundles)
	t.Run("a worker binary", testBadPrograms)
	t.Run("workflow code", testBadWorkflows)
}

func testBadBundles(t *testing.T) {
	var good bytes.Buffer
	if err := diagnostics.Write(&good, recorded(t, "ok", 1)); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(good.String(), "\n")
	edited := func(was, is string) []byte {
		if strings.Count(good.String(), was) == 0 {
			t.Fatalf("there is no %s in\n%s", was, good.String())
		}
		return []byte(strings.Replace(good.String(), was, is, 1))
	}
	for name, c := range map[string]struct {
		file  string
		bytes []byte
		// says is in the error, or in the report if it is well formed.
		says     string
		reported bool
	}{
		"that is truncated":                {"a.wfh", good.Bytes()[:good.Len()*2/3], "breaks off after event", false},
		"that is truncated and packed":     {"a.wfh.gz", packed(t, good.Bytes())[:good.Len()/4], "unexpected EOF", false},
		"of a newer version":               {"a.wfh", edited(`"version":1`, `"version":2`), "use a newer wfops", false},
		"with events of a newer version":   {"a.wfh", edited(`"wire":1`, `"wire":2`), "use a newer wfops", false},
		"edited by hand":                   {"a.wfh", edited(`"ref":1`, `"ref":5`), "its events are no history", false},
		"that is a gzip bomb":              {"a.wfh.gz", bomb(t), "at most 64 MiB in one event", false},
		"with a gap in its sequence":       {"a.wfh", []byte(strings.Join(append(lines[:2:2], lines[3:]...), "")), "event 3 follows event 1", false},
		"with unknown event kinds":         {"a.wfh", edited(`"kind":"ActivityScheduled"`, `"kind":"ActivityDreamt"`), `unknown kind "ActivityDreamt"`, false},
		"with payloads that do not decode": {"a.wfh", edited(`"args":[1]`, `"args":["one"]`), "argument 1 can't be decoded", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(file, c.bytes, 0o600); err != nil {
				t.Fatal(err)
			}
			r := startWorker(t, Options{})
			within(t, time.Minute, func(context.Context) {
				b, err := diagnostics.ReadFile(file)
				if !c.reported {
					if _, broken := errors.AsType[*diagnostics.BundleError](err); !broken || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), file) {
						t.Errorf("got %v, want %q", err, c.says)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if res := replayed(t, r, b); res.Verdict != diagnostics.VerdictUnanswerable || res.Class != diagnostics.ClassDecode || !strings.Contains(message(res), c.says) {
					t.Errorf("got %s", res.Summary)
				}
			})
			ok(t, r)
		})
	}
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// bomb is small, and large when it is unpacked.
func bomb(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(z, `{"format":"wfh","version":1,"wire":1,"instance":{"execution_id":"x"},"events":[{"seq":1,"pad":"`)
	for n := 0; n <= diagnostics.MaxBundleEvent>>20 && err == nil; n++ {
		_, err = z.Write(bytes.Repeat([]byte("a"), 1<<20))
	}
	if err := errors.Join(err, z.Close()); err != nil || buf.Len() > 1<<20 {
		t.Fatalf("%d bytes, %v", buf.Len(), err)
	}
	return buf.Bytes()
}

func testBadPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		program, vice string
		says          string // in the error; or it serves
		err           error
	}{
		"that prints to stdout": {program: "worker", vice: "prints"},
		"that floods stdout":    {program: "worker", vice: "floods"},
		"that reads stdin":      {program: "worker", vice: "reads", says: "does not serve after 2s"},
		"that hangs":            {program: "worker", vice: "blocks", says: "does not serve after 2s"},
		"that panics":           {program: "worker", vice: "panics", says: "panic: no configuration"},
		"that exits":            {program: "worker", vice: "exits", says: "no configuration"},
		"that is no replayer":   {program: "console", says: "was not started", err: ErrNotReplayer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			binary := build(t, c.program)
			o := Options{Children: 1, StartTimeout: 2 * time.Second, Env: []string{"VICE=" + c.vice}}
			if c.says == "" || c.vice == "panics" || c.vice == "exits" {
				o.StartTimeout = 20 * time.Second
			}
			within(t, 30*time.Second, func(ctx context.Context) {
				r, err := Start(ctx, binary, o)
				switch {
				case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || c.err != nil && !errors.Is(err, c.err)):
					t.Errorf("got %v, want %q", err, c.says)
				case c.says == "" && err != nil:
					t.Error(err)
				case c.says == "":
					defer r.Close()
					ok(t, r)
				}
			})
			ok(t, startWorker(t, Options{})) // whoever has asked lives on
		})
	}
}

func testBadWorkflows(t *testing.T) {
	for name, c := range map[string]struct {
		workflow string
		verdict  diagnostics.Verdict
		class    diagnostics.Class
		says     string
	}{
		"that loops forever":     {"loops", diagnostics.VerdictUnanswerable, diagnostics.ClassHang, "did not give way"},
		"that blocks forever":    {"waits", diagnostics.VerdictUnanswerable, diagnostics.ClassHang, "did not give way"},
		"that calls os.Exit":     {"exits", diagnostics.VerdictUnanswerable, "", "exit code 3; something has called os.Exit"},
		"that spawns goroutines": {"spawns", diagnostics.VerdictOK, "", "use workflow.Go instead"},
		"that panics in one":     {"panics elsewhere", diagnostics.VerdictUnanswerable, diagnostics.ClassPanic, "panic: in a goroutine"},
		"that prints to stdout":  {"prints", diagnostics.VerdictOK, "", ""},
		"that reads stdin":       {"reads", diagnostics.VerdictOK, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startWorker(t, Options{Timeout: 8 * time.Second})
			before, bad, after := recorded(t, "ok", 1), recorded(t, c.workflow, 1), recorded(t, "changed", 1)
			within(t, 40*time.Second, func(context.Context) {
				for _, b := range []diagnostics.Bundle{before, bad, after} {
					res := replayed(t, r, b)
					switch b.Workflow {
					case "ok":
						if res.Verdict != diagnostics.VerdictOK {
							t.Errorf("before: %s", res.Summary)
						}
					case "changed":
						if res.Class != diagnostics.ClassName || len(res.Notes) > 0 {
							t.Errorf("after: %s, %q", res.Summary, res.Notes)
						}
					default:
						if res.Instance != bad.Instance || res.Verdict != c.verdict || res.Class != c.class || !strings.Contains(message(res)+strings.Join(res.Notes, "\n"), c.says) {
							t.Errorf("got %s for %s, %q", res.Summary, res.Instance, res.Notes)
						}
					}
				}
			})
		})
	}
}
