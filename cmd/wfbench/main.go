// Command wfbench measures how fast the engine is on a store.
//
//	go run ./cmd/wfbench -backend sqlite -workload chain -n 3
//
// One worker and the load run in this process. Files of the store are put into a
// temporary folder and removed afterwards.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
)

// config is what the flags say.
type config struct {
	backend     string
	workload    string
	durability  string
	instances   int
	concurrency int
	steps       int
	repeats     int
	json        bool
	cpuprofile  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wfbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, w, err := parse(args, stderr)
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
	var results []result
	for range cfg.repeats {
		r, err := measure(ctx, cfg, w)
		if err != nil {
			return fmt.Errorf("%s on %s: %w", cfg.workload, cfg.backend, err)
		}
		results = append(results, r)
		if cfg.json {
			if err := json.NewEncoder(stdout).Encode(r); err != nil {
				return err
			}
		}
	}
	if cfg.json {
		return nil
	}
	return table(stdout, results)
}

// parse reads the flags. A size that isn't given is the workload's own.
func parse(args []string, stderr io.Writer) (config, workload, error) {
	var cfg config
	flags := flag.NewFlagSet("wfbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.backend, "backend", "memory", "`store` to measure: memory or sqlite")
	flags.StringVar(&cfg.workload, "workload", "chain", "what to run: "+strings.Join(names(), ", "))
	flags.StringVar(&cfg.durability, "durability", "full", "what an acknowledged write survives: full (a loss of power) or normal (a crash of the process); sqlite only")
	flags.IntVar(&cfg.instances, "instances", 0, "workflow instances to start (default: the workload's)")
	flags.IntVar(&cfg.concurrency, "concurrency", 0, "instances in flight at a time (default: the workload's)")
	flags.IntVar(&cfg.steps, "steps", 0, "activities of an instance, depth of a tree, or events of a replay (default: the workload's)")
	flags.IntVar(&cfg.repeats, "n", 1, "runs, each on a new store")
	flags.BoolVar(&cfg.json, "json", false, "print one JSON object for each run instead of a table")
	flags.StringVar(&cfg.cpuprofile, "cpuprofile", "", "write a CPU profile to this `file`")
	if err := flags.Parse(args); err != nil {
		return cfg, workload{}, err
	}
	w, ok := workloads[cfg.workload]
	switch {
	case !ok:
		return cfg, w, fmt.Errorf("there is no workload %q, only %s", cfg.workload, strings.Join(names(), ", "))
	case cfg.durability != full && cfg.durability != normal:
		return cfg, w, fmt.Errorf("-durability is %q, it must be %s or %s", cfg.durability, full, normal)
	case flags.NArg() > 0:
		return cfg, w, fmt.Errorf("what is %q? All arguments are flags", flags.Arg(0))
	case cfg.instances < 0 || cfg.concurrency < 0 || cfg.steps < 0 || cfg.repeats < 1:
		return cfg, w, errors.New("-instances, -concurrency, -steps and -n must not be negative, and -n at least 1")
	}
	cfg.instances = cmp.Or(cfg.instances, w.instances)
	cfg.concurrency = min(cmp.Or(cfg.concurrency, w.concurrency), cfg.instances)
	cfg.steps = cmp.Or(cfg.steps, w.steps)
	return cfg, w, nil
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
