// Command wfops looks into a store of workflow instances, and operates them:
//
//	wfops ./app.db list --filter is:blocked
//	wfops mysql://user@host:3306/db health
//
// See wfops --help.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/wfops/wfops/cmd/wfops/internal/cli"
	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/tui"
	"github.com/wfops/wfops/engine/backend"
)

func main() { os.Exit(run(environment())) }

// grace is how long a command has to end after a signal. One that waits for input
// would not end at all.
const grace = time.Second

func run(env *cli.Env) int {
	// Stores log what a program should know that works with them. Who looks into one
	// asks: doctor tells how durable it is, and errors come back.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	// A reader that goes away is no reason to die by a signal: `wfops list | head`.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan int, 1)
	go func() { done <- cli.Run(ctx, env) }()
	select {
	case exit := <-done:
		return exit
	case sig := <-signals:
		signal.Stop(signals) // the next one ends the process
		return interrupted(sig, cancel, done)
	}
}

func interrupted(sig os.Signal, cancel context.CancelCauseFunc, done <-chan int) int {
	cause, exit := context.Canceled, cli.ExitInterrupted
	switch sig {
	case syscall.SIGTERM:
		cause, exit = cli.ErrTerminated, cli.ExitTerminated
	case syscall.SIGHUP:
		cause, exit = cli.ErrHangup, cli.ExitHangup
	}
	cancel(cause)
	select {
	case exit := <-done:
		return exit
	case <-time.After(grace):
		return int(exit)
	}
}

func environment() *cli.Env {
	return &cli.Env{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv,
		InTTY: isTerminal(os.Stdin), OutTTY: isTerminal(os.Stdout), ErrTTY: isTerminal(os.Stderr), Width: width(),
		Open:    func(ctx context.Context, t connect.Target) (backend.Backend, error) { return t.Open(ctx) },
		Screens: tui.Run,
		By:      by(),
		Build:   cli.ReadBuild(),
	}
}

func isTerminal(f *os.File) bool {
	return term.IsTerminal(int(f.Fd())) //nolint:gosec // descriptors are small
}

// width returns that of the terminal, or 0.
func width() int {
	w, _, err := term.GetSize(int(os.Stdout.Fd())) //nolint:gosec // descriptors are small
	if err != nil {
		return 0
	}
	return w
}

// by returns who acts.
func by() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
