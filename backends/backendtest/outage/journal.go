package outage

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/client"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/activity"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// journal is a file of a line for each attempt of an activity that has begun. A line
// is one write to a file opened for appending: it is there whole even if the process
// is killed right after, and processes may share the file.
type journal struct{ file *os.File }

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the test's own
	if err != nil {
		return nil, err
	}
	return &journal{f}, nil
}

// note writes down an attempt, with the store's time at its beginning.
func (j *journal) note(i activity.Task) error {
	_, err := fmt.Fprintf(j.file, "%s %d %d %d\n", i.Instance, i.Ref, i.Attempt, i.Started.UnixNano())
	return err
}

// job is an activity of an execution.
type job struct {
	instance string
	ref      int64
}

type begun struct {
	attempt int
	at      time.Time
}

func readJournal(t *testing.T, path string) map[job][]begun {
	t.Helper()
	text, err := os.ReadFile(path) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	all := map[job][]begun{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var j job
		var b begun
		var ns int64
		if _, err := fmt.Sscan(lines.Text(), &j.instance, &j.ref, &b.attempt, &ns); err != nil {
			t.Fatalf("the journal has the line %q: %v", lines.Text(), err)
		}
		b.at = time.Unix(0, ns)
		all[j] = append(all[j], b)
	}
	return all
}

// slack is by how much a worker may be wrong about the store's clock.
const slack = 100 * time.Millisecond

// check holds the histories against the journal: all executions have completed, each
// result is of an attempt that began, and no attempt began after the result of its
// activity was stored. It returns how many attempts there were beyond one for each
// activity.
func check(t *testing.T, c *client.Client, path string, executions int) (extra int) {
	t.Helper()
	starts := readJournal(t, path)
	page := backend.Page{Next: "first"}
	seen := 0
	for q := (client.Filter{Limit: backend.MaxLimit}); page.Next != ""; q.Cursor = page.Next {
		var err error
		if page, err = c.List(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Items {
			seen++
			if s.Status != engine.StatusCompleted {
				t.Errorf("%s is %s: %s", s.Instance, s.Status, s.LastError)
			}
			events, err := c.History(t.Context(), &s.Instance)
			if err != nil {
				t.Fatal(err)
			}
			more, problems := checkExecution(s, events, starts)
			extra += more
			for _, p := range problems {
				t.Error(p)
			}
		}
	}
	if seen != executions {
		t.Errorf("the store has %d executions, want %d", seen, executions)
	}
	return extra
}

func checkExecution(s backend.Summary, events []history.Event, starts map[job][]begun) (extra int, problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if err := history.Check(events); err != nil {
		problem("history of %s: %v", s.Instance, err)
	}
	done := map[int64]bool{}
	for n, ev := range events {
		result, ok := ev.Body.(history.ActivityCompleted)
		if !ok || done[ev.Ref] {
			continue
		}
		done[ev.Ref] = true
		began := starts[job{s.Instance.String(), ev.Ref}]
		extra += len(began) - 1
		if !slices.ContainsFunc(began, func(b begun) bool { return b.attempt == result.Run.Attempt }) {
			problem("activity %d of %s has a result of attempt %d, which never began", ev.Ref, s.Instance, result.Run.Attempt)
		}
		for _, b := range began {
			if late := b.at.Sub(storedBy(events[n:], s.Finished)); late > slack {
				problem("activity %d of %s: attempt %d began %v after the result of attempt %d was stored",
					ev.Ref, s.Instance, b.attempt, late, result.Run.Attempt)
			}
		}
	}
	return extra, problems
}

// storedBy is when the step of the first event was durable for sure: the next one has
// begun, or the execution has finished.
func storedBy(events []history.Event, finished time.Time) time.Time {
	for _, ev := range events {
		if ev.Kind() == history.KindTaskStarted {
			return ev.At
		}
	}
	return finished
}

// logbook is a log that a test reads while others write.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// lines returns the lines that hold text.
func (l *logbook) lines(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}
