package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/sqlite"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

// BenchmarkConsole measures the console as it is shipped, on a terminal of 120 by 40:
// from the start to the first list, from a key to what it changes on the terminal, and
// what it takes of processor and memory. The machine's load is part of the result.
func BenchmarkConsole(b *testing.B) {
	n, path := crowded(b)
	binary := built(b)
	last := fmt.Sprintf("order-%08d", (n-1)/10_000*10_000+1) // the newest that is blocked is on top
	b.Run("start", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			begun := time.Now()
			p := play(b, binary, path)
			p.until(last)
			took = append(took, time.Since(begun))
			p.quit()
		}
		quantiles(b, took)
	})
	for _, c := range []struct {
		name string
		keys []string
	}{
		{"key_down", []string{"j"}},
		{"key_page", []string{"\x1b[6~"}},
		{"key_up_down", []string{"k", "j", "g", "j"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := play(b, binary, path)
			p.until(last)
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				took = append(took, p.press(c.keys[i%len(c.keys)]))
			}
			quantiles(b, took)
			p.quit()
		})
	}
	b.Run("idle", func(b *testing.B) {
		p := play(b, binary, path)
		p.until(last)
		<-time.After(idleAfter)
		for b.Loop() {
			before, begun := p.processor(), time.Now()
			<-time.After(idleFor)
			b.ReportMetric(100*float64(p.processor()-before)/float64(time.Since(begun)), "%cpu")
		}
		b.ReportMetric(p.memory("VmRSS"), "RSS-MiB")
		p.quit()
		machine(b)
	})
	b.Run("history", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "long.db")
		if err := longHistory(b.Context(), path, longEvents); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			p := play(b, binary, path)
			p.until("long")
			p.press("\r")
			begun := time.Now()
			p.press("2")
			p.press("G")
			p.rest(10 * quiet)
			b.ReportMetric(float64((time.Since(begun) - 10*quiet).Milliseconds()), "ms-to-the-end")
			for _, key := range []string{"g", "\x04", "Z", "G", "3", "5", "2"} {
				p.press(key)
				p.rest(10 * quiet)
			}
			b.ReportMetric(p.memory("VmRSS"), "RSS-MiB")
			b.ReportMetric(p.memory("VmHWM"), "max-RSS-MiB")
			p.quit()
		}
		machine(b)
	})
}

const (
	// idleAfter is how long after the start there is nothing to do any more, and
	// idleFor how long that is looked at.
	idleAfter, idleFor = 3 * time.Second, 30 * time.Second
	longEvents         = 200_000
)

func quantiles(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(share int) float64 { return float64(took[len(took)*share/100].Microseconds()) / 1000 }
	b.ReportMetric(ms(50), "p50-ms")
	b.ReportMetric(ms(95), "p95-ms")
	b.ReportMetric(0, "ns/op")
	machine(b)
}

// machine tells how much else the machine had to do.
func machine(b *testing.B) {
	b.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	load, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(load, "load")
}

// shown is the console on a terminal that only notes what is written to it.
type shown struct {
	testing.TB

	cmd *exec.Cmd
	tty *os.File

	mu      sync.Mutex
	written []byte
	news    chan struct{}
}

func play(b testing.TB, binary string, args ...string) *shown {
	b.Helper()
	outer, inner, err := openTerminal(120, 40)
	if err != nil {
		b.Fatal(err)
	}
	p := &shown{TB: b, cmd: exec.CommandContext(b.Context(), binary, args...), tty: outer, news: make(chan struct{}, 1)} //nolint:gosec // ours
	p.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "HOME="+b.TempDir())
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = inner, inner, inner
	p.cmd.SysProcAttr = ownTerminal()
	if err := errors.Join(p.cmd.Start(), inner.Close()); err != nil {
		b.Fatal(err)
	}
	go p.read()
	return p
}

