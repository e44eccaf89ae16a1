//go:build !unix

package tui

import "github.com/wfops/wfops/cmd/wfops/internal/view"

const canSuspend = false

// suspend needs a shell that has jobs.
func (a *app) suspend() { a.say(view.Muted, "this system has no jobs to stop") }

// divert leaves standard error as it is.
func divert(func(string) string) (restore func(), err error) { return func() {}, nil }
