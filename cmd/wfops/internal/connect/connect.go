// Package connect opens the store that somebody names on a command line: by a
// connection string or a file. It decides who may write, creates and migrates
// nothing, and keeps passwords off the screen.
package connect

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/cmd/wfops/internal/exported"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Mode is what a connection may do.
type Mode string

// The closed set of modes.
const (
	ReadOnly  Mode = "read-only"
	ReadWrite Mode = "read-write"
)

// Options say what the command line and the environment want.
type Options struct {
	// Write asks for a connection that may write, which stores on servers do not give
	// otherwise. A DSN with mode=ro is read-only all the same.
	Write bool
	// ReadOnly asks for one that may not.
	ReadOnly bool

	// What the profile says that the store was named by.
	profile, profileMode string
}

// Target names a store. It prints without secrets.
type Target struct {
	dsn  string
	mode Mode
	why  string
	// file is the path of a store in a file, or "".
	file string
}

// IsTarget reports whether an argument names a store, by how it looks.
func IsTarget(arg string) bool {
	if strings.HasPrefix(arg, "-") {
		return false
	}
	return strings.Contains(arg, "://") || strings.HasPrefix(arg, "sqlite:") || arg == memoryDSN || isFile(arg) || IsBundle(arg)
}

const memoryDSN = "memory:"

func isFile(arg string) bool {
	path, settings, found := cutLast(arg, "?")
	if found && !strings.Contains(settings, "=") {
		path = arg
	}
	return !strings.Contains(path, "://") && (strings.HasSuffix(path, ".db") || strings.HasSuffix(path, ".sqlite"))
}

// IsBundle reports whether an argument names an exported history, by how it looks.
func IsBundle(arg string) bool {
	return !strings.Contains(arg, "://") && (strings.HasSuffix(arg, ".wfh") || strings.HasSuffix(arg, ".wfh.gz") || strings.HasSuffix(arg, ".json"))
}

// Parse decides how the store that dsn names is to be opened. Nothing is opened yet.
func Parse(dsn string, o Options) (Target, error) {
	t := Target{dsn: dsn}
	if dsn == "" {
		return t, fmt.Errorf("%w: no store is named: give a connection string, a file or a profile first, with -c or in WFOPS_DSN, like: wfops ./app.db list", engine.ErrInvalidArgument)
	}
	t.file = localFile(dsn)
	t.mode, t.why = t.decide(o)
	return t, nil
}

func (t Target) decide(o Options) (mode Mode, why string) {
	switch {
	case IsBundle(t.dsn):
		return ReadOnly, "it is an exported history"
	case o.ReadOnly:
		return ReadOnly, "asked for by --read-only"
	case hasSetting(t.dsn, "mode=ro"):
		return ReadOnly, "the connection string says mode=ro"
	case o.profileMode == "ro":
		return ReadOnly, "profile " + o.profile + " says mode: ro"
	case t.file != "" && !writable(t.file):
		return ReadOnly, "the file can't be written"
	case t.local():
		return ReadWrite, "it is on this machine"
	case o.Write:
		return ReadWrite, "asked for by --write"
	case o.profileMode == "rw":
		return ReadWrite, "profile " + o.profile + " says mode: rw"
	}
	return ReadOnly, "stores on servers are, unless --write is given or their profile says mode: rw"
}

func (t Target) local() bool { return t.file != "" || t.dsn == memoryDSN || inMemory(t.dsn) }

func inMemory(dsn string) bool { return strings.HasPrefix(dsn, "sqlite::memory:") }

// localFile returns the path of a store in a file.
func localFile(dsn string) string {
	path, sqlite := strings.CutPrefix(dsn, "sqlite:")
	switch {
	case inMemory(dsn), !sqlite && !isFile(dsn):
		return ""
	case sqlite:
		path, _, _ = strings.Cut(strings.TrimPrefix(path, "//"), "?")
		return unescape(path)
	}
	if before, settings, found := cutLast(path, "?"); found && strings.Contains(settings, "=") {
		return before
	}
	return path
}

// IsBundle reports whether it is the file of an exported history.
func (t Target) IsBundle() bool { return IsBundle(t.dsn) }

// Mode returns what the connection may do, and why.
func (t Target) Mode() (mode Mode, why string) { return t.mode, t.why }

// Open opens the store. Nothing is created and no schema is migrated: that is for
// the programs whose store it is.
func (t Target) Open(ctx context.Context) (backend.Backend, error) {
	if IsBundle(t.dsn) {
		return exported.Open(t.dsn)
	}
	opts := []backends.Option{backends.WithoutMigrations()}
	if t.mode == ReadOnly {
		opts = append(opts, backends.ReadOnly())
	}
	if inMemory(t.dsn) || t.dsn == memoryDSN {
		opts = opts[1:] // there is nothing yet to migrate
	}
	if t.file == "" {
		b, err := backends.Open(ctx, t.dsn, opts...)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", t, t.hide(err))
		}
		return b, nil
	}
	b, err := t.openFile(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", t, err)
	}
	return b, nil
}

func (t Target) openFile(ctx context.Context, opts []backends.Option) (backend.Backend, error) {
	info, err := os.Stat(t.file)
	if err != nil {
		return nil, err
	}
	held.add(info)
	b, err := backends.Open(ctx, t.dsn, opts...)
	if err != nil {
		held.remove(info)
		return nil, err
	}
	return heldStore{b, info}, nil
}
