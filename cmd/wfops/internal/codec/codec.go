// Package codec opens and seals payloads with the help of a program that has the key,
// so that the console need not have it. The program is the user's; a profile names it.
//
// It is started once and asked a line at a time on its standard input:
//
//	open BASE64
//	seal BASE64
//
// It answers each with a line on its standard output, "ok BASE64" or "error TEXT", and
// ends when its standard input ends. What it says beside that is not believed: an answer
// to another question could be taken for one to this.
package codec

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/wfops/wfops/engine"
)

// Process is a program that opens and seals. It is safe for concurrent use.
type Process struct {
	command  []string
	patience time.Duration
	rest     time.Duration
	opened   cache

	// life is that of the program, whoever asks it: one who waits no longer must not take
	// it from the others. stop ends it.
	life context.Context
	stop context.CancelFunc
	// turn is held by whoever uses what follows.
	turn    chan struct{}
	running *running
	failed  error
	until   time.Time // it is not asked again before
}

// running is the program once it was started.
type running struct {
	cmd   *exec.Cmd
	kill  context.CancelFunc
	in    io.WriteCloser
	pipe  io.Closer
	out   *bufio.Reader
	heard *words
}

// Rest is how long a program that has failed is left alone.
const Rest = 10 * time.Second

// New returns the process of a command, which is started when it is needed, without a
// shell. Each answer may take as long as patience says; 0 means for ever. A program that
// has failed is ended, and after a rest started anew.
func New(command []string, patience time.Duration) *Process {
	p := &Process{command: command, patience: patience, rest: Rest, turn: make(chan struct{}, 1)}
	p.life, p.stop = context.WithCancel(context.Background())
	return p
}

var (
	// ErrCodec tells that the program could not be asked, or has refused.
	ErrCodec = errors.New("the codec failed")
	// ErrRefused tells that it has refused: the next payload may be another matter.
	ErrRefused = fmt.Errorf("%w", ErrCodec)
)

// Name is what the program is called.
func (p *Process) Name() string { return p.command[0] }

// Open returns a stored payload as it was before it was sealed. What was opened lately
// is remembered. When ctx ends nobody waits any longer, but the answer is remembered.
func (p *Process) Open(ctx context.Context, stored engine.Payload) (engine.Payload, error) {
	key := sha256.Sum256(stored)
	if a, ok := p.opened.get(key); ok {
		return a.plain, a.err
	}
	return p.ask(ctx, func() (engine.Payload, error) {
		a, ok := p.opened.get(key) // who had the turn before may have asked the same
		if ok {
			return a.plain, a.err
		}
		if a.plain, a.err = p.exchange("open", stored); a.err == nil || errors.Is(a.err, ErrRefused) {
			p.opened.put(key, a)
		}
		return a.plain, a.err
	})
}

// Seal returns a payload as it is to be stored.
func (p *Process) Seal(ctx context.Context, plain engine.Payload) (engine.Payload, error) {
	return p.ask(ctx, func() (engine.Payload, error) { return p.exchange("seal", plain) })
}

// grace is how long a program has to end by itself.
const grace = time.Second

// Close ends the program, if it runs, and waits until it has ended.
func (p *Process) Close() {
	end := time.AfterFunc(grace, p.stop)
	defer end.Stop()
	p.turn <- struct{}{}
	p.end(grace)
	p.stop()
	<-p.turn
}

// end asks the program to end, and kills it if it has not after a while.
func (p *Process) end(after time.Duration) {
	r := p.running
	if p.running = nil; r == nil {
		return
	}
	defer r.kill()
	_ = r.in.Close() // which asks it to
	stop := time.AfterFunc(after, r.kill)
	defer stop.Stop()
	_ = r.cmd.Wait() // all that was asked of it is answered
}

// answer is what the program has made of a payload, or why it would not.
type answer struct {
	plain engine.Payload
	err   error
}