func (p *shown) read() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := p.tty.Read(buffer)
		p.mu.Lock()
		p.written = append(p.written, buffer[:n]...)
		p.mu.Unlock()
		select {
		case p.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// until waits until a text has been written.
func (p *shown) until(text string) {
	p.Helper()
	late := time.After(time.Minute)
	for {
		p.mu.Lock()
		there := bytes.Contains(p.written, []byte(text))
		p.mu.Unlock()
		if there {
			return
		}
		select {
		case <-p.news:
		case <-late:
			p.Fatalf("the console does not show %q:\n%q", text, p.written[max(0, len(p.written)-4000):])
		}
	}
}

// quiet is how long nothing is written when a frame is complete.
const quiet = 30 * time.Millisecond

// press presses a key, and returns when the first of what it changes was there. What
// comes later is waited for, so that the next key does not meet it.
func (p *shown) press(key string) time.Duration {
	p.Helper()
	p.rest(quiet)
	begun := time.Now()
	if _, err := p.tty.WriteString(key); err != nil {
		p.Fatal(err)
	}
	select {
	case <-p.news:
	case <-time.After(time.Second): // nothing has changed
	}
	return time.Since(begun)
}

// rest waits until nothing has been written for a while.
func (p *shown) rest(quiet time.Duration) {
	for {
		select {
		case <-p.news:
		case <-time.After(quiet):
			return
		}
	}
}

func (p *shown) quit() {
	p.Helper()
	p.rest(quiet)
	if _, err := p.tty.WriteString(":quit\r"); err != nil {
		p.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("the console ended with %v", err)
	}
	_ = p.tty.Close()
}

// processor returns the time that the console has used of it.
func (p *shown) processor() time.Duration {
	p.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, field := range fields[11:13] { // in user mode, and in the kernel
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			p.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

// memory returns a figure of the console's memory, in MiB.
func (p *shown) memory(name string) float64 {
	p.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				p.Fatal(err)
			}
			return kib / 1024
		}
	}
	p.Fatalf("there is no %s", name)
	return 0
}

// longHistory makes a store with one instance whose history has n events.
func longHistory(ctx context.Context, path string, n int) error {
	store, err := sqlite.Open(ctx, path, sqlite.WithSynchronous(sqlite.Normal))
	if err != nil {
		return err
	}
	return errors.Join(grow(ctx, store, n), store.Close())
}

func grow(ctx context.Context, store backend.Backend, n int) error {
	started, err := history.Encode(history.Event{At: time.Now(), Body: history.WorkflowStarted{Workflow: "Long"}})
	if err != nil {
		return err
	}
	i := engine.Instance{InstanceID: "long", ExecutionID: engine.NewID()}
	if r := store.Create(ctx, []backend.Creation{{Instance: i, FirstExecution: i.ExecutionID, Workflow: "Long", Queue: engine.QueueDefault, Started: started}}); r[0].Err != nil {
		return r[0].Err
	}
	claimed, err := store.ClaimWorkflows(ctx, backend.WorkflowClaim{Worker: "w-1", Queues: []engine.Queue{engine.QueueDefault}, Workflows: []string{"Long"}, Max: 1, Lease: time.Hour})
	if err != nil {
		return err
	}
	task := claimed.Tasks[0]
	events := []history.Event{{At: time.Now(), Body: history.TaskStarted{Worker: "w-1"}}, {At: time.Now(), Body: history.WorkflowStarted{Workflow: "Long"}}}
	const chunk = 200
	seq, ref := task.LastSeq, int64(0)
	for made := 0; made < n; {
		for len(events) < chunk {
			at := time.Now()
			ref++
			events = append(events,
				history.Event{At: at, Ref: ref, Body: history.ActivityScheduled{Name: "Charge", Queue: engine.QueueDefault, Args: []engine.Payload{engine.Payload(`{"order":8841,"sku":"A-113","qty":2}`)}, Site: history.Site{Function: "shop.Fill", File: "fill.go", Line: 88}}},
				history.Event{At: at, Ref: ref, Body: history.ActivityCompleted{Result: engine.Payload(`{"auth":"a_1068"}`), Run: history.Run{Attempt: 1, Scheduled: at, Started: at, Worker: "w-1"}}})
		}
		encoded, err := history.Encode(events...)
		if err != nil {
			return err
		}
		c := backend.WorkflowCommit{
			Instance: i, Token: task.Token, ExpectSeq: seq, StepID: engine.NewID(), Events: encoded, Count: len(events),
			Status: engine.StatusRunning, Lease: time.Hour, Summary: backend.SummaryUpdate{Worker: "w-1"},
		}
		if made == 0 {
			c.Consume = []int64{task.Inbox[0].ID}
		}
		made += len(events)
		if r := store.CommitWorkflows(ctx, []backend.WorkflowCommit{c}); r[0].Err != nil {
			return r[0].Err
		}
		seq += int64(len(events))
		events = events[:0]
	}
	return nil
}
