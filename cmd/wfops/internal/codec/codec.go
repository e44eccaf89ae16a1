// Package codec opens and seals payloads with the help of a program that has the key,
// so that the console need not have it. The program is the user's; a profile names it.
//
// It is started once and asked a line at a time on its standard input:
//
//	open BASE64
//	seal BASE64
//
// It answers each with a line on its standard output, "ok BASE64" or "error TEXT", and
// ends when its standard input ends.
package codec

import (
	"bufio"
	"bytes"
	"context"
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

	mu      sync.Mutex
	running *running
	failed  error // once it has failed it is not asked again
}

// running is the program once it was started.
type running struct {
	cmd   *exec.Cmd
	kill  context.CancelFunc
	in    io.WriteCloser
	out   *bufio.Reader
	heard *words
}

// New returns the process of a command, which is started when it is needed, without a
// shell. Each answer may take as long as patience says; 0 means for ever.
func New(command []string, patience time.Duration) *Process {
	return &Process{command: command, patience: patience}
}

// ErrCodec tells that the program could not be asked, or has refused.
var ErrCodec = errors.New("the codec failed")

// Open returns a stored payload as it was before it was sealed. The program is killed
// when ctx ends.
func (p *Process) Open(ctx context.Context, stored engine.Payload) (engine.Payload, error) {
	return p.ask(ctx, "open", stored)
}

// Seal returns a payload as it is to be stored.
func (p *Process) Seal(ctx context.Context, plain engine.Payload) (engine.Payload, error) {
	return p.ask(ctx, "seal", plain)
}

// grace is how long a program has to end by itself.
const grace = time.Second

// Close ends the program, if it runs.
func (p *Process) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		p.end(grace)
	}
}

// end asks the program to end, and kills it if it has not after a while.
func (p *Process) end(after time.Duration) {
	r := p.running
	p.running = nil
	defer r.kill()
	_ = r.in.Close() // which asks it to
	stop := time.AfterFunc(after, r.kill)
	defer stop.Stop()
	_ = r.cmd.Wait() // all that was asked of it is answered
}

func (p *Process) ask(ctx context.Context, verb string, payload engine.Payload) (engine.Payload, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil && p.running == nil {
		p.failed = p.start()
	}
	if p.failed != nil {
		return nil, p.failed
	}
	r := p.running
	within, cancel := ctx, context.CancelFunc(func() {})
	if p.patience > 0 {
		within, cancel = context.WithTimeout(ctx, p.patience)
	}
	defer cancel()
	stop := context.AfterFunc(within, r.kill)
	defer stop()
	_, err := io.WriteString(r.in, verb+" "+base64.StdEncoding.EncodeToString(payload)+"\n")
	var line string
	if err == nil {
		line, err = r.out.ReadString('\n')
	}
	if err == nil && within.Err() == nil {
		return p.answer(strings.TrimRight(line, "\r\n"))
	}
	p.end(0) // it says no more
	p.failed = fmt.Errorf("%w: %s has ended: %w%s", ErrCodec, p.command[0], err, r.heard)
	if within.Err() != nil {
		p.failed = fmt.Errorf("%w: %s has not answered: %w", ErrCodec, p.command[0], context.Cause(within))
	}
	return nil, p.failed
}

func (p *Process) answer(line string) (engine.Payload, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ok":
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return nil, fmt.Errorf("%w: %s answers what is not base64: %w", ErrCodec, p.command[0], err)
		}
		return plain, nil
	case "error":
		return nil, fmt.Errorf("%w: %s", ErrCodec, rest)
	}
	return nil, fmt.Errorf("%w: %s answers neither ok nor error", ErrCodec, p.command[0])
}

func (p *Process) start() error {
	// Its life does not end with the first question.
	ctx, kill := context.WithCancel(context.Background())
	r := &running{cmd: exec.CommandContext(ctx, p.command[0], p.command[1:]...), kill: kill, heard: &words{}} //nolint:gosec // the user's own
	r.cmd.Stderr = r.heard
	if err := r.start(); err != nil {
		kill()
		return fmt.Errorf("%w: starting %s: %w", ErrCodec, p.command[0], err)
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
	r.out = bufio.NewReader(out)
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
