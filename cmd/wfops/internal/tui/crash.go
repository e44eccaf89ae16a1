package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// CrashError is a defect: something panicked. The terminal is as it was.
type CrashError struct {
	Value any
	Stack []byte
	// Actions are the last that were done, without what they were done to.
	Actions []string
	// File has all of this, if it could be written.
	File string
}

func (e *CrashError) Error() string {
	what := fmt.Sprintf("this is a defect of wfops: %v", e.Value)
	if e.File == "" {
		return what + "; please report it"
	}
	return what + "; please report it with " + e.File
}

// record writes a file about a crash.
func (e *CrashError) record(getenv func(string) string, now time.Time) {
	dir := stateDir(getenv)
	if dir == "" {
		return
	}
	name := fmt.Sprintf("crash-%s-%d.txt", now.UTC().Format("20060102T150405"), os.Getpid())
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n\n%s\nthe last that was done, the latest last:\n  %s\n\n", e.Value, e.Stack, strings.Join(e.Actions, "\n  "))
	if info, ok := debug.ReadBuildInfo(); ok {
		b.WriteString(info.String())
	}
	if writeState(dir, name, b.String()) == nil {
		e.File = filepath.Join(dir, name)
	}
}

// asCrash records err if it is a crash.
func asCrash(err error, o Options) error {
	if crash, ok := errors.AsType[*CrashError](err); ok {
		crash.record(o.Getenv, o.Clock())
	}
	return err
}
