// Package cli is the command line of the console: it parses arguments, opens the store
// that they name, asks ops, and prints what view and document make of the answers.
//
// Data goes to standard output and everything else to standard error. On a terminal
// tables are fitted to its width and may be colored; into a pipe they go as lines of
// fields separated by tabs, whole, without a heading. The exit codes are those of
// Exit.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/engine/backend"
)

// Env is the world that a command runs in. Tests make their own.
type Env struct {
	// Args are the arguments without the name of the program.
	Args []string
	In   io.Reader
	Out  io.Writer
	Err  io.Writer
	// Getenv reads the environment.
	Getenv func(string) string
	// InTTY, OutTTY and ErrTTY tell whether these are terminals.
	InTTY, OutTTY, ErrTTY bool
	// Width of the terminal in cells, 0 if there is none.
	Width int
	// Clock is this machine's; nil means time.Now.
	Clock func() time.Time
	// Screens shows the console on a terminal; nil if there is none.
	Screens func(context.Context, tui.Options) error
	// Open opens a store.
	Open func(context.Context, connect.Target) (backend.Backend, error)
	// By is who acts: "ana@host".
	By string
	// Build is what the program was built from.
	Build Build
}

// Build is what the program was built from.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go,omitempty"`
}

// ReadBuild returns what the running program was built from.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: "unknown"}
	}
	b := Build{Version: info.Main.Version, Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// Run runs the command that env.Args name, and returns the exit code. It prints what
// there is to say about errors. A ctx that ends is an interruption.
func Run(ctx context.Context, env *Env) (code int) {
	p := &pipe{w: env.Out}
	own := *env
	own.Out = p
	s := &session{env: &own}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(own.Err, "wfops: this is a defect of wfops, please report it: %v\n%s", r, debug.Stack())
			code = int(ExitDefect)
		}
	}()
	err := s.run(ctx)
	if p.broken { // whoever reads has seen enough
		return int(ExitOK)
	}
	if err == nil {
		err = p.failed
	}
	exit := exitOf(ctx, err)
	s.explain(err, exit)
	return int(exit)
}

// pipe remembers that nobody reads any more. Further writes are dropped. It also
// remembers what could not be written, which who prints help does not look at.
type pipe struct {
	w      io.Writer
	broken bool
	failed error
}

var errNobodyReads = errors.New("nobody reads")

func (p *pipe) Write(b []byte) (int, error) {
	if p.broken {
		return 0, errNobodyReads
	}
	n, err := p.w.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		p.broken = true
		return n, errNobodyReads
	}
	if err != nil {
		err = unwrittenError{err}
		p.failed = err
	}
	return n, err
}
