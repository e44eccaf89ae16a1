package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// benchHistories names the file that the store of long histories is kept in for the
// next time.
const benchHistories = "WFOPS_BENCH_HISTORIES"

// longEvents is how long the long histories are.
const longEvents = 200_000

// BenchmarkConsoleHistory measures the console with a history of 200,000 events open:
// what memory it takes from tab to tab, how long after a key the terminal changes, and
// what it takes when nobody does anything.
func BenchmarkConsoleHistory(b *testing.B) {
	path, binary := longHistories(b), built(b)
	open := func(b *testing.B) *shown {
		p := play(b, binary, path)
		p.until("long-1")
		p.press(":get long-1\r")
		p.rest(10 * quiet)
		return p
	}
	for _, c := range []struct {
		name string
		// keys are pressed one after the other. All that they change is waited for.
		keys []string
	}{
		{"open", nil},
		{"tabs", allTabs},
		{"search", append(allTabs, "2", "/", "a_1068", "\r", "n", "7", "n", "\x1b", "\x1b")},
		{"critical", append(allTabs, "3", "x", "j", "j")},
		{"diff", append(allTabs, ":diff long-1 long-2\r", "n", "n", "\x1b")},
	} {
		b.Run("memory_"+c.name, func(b *testing.B) {
			for b.Loop() {
				p := open(b)
				begun := time.Now()
				for _, key := range c.keys {
					p.press(key)
					p.rest(10 * quiet)
				}
				b.ReportMetric(time.Since(begun).Seconds(), "s/walk")
				p.report(b)
				p.quit()
			}
			b.ReportMetric(0, "ns/op")
			machine(b)
		})
	}
	for _, c := range []struct {
		name   string
		before []string
		keys   []string
	}{
		{"overview", nil, []string{"k", "k", "j"}},
		{"history", []string{"2"}, []string{"k", "\x1b[5~", "j", "G"}},
		{"unfolded", []string{"2", "Z"}, []string{"k", "\x1b[5~", "j", "G"}},
		{"timeline", []string{"3", "G"}, []string{"k", "\x1b[5~", "j", "+", "0"}},
		{"critical", []string{"3", "G", "x"}, []string{"k", "\x1b[5~", "j", "+", "0"}},
		{"data", []string{"5"}, []string{"j", "\x1b[6~", "k", "G", "g"}},
		{"search", []string{"2", "/"}, []string{"~", "\x7f"}}, // nothing has one
		{"raw", []string{"7"}, []string{"j", "\x1b[6~", "k"}},
	} {
		b.Run("key_"+c.name, func(b *testing.B) {
			p := open(b)
			for _, key := range c.before {
				p.press(key)
				p.rest(10 * quiet)
			}
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				took = append(took, p.press(c.keys[i%len(c.keys)]))
			}
			quantiles(b, took)
			p.report(b)
			p.press("\x1b") // out of what is typed
			p.rest(10 * quiet)
			p.quit()
		})
	}
	b.Run("idle", func(b *testing.B) {
		p := open(b)
		p.idle(b)
		p.quit()
	})
}

// allTabs go through all tabs of an instance, and through what can be seen on each.
var allTabs = []string{"2", "g", "\x04", "Z", "G", "3", "g", "+", "0", "4", "5", "G", "Z", "g", "6", "7", "G", "g", "1"}

