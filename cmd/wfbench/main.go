// Command wfbench measures how fast the engine is on a store.
//
//	go run ./cmd/wfbench -backend sqlite -workload chain -n 3
//	go run ./cmd/wfbench -backend memory,sqlite -workload all -o new.json
//	go run ./cmd/wfbench compare old.json new.json
//
// One worker and the load run in this process, except where a workload is about
// several. Files of the store are put into a temporary folder and removed
// afterwards.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
)

// commands are what the first argument may be; without it a benchmark is run.
var commands = map[string]func(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) error{
	"compare":     compareFiles,
	workerCommand: runWorker,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wfbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) error {
	if len(args) > 0 && commands[args[0]] != nil {
		return commands[args[0]](ctx, args[1:], in, out, stderr)
	}
	cfg, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if cfg.cpuprofile != "" {
		stop, err := profile(cfg.cpuprofile)
		if err != nil {
			return err
		}
		defer stop()
	}
	sinks, closeSinks, err := cfg.sinks(out)
	if err != nil {
		return err
	}
	results, err := cfg.runAll(ctx, sinks, stderr)
	if !cfg.json && len(results) > 0 {
		err = errors.Join(err, report(out, results))
	}
	return errors.Join(err, closeSinks())
}

// sinks are where the JSON objects go.
func (c *config) sinks(out io.Writer) (sinks []*json.Encoder, closeAll func() error, err error) {
	if c.json {
		sinks = append(sinks, json.NewEncoder(out))
	}
	if c.output == "" {
		return sinks, func() error { return nil }, nil
	}
	f, err := os.Create(c.output)
	if err != nil {
		return nil, nil, err
	}
	return append(sinks, json.NewEncoder(f)), f.Close, nil
}

// runAll runs every workload on every store. One that fails does not keep the
// others from being measured.
func (c *config) runAll(ctx context.Context, sinks []*json.Encoder, stderr io.Writer) (results []result, err error) {
	var failed []error
	for _, w := range c.workloads {
		for _, s := range c.stores {
			if w.shared && !s.shared {
				fmt.Fprintf(stderr, "%s is left out on %s: other processes can't open it\n", w.name, s.name)
				continue
			}
			rs, err := c.repeat(ctx, s, w, sinks, stderr)
			results = append(results, rs...)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s on %s: %w", w.name, s.name, err))
			}
			if ctx.Err() != nil {
				return results, errors.Join(failed...)
			}
		}
	}
	if len(results) == 0 && len(failed) == 0 {
		return nil, errors.New("no store given runs any workload given")
	}
	return results, errors.Join(failed...)
}

func (c *config) repeat(ctx context.Context, s storeKind, w workload, sinks []*json.Encoder, stderr io.Writer) (results []result, err error) {
	for i := range c.repeats {
		fmt.Fprintf(stderr, "%s on %s, run %d of %d\n", w.name, s.name, i+1, c.repeats)
		r, err := measure(ctx, c, s, w)
		if err != nil {
			return results, err
		}
		results = append(results, r)
		for _, sink := range sinks {
			if err := sink.Encode(r); err != nil {
				return results, err
			}
		}
	}
	return results, nil
}

func profile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "wfbench: writing the profile:", err)
		}
	}, nil
}
