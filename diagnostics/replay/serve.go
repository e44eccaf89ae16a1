package replay

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/diagnostics/internal/leftover"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/executor"
	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/settings"
)

// ServeOption changes how Serve replays.
type ServeOption func(*server)

// WithSettings gives the replayer the settings of the program's workers: without
// their converter and codec payloads can't be read.
func WithSettings(s settings.Settings) ServeOption { return func(v *server) { v.settings = s } }

// Serve returns at once unless the program was started as a replayer. Then it replays
// histories with the workflows of reg until it is told to stop, and ends the process.
//
// It is called first of all in main, once all workflows are registered. Activities are
// not run, and need not be registered.
func Serve(reg *registry.Registry, opts ...ServeOption) {
	nonce := cmp.Or(os.Getenv(engine.ReplayVariable), begunWith)
	if nonce == "" {
		return
	}
	s := &server{nonce: nonce, registry: reg}
	for _, opt := range opts {
		opt(s)
	}
	os.Exit(s.serve()) //nolint:forbidigo,revive // main must not go on
}

// begunWith is for programs that clear their environment before they serve.
var begunWith = os.Getenv(engine.ReplayVariable)

// Exit codes of a replayer.
const (
	exitDone     = 0
	exitProtocol = 70
	exitMemory   = 71
)

// maxStack bounds one goroutine: recursion without end is told as such, long before it
// is taken for a program that needs much memory.
const maxStack = 128 << 20

// server is the child's side.
type server struct {
	nonce    string
	registry *registry.Registry
	settings settings.Settings

	mu  sync.Mutex // for out
	out io.Writer
}

func (s *server) serve() int {
	if raw, err := hex.DecodeString(s.nonce); err != nil || len(raw) != nonceBytes/2 || s.registry == nil {
		fmt.Fprintf(os.Stderr, "%s is set, but not by something that wants to replay; unset it, and give replay.Serve a registry\n", engine.ReplayVariable)
		return exitProtocol
	}
	in, out, err := takeStdio()
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay: taking standard input and output:", err)
		return exitProtocol
	}
	s.out = out
	debug.SetMaxStack(maxStack)
	if err := s.greet(); err != nil {
		return s.broken(err)
	}
	requests := make(chan frame)
	go s.read(in, requests)
	go s.watchMemory()
	for f := range requests {
		if err := s.handle(f); err != nil {
			return s.broken(err)
		}
	}
	return exitDone
}

func (s *server) broken(err error) int {
	fmt.Fprintln(os.Stderr, "replay: the connection is broken:", err)
	return exitProtocol
}

func (s *server) greet() error {
	return s.tell(kindHello, 0, hello{Protocol: marker, Version: Version, Go: runtime.Version(), Workflows: s.registry.Workflows()})
}

func (s *server) tell(k kind, number uint32, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return writeFrame(s.out, s.nonce, frame{k, number, body})
}

// read hands on requests. It ends the process when there are no more, whatever runs: a
// console that was killed leaves nothing behind.
func (s *server) read(in io.Reader, requests chan<- frame) {
	for {
		f, err := readFrame(in, s.nonce, maxRequest)
		switch {
		case errors.Is(err, io.EOF):
			os.Exit(exitDone) //nolint:forbidigo,revive // see above
		case err != nil:
			os.Exit(s.broken(err)) //nolint:forbidigo,revive // see above
		case f.kind != kindRequest:
			os.Exit(s.broken(fmt.Errorf("%w that a replayer takes: it has the kind %q", errFrame, rune(f.kind)))) //nolint:forbidigo,revive // see above
		}
		requests <- f
	}
}

func (s *server) handle(f frame) error {
	if err := s.tell(kindBegun, f.number, struct{}{}); err != nil {
		return err
	}
	return s.tell(kindAnswer, f.number, s.answer(f))
}

func (s *server) answer(f frame) answer {
	a := answer{Report: unanswered(diagnostics.Bundle{}, diagnostics.ClassPanic, "a codec, a converter or a type has ended its goroutine")}
	a.Left = leftover.RunOften(strconv.FormatUint(uint64(f.number), 10), func() { a.Report = s.replay(f.body) })
	a.Spent = len(a.Left) > 0 || executor.Abandoned() > 0
	return a
}

func (s *server) replay(body []byte) (report diagnostics.Report) {
	var b diagnostics.Bundle
	defer func() {
		if v := recover(); v != nil { // of a codec, a converter or a type
			report = unanswered(b, diagnostics.ClassPanic, fmt.Sprintf("panic: %v", v))
			report.Divergence.Stack = cleanStack(string(debug.Stack()))
		}
	}()
	line, rest, _ := bytes.Cut(body, []byte("\n"))
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return unanswered(b, "", "the request can't be read: "+err.Error())
	}
	b, err := diagnostics.Read(bytes.NewReader(rest))
	if err != nil {
		return unanswered(b, "", err.Error())
	}
	set := s.settings
	set.StepDeadline = cmp.Or(time.Duration(r.StepDeadline), set.StepDeadline)
	return diagnostics.Replay(b, s.registry, diagnostics.Options{
		Settings: set, Strict: r.Strict, Passes: r.Passes, PassTime: time.Duration(r.PassTime),
		Context: r.Context, AllRows: r.AllRows, Values: r.Values,
	})
}