// ask waits for its turn and then for the answer. What was begun goes on without it.
func (p *Process) ask(ctx context.Context, exchange func() (engine.Payload, error)) (engine.Payload, error) {
	waiting := func() error { return fmt.Errorf("%w: %s has not answered: %w", ErrCodec, p.Name(), context.Cause(ctx)) }
	if ctx.Err() != nil {
		return nil, waiting()
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, waiting()
	}
	answered := make(chan answer, 1)
	go func() {
		defer func() { <-p.turn }()
		var a answer
		a.plain, a.err = exchange()
		answered <- a
	}()
	select {
	case a := <-answered:
		return a.plain, a.err
	case <-ctx.Done():
		return nil, waiting()
	}
}

// exchange asks the program. Whatever it does but answer is the end of it.
func (p *Process) exchange(verb string, payload engine.Payload) (engine.Payload, error) {
	if p.failed != nil && time.Now().Before(p.until) {
		return nil, p.failed
	}
	p.failed = nil
	if p.running == nil {
		p.failed = p.start()
	}
	var plain engine.Payload
	if p.failed == nil {
		plain, p.failed = p.question(verb + " " + base64.StdEncoding.EncodeToString(payload) + "\n")
	}
	if err := p.failed; errors.Is(err, ErrRefused) {
		p.failed = nil
		return nil, err
	}
	if p.failed != nil {
		p.end(0)
		p.until = time.Now().Add(p.rest)
	}
	return plain, p.failed
}

// question writes a line and reads one.
func (p *Process) question(line string) (engine.Payload, error) {
	r := p.running
	within, cancel := p.life, context.CancelFunc(func() {})
	if p.patience > 0 {
		within, cancel = context.WithTimeoutCause(p.life, p.patience, fmt.Errorf("for %v: %w", p.patience, context.DeadlineExceeded))
	}
	defer cancel()
	stop := context.AfterFunc(within, func() {
		r.kill()
		_ = r.in.Close() // a program that it has started may hold the other ends
		_ = r.pipe.Close()
	})
	defer stop()
	_, err := io.WriteString(r.in, line)
	var said string
	if err == nil {
		said, err = r.line()
	}
	switch {
	case within.Err() != nil:
		return nil, fmt.Errorf("%w: %s has not answered %w", ErrCodec, p.Name(), context.Cause(within))
	case err != nil:
		p.end(grace) // so that all it had to say is heard
		return nil, fmt.Errorf("%w: %s has ended: %w%s", ErrCodec, p.Name(), err, r.heard)
	}
	return p.answer(said)
}

// mostAnswer is how long an answer may be, in bytes.
const mostAnswer = 64 << 20

// line reads a line.
func (r *running) line() (string, error) {
	var b strings.Builder
	for {
		part, err := r.out.ReadSlice('\n')
		b.Write(part)
		switch {
		case b.Len() > mostAnswer:
			return "", fmt.Errorf("its answer has more than %d bytes", mostAnswer)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil && r.out.Buffered() > 0:
			return "", errors.New("it has said more than it was asked")
		}
		return strings.TrimRight(b.String(), "\r\n"), err
	}
}

func (p *Process) answer(line string) (engine.Payload, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ok":
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return nil, fmt.Errorf("%w: %s answers what is not base64: %w", ErrCodec, p.Name(), err)
		}
		return plain, nil
	case "error":
		return nil, fmt.Errorf("%w: %s", ErrRefused, rest[:min(len(rest), kept)])
	}
	return nil, fmt.Errorf("%w: %s answers neither ok nor error", ErrCodec, p.Name())
}

func (p *Process) start() error {
	ctx, kill := context.WithCancel(p.life)
	r := &running{cmd: exec.CommandContext(ctx, p.command[0], p.command[1:]...), kill: kill, heard: &words{}} //nolint:gosec // the user's own
	r.cmd.Stderr, r.cmd.WaitDelay = r.heard, grace
	if err := r.start(); err != nil {
		kill()
		return fmt.Errorf("%w: starting %s: %w", ErrCodec, p.Name(), err)
	}
	p.running = r
	return nil
}

func (r *running) start() (err error) {
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	r.pipe, r.out = out, bufio.NewReader(out)
	return r.cmd.Start()
}

// words keeps the first that a program says.
type words struct {
	mu   sync.Mutex
	text []byte
}

const kept = 1000

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, b[:min(len(b), kept-len(w.text))]...)
	return len(b), nil
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := bytes.TrimSpace(w.text); len(text) > 0 {
		return ": " + string(text)
	}
	return ""
}
