package main

import (
	"context"
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
// file that faultFile names is there.
const (
	fault     = "WFOPS_TEST_FAULT"
	faultFile = "WFOPS_TEST_FAULT_FILE"

	inLoop      = "loop"
	inGoroutine = "goroutine"
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
		open := env.Open
		env.Open = func(ctx context.Context, t connect.Target) (backend.Backend, error) {
			b, err := open(ctx, t)
			if err != nil {
				return nil, err
			}
			return intercept.New(b, func(ctx context.Context, _ intercept.Method, next func(context.Context) error) error {
				strike()
				return next(ctx)
			}), nil
		}
	}
	return env
}
