package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
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
		p.idle(b)
		p.quit()
	})
}

const (
	// idleAfter is how long after the start there is nothing to do any more, and
	// idleFor how long that is looked at.
	idleAfter, idleFor = 3 * time.Second, 30 * time.Second
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

// idle measures what the console takes when nobody does anything.
func (p *shown) idle(b *testing.B) {
	b.Helper()
	<-time.After(idleAfter)
	for b.Loop() {
		before, begun := p.processor(), time.Now()
		<-time.After(idleFor)
		b.ReportMetric(100*float64(p.processor()-before)/float64(time.Since(begun)), "%cpu")
	}
	b.ReportMetric(0, "ns/op")
	p.report(b)
	machine(b)
}

// report tells the console's memory, now and at most.
func (p *shown) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(p.memory("VmRSS"), "RSS-MiB")
	b.ReportMetric(p.memory("VmHWM"), "max-RSS-MiB")
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
