package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/engine"
)

// Exit is an exit code.
type Exit int

// The closed set of exit codes. 0 and 1 are answers, the others say why there is none.
const (
	ExitOK          Exit = 0
	ExitNo          Exit = 1 // the answer is no: unhealthy, ended otherwise
	ExitUsage       Exit = 2
	ExitStore       Exit = 3 // unreachable, no access, another schema, no store
	ExitNotFound    Exit = 4
	ExitRefused     Exit = 5 // read-only, not confirmed, in the wrong state
	ExitPartial     Exit = 6 // some could not be done, or looked at
	ExitDefect      Exit = 70
	ExitUnwritten   Exit = 74 // as EX_IOERR of sysexits.h
	ExitTimeout     Exit = 124
	ExitHangup      Exit = 129
	ExitInterrupted Exit = 130
	ExitTerminated  Exit = 143
)

// exits explains the codes for help.
var exits = []struct {
	code Exit
	says string
}{
	{ExitOK, "done; the answer is yes"},
	{ExitNo, "the answer is no: something is wrong (health), it ended otherwise (wait), it differs (diff, replay), one can't be used (ctx test)"},
	{ExitUsage, "the command line, the filter or the connection string is wrong"},
	{ExitStore, "the store can't be reached or used"},
	{ExitNotFound, "there is no such instance, or no such value of it (data --path)"},
	{ExitRefused, "refused: read-only, not confirmed, or not in a state for it"},
	{ExitPartial, "only some could be done, or looked at"},
	{ExitDefect, "a defect of wfops"},
	{ExitUnwritten, "the answer can't be written, to a full disk for one"},
	{ExitTimeout, "time is up (wait --timeout); a store that does not answer is 3"},
	{ExitHangup, "the terminal was closed"},
	{ExitInterrupted, "interrupted"},
	{ExitTerminated, "ended by SIGTERM"},
}

// Causes of a context that ends because of SIGTERM or SIGHUP.
var (
	ErrTerminated = errors.New("terminated")
	ErrHangup     = errors.New("the terminal was closed")
)

// Errors that only tell how a command ended.
var (
	errNo          = errors.New("no")
	errUnconfirmed = errors.New("not confirmed")
	errPartial     = errors.New("not all")
	errTimeUp      = errors.New("time is up")
)

// usageError is a command line that can't be meant.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// unwrittenError tells that an answer was found, and could not be written.
type unwrittenError struct{ error }

func (u unwrittenError) Error() string { return "the answer can't be written: " + u.error.Error() }
func (u unwrittenError) Unwrap() error { return u.error }

// exitOf says what an error means to a script.
func exitOf(ctx context.Context, err error) Exit {
	var usage usageError
	var unwritten unwrittenError
	var crash *tui.CrashError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &crash):
		return ExitDefect
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrTerminated):
		return ExitTerminated
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrHangup):
		return ExitHangup
	case ctx.Err() != nil:
		return ExitInterrupted
	case errors.As(err, &unwritten):
		return ExitUnwritten
	case errors.Is(err, errNo):
		return ExitNo
	case errors.Is(err, errPartial):
		return ExitPartial
	case errors.Is(err, errUnconfirmed), errors.Is(err, engine.ErrReadOnly), errors.Is(err, ops.ErrWrongState), errors.Is(err, engine.ErrInstanceNotFinished):
		return ExitRefused
	case errors.Is(err, engine.ErrInstanceNotFound), errors.Is(err, values.ErrNoValue):
		return ExitNotFound
	case errors.As(err, &usage):
		return ExitUsage
	case errors.Is(err, fs.ErrNotExist):
		return ExitStore
	case errors.Is(err, engine.ErrInvalidArgument):
		return ExitUsage
	case errors.Is(err, errTimeUp):
		return ExitTimeout
	}
	return ExitStore
}
