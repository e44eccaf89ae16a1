// Command wfops looks into a store of workflows.
//
//	wfops trace [-dsn DSN] [-otlp URL] INSTANCE
//
// The store is named by -dsn or by WFOPS_DSN, as backends.Open takes it; it is opened
// for reading only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/wfops/wfops/backends"
	"github.com/wfops/wfops/engine/backend"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "wfops:", err)
		os.Exit(1)
	}
}

const usage = `wfops trace [-dsn DSN] [-otlp URL] INSTANCE`

// errUsage is wrapped by errors of the command line.
var errUsage = errors.New("usage: " + usage)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] != "trace" {
		return errUsage
	}
	flags := flag.NewFlagSet("wfops trace", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "usage: %s\n\nDraws the trace of an instance, its children and all that it continued as, as their\nhistories have it; or exports it.\n\n", usage)
		flags.PrintDefaults()
	}
	dsn := flags.String("dsn", os.Getenv("WFOPS_DSN"), "the `store`, as in sqlite:orders.db; WFOPS_DSN if not given")
	otlp := flags.String("otlp", "", "export to the collector at this `URL`: http://host:4318, or grpc://host:4317")
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", err, errUsage)
	case flags.NArg() != 1:
		return fmt.Errorf("want one instance, got %d: %w", flags.NArg(), errUsage)
	case *dsn == "":
		return fmt.Errorf("no store: give -dsn or set WFOPS_DSN: %w", errUsage)
	}
	return trace(ctx, *dsn, flags.Arg(0), *otlp, stdout)
}

// open opens a store for reading.
func open(ctx context.Context, dsn string) (backend.Backend, error) {
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return backends.Open(ctx, dsn+separator+"mode=ro")
}