// BenchmarkConsoleFollows measures what the console takes in a minute in which the
// instance that it shows makes 50 events a second: of the processor, and how its memory
// grows.
func BenchmarkConsoleFollows(b *testing.B) {
	const rate, batch, during = 50, 10, time.Minute
	binary := built(b)
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "app.db")
		store, err := sqlite.Open(b.Context(), path, sqlite.WithSynchronous(sqlite.Normal))
		if err != nil {
			b.Fatal(err)
		}
		w, err := newWriter(b.Context(), store, "long-1")
		if err == nil {
			err = w.write(b.Context(), longEvents)
		}
		if err != nil {
			b.Fatal(err)
		}
		p := play(b, binary, path)
		p.until("long-1")
		p.press(":get long-1\r")
		p.rest(10 * quiet)
		before, used, ticks := p.memory("VmRSS"), p.processor(), time.NewTicker(time.Second*batch/rate)
		for begun := time.Now(); time.Since(begun) < during; <-ticks.C {
			if err := w.write(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		ticks.Stop()
		b.ReportMetric(100*float64(p.processor()-used)/float64(during), "%cpu")
		b.ReportMetric(p.memory("VmRSS")-before, "grown-MiB")
		p.report(b)
		p.quit()
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
	machine(b)
}

// longHistories returns the file of a store with two instances of long histories.
func longHistories(b *testing.B) string {
	b.Helper()
	path := os.Getenv(benchHistories)
	if path == "" {
		path = filepath.Join(b.TempDir(), "long.db")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path
	}
	store, err := sqlite.Open(b.Context(), path, sqlite.WithSynchronous(sqlite.Normal))
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range []string{"long-1", "long-2"} {
		w, err := newWriter(b.Context(), store, id)
		if err == nil {
			err = w.write(b.Context(), longEvents)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// writer is a worker with one instance that never ends: task by task it takes in ten
// results and asks for ten activities more.
type writer struct {
	store   backend.Backend
	task    backend.WorkflowTask
	seq     int64
	ref     int64
	consume []int64
	ready   []history.Event
}

func newWriter(ctx context.Context, store backend.Backend, id string) (*writer, error) {
	started, err := history.Encode(history.Event{At: time.Now(), Body: history.WorkflowStarted{Workflow: "Long"}})
	if err != nil {
		return nil, err
	}
	i := engine.Instance{InstanceID: id, ExecutionID: engine.NewID()}
	if r := store.Create(ctx, []backend.Creation{{Instance: i, FirstExecution: i.ExecutionID, Workflow: "Long", Queue: engine.QueueDefault, Started: started}}); r[0].Err != nil {
		return nil, r[0].Err
	}
	claimed, err := store.ClaimWorkflows(ctx, backend.WorkflowClaim{Worker: "w-1", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{"Long"}, Max: 1, Lease: time.Hour})
	if err != nil {
		return nil, err
	}
	w := &writer{store: store, task: claimed.Tasks[0]}
	w.seq, w.consume = w.task.LastSeq, []int64{w.task.Inbox[0].ID}
	w.add(0, history.TaskStarted{Worker: "worker-1"})
	w.add(0, history.WorkflowStarted{Workflow: "Long", Args: []engine.Payload{engine.Payload(`{"orders":100000}`)}})
	w.commands()
	return w, nil
}

func (w *writer) add(ref int64, body history.Body) {
	w.ready = append(w.ready, history.Event{At: time.Now(), Ref: ref, Body: body})
}

const atOnce = 10

func (w *writer) commands() {
	for range atOnce {
		w.ref++
		w.add(w.ref, history.ActivityScheduled{
			Name: "ChargeCard", Queue: engine.QueueDefault, Args: []engine.Payload{engine.Payload(fmt.Sprintf(`{"order":%d,"sku":"A-113","qty":2}`, w.ref))},
			Site: history.Site{Function: "shop.Fill", File: "fill.go", Line: 88},
		})
	}
}

func (w *writer) next() {
	w.add(0, history.TaskStarted{Worker: "worker-1"})
	for ref := w.ref - atOnce + 1; ref <= w.ref; ref++ {
		at := time.Now()
		w.add(ref, history.ActivityCompleted{Result: engine.Payload(fmt.Sprintf(`{"auth":"a_%d"}`, ref)), Run: history.Run{Attempt: 1, Scheduled: at, Started: at, Worker: "worker-1"}})
	}
	w.commands()
}

// write writes n events, in steps of no more than some hundred.
func (w *writer) write(ctx context.Context, n int) error {
	const chunk = 200
	for n > 0 {
		for len(w.ready) < min(n, chunk) {
			w.next()
		}
		some := w.ready[:min(n, chunk)]
		encoded, err := history.Encode(some...)
		if err != nil {
			return err
		}
		r := w.store.CommitWorkflows(ctx, []backend.WorkflowCommit{{
			Instance: w.task.Instance, Token: w.task.Token, ExpectSeq: w.seq, StepID: engine.NewID(), Events: encoded, Count: len(some), Consume: w.consume,
			Status: engine.StatusRunning, Lease: time.Hour, Summary: backend.SummaryUpdate{Worker: "worker-1"},
		}})
		if r[0].Err != nil {
			return r[0].Err
		}
		n, w.seq, w.consume, w.ready = n-len(some), w.seq+int64(len(some)), nil, w.ready[len(some):]
	}
	return nil
}
