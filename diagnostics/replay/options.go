package replay

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine"
)

// Options of Start. The zero value works.
type Options struct {
	// Replay is how to replay. Its Settings are not used: the program has its own, see
	// WithSettings. Without Passes and PassTime, code is looked at closely in the first
	// replays of each workflow and with three passes in later ones. The first few of each
	// have a pass in another process besides.
	Replay diagnostics.Options
	// Children is how many processes replay at a time; 0 means one for each CPU.
	Children int
	// StartTimeout is how long a child may take until it serves: its package-level
	// variables and init functions have to be done. 0 means 10 s.
	StartTimeout time.Duration
	// Timeout is how long one replay may take; 0 means 30 s.
	Timeout time.Duration
	// MemoryBytes is how much memory one child may use; 0 means 1 GiB, at least 64 MiB.
	MemoryBytes int64
	// Env has variables, as NAME=value, that the program can't do without. It gets next
	// to nothing else.
	Env []string
	// Output gets what children print, as it comes, from one of them at a time; code that
	// is replayed prints in every pass. If Output blocks, so do they. Nil drops it but for what explains an error.
	Output io.Writer
}

const (
	defaultStartTimeout = 10 * time.Second
	defaultTimeout      = 30 * time.Second
	defaultMemory       = 1 << 30
	leastMemory         = 64 << 20
)

func (o Options) resolve() (Options, error) {
	if o.Children < 0 || o.StartTimeout < 0 || o.Timeout < 0 {
		return o, fmt.Errorf("%w: replay: Options.Children, StartTimeout or Timeout is negative", engine.ErrInvalidArgument)
	}
	o.Children = cmp.Or(o.Children, runtime.GOMAXPROCS(0))
	o.StartTimeout = cmp.Or(o.StartTimeout, defaultStartTimeout)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.MemoryBytes = cmp.Or(o.MemoryBytes, defaultMemory)
	if o.MemoryBytes < leastMemory {
		return o, fmt.Errorf("%w: replay: Options.MemoryBytes is %d, a program needs %d or more", engine.ErrInvalidArgument, o.MemoryBytes, leastMemory)
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	return o, nil
}
