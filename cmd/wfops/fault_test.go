package main

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/backend/intercept"
)

// A test binary that behaves like the program panics where fault says, from when the
// file that faultFile names is there; or notes there which calls of the store it makes.
const (
	fault     = "WFOPS_TEST_FAULT"
	faultFile = "WFOPS_TEST_FAULT_FILE"

	inLoop      = "loop"
	inGoroutine = "goroutine"
	noting      = "note"
)

func faulty(env *cli.Env, where, file string) *cli.Env {
	strike := func() {
		if _, err := os.Stat(file); err == nil {
			panic("injected by a test")
		}
	}
	switch where {
	case inLoop:
		env.Screens = func(ctx context.Context, o tui.Options) error {
			o.Clock = func() time.Time {
				if strings.Contains(string(debug.Stack()), "tui.(*app).wait") {
					strike()
				}
				return time.Now()
			}
			return tui.Run(ctx, o)
		}
	case inGoroutine:
		aroundCalls(env, func(intercept.Method) { strike() })
	case noting:
		aroundCalls(env, func(m intercept.Method) { note(file, string(m)) })
	}
	return env
}

// aroundCalls has do done before each call of the store.
func aroundCalls(env *cli.Env, do func(intercept.Method)) {
	open := env.Open
	env.Open = func(ctx context.Context, t connect.Target) (backend.Backend, error) {
		b, err := open(ctx, t)
		if err != nil {
			return nil, err
		}
		return intercept.New(b, func(ctx context.Context, m intercept.Method, next func(context.Context) error) error {
			do(m)
			return next(ctx)
		}), nil
	}
}

// note adds a line to a file.
func note(file, line string) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the test's own
	if err == nil {
		_, err = f.WriteString(line + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		panic(err)
	}
}
