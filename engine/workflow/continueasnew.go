package workflow

import (
	"fmt"
	"path"
	"runtime"

	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/internal/command"
)

// ContinueAsNew returns an error that, when the workflow function returns it, ends
// this execution and starts another one of the same instance and workflow with
// args and an empty history. Signals that nobody has read move over, in order.
// Pending activities and timers are canceled.
//
// If ctx is canceled it returns Canceled, so that the request to cancel is not
// lost; args that don't fit the workflow are an error too.
func ContinueAsNew(ctx Context, args ...any) error {
	x := ctx.exec()
	if err := x.admit(ctx, "continue as new"); err != nil {
		return err
	}
	name := x.sink.Workflow()
	if _, err := x.settings.WorkflowName(name, args); err != nil {
		return fmt.Errorf("continuing as new: %w", err)
	}
	payloads, err := x.encode(args)
	if err != nil {
		return fmt.Errorf("continuing %q as new: %w", name, err)
	}
	headers, err := x.headers(ctx)
	if err != nil {
		return fmt.Errorf("continuing %q as new: %w", name, err)
	}
	return &continueAsNew{command.ContinueAsNew{Args: payloads, Headers: headers, Site: callSite()}}
}

type continueAsNew struct{ request command.ContinueAsNew }

func (*continueAsNew) Error() string {
	return "the workflow continues as new; its function must return this error"
}

// callSite returns the place that called the caller.
func callSite() history.Site {
	var pcs [1]uintptr
	if runtime.Callers(3, pcs[:]) == 0 {
		return history.Site{}
	}
	f, _ := runtime.CallersFrames(pcs[:]).Next()
	return history.Site{Function: f.Function, File: path.Base(f.File), Line: f.Line}
}
