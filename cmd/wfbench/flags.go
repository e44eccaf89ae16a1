package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	stores      []storeKind
	workloads   []workload
	durability  durability
	dsn         string
	size        size // zero where the workload's own counts
	pregenerate int
	telemetry   ratio
	repeats     int
	json        bool
	output      string
	cpuprofile  string
}

// size is how much of a workload is run. Each workload says what it means to it.
type size struct {
	instances, concurrency, steps int
	period, lease                 time.Duration
}

// or returns s, with what is missing in it taken from d.
func (s size) or(d size) size {
	s.instances = cmp.Or(s.instances, d.instances)
	s.concurrency = min(cmp.Or(s.concurrency, d.concurrency), s.instances)
	s.steps = cmp.Or(s.steps, d.steps)
	if s.period = cmp.Or(s.period, d.period); d.period == 0 {
		s.period = 0 // it means nothing to the workload
	}
	s.lease = cmp.Or(s.lease, d.lease, defaultLease)
	return s
}

// defaultLease is a worker's own default.
const defaultLease = 30 * time.Second

func parse(args []string, stderr io.Writer) (*config, error) {
	c := &config{durability: full}
	var names, kinds string
	flags := flag.NewFlagSet("wfbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&kinds, "backend", "memory", "`stores` to measure, separated by commas: "+storeNames())
	flags.StringVar(&names, "workload", "chain", "what to run, separated by commas, or all:\n"+describeWorkloads())
	flags.Var(&c.durability, "durability", "what an acknowledged write survives: full (a loss of power) or normal (a crash of the process); sqlite only")
	flags.StringVar(&c.dsn, "dsn", os.Getenv(dsnVariable), dsnUsage)
	flags.IntVar(&c.size.instances, "instances", 0, "workflow instances (default: the workload's)")
	flags.IntVar(&c.size.concurrency, "concurrency", 0, "instances in flight, or senders, at a time (default: the workload's)")
	flags.IntVar(&c.size.steps, "steps", 0, "activities, signals or events of an instance, or depth of a tree (default: the workload's)")
	flags.DurationVar(&c.size.period, "period", 0, "how long sleepers sleep, timers are spread over, idling is watched (default: the workload's)")
	flags.DurationVar(&c.size.lease, "lease", 0, "lease of the workers (default: 30s)")
	flags.IntVar(&c.pregenerate, "pregenerate", 0, "finished instances that the store holds before")
	flags.Var(&c.telemetry, "telemetry", "make OpenTelemetry spans and metrics, and export them by OTLP over HTTP, of a `share` of the traces (default: all)")
	flags.IntVar(&c.repeats, "n", 1, "runs, each on a new store")
	flags.BoolVar(&c.json, "json", false, "print one JSON object for each run instead of a table")
	flags.StringVar(&c.output, "o", "", "write one JSON object for each run to this `file`, besides what is printed")
	flags.StringVar(&c.cpuprofile, "cpuprofile", "", "write a CPU profile to this `file`")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("what is %q? Arguments are flags, or the command compare with two files", flags.Arg(0))
	}
	var err error
	if c.stores, err = choose("backend", kinds, storeKinds, func(s storeKind) string { return s.name }); err != nil {
		return nil, err
	}
	if c.workloads, err = choose("workload", names, workloads, func(w workload) string { return w.name }); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(c.stores, func(s storeKind) bool { return s.server }); i >= 0 && c.dsn == "" {
		return nil, fmt.Errorf("-backend %s needs -dsn, or %s", c.stores[i].name, dsnVariable)
	}
	if err := c.size.check(); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(c.workloads, func(w workload) bool { return w.shared }); i >= 0 && c.telemetry > 0 {
		return nil, fmt.Errorf("-telemetry counts spans of this process alone, and %s runs in several", c.workloads[i].name)
	}
	if c.pregenerate < 0 || c.repeats < 1 {
		return nil, errors.New("-pregenerate must not be negative, and -n at least 1")
	}
	return c, nil
}

// dsnVariable is a variable of the environment, which other users don't see, unlike
// arguments: a DSN may hold a password.
const dsnVariable = "WFBENCH_DSN"

const dsnUsage = "`server`, of mysql one like user:password@tcp(host:3306)/ and of postgres a database like postgres://user:password@host:5432/database, of redis one like redis://host:6379/0; " +
	"each run makes a database, a schema or keys there and removes them (default: the environment's " + dsnVariable + ")"

func (s size) check() error {
	if min(s.instances, s.concurrency, s.steps) < 0 || min(s.period, s.lease) < 0 {
		return errors.New("-instances, -concurrency, -steps, -period and -lease must not be negative")
	}
	return nil
}

// choose returns the entries of a table that a list names, in the order of the
// list.
func choose[E any](what, list string, table []E, name func(E) string) ([]E, error) {
	if list == "all" {
		return table, nil
	}
	var chosen []E
	for n := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(table, func(e E) bool { return name(e) == n })
		if i < 0 {
			return nil, fmt.Errorf("there is no %s %q, only %s", what, n, strings.Join(namesOf(table, name), ", "))
		}
		chosen = append(chosen, table[i])
	}
	return chosen, nil
}

func namesOf[E any](table []E, name func(E) string) []string {
	names := make([]string, len(table))
	for i, e := range table {
		names[i] = name(e)
	}
	return names
}

// durability is a flag.
type durability string

const (
	full   durability = "full"
	normal durability = "normal"
)

func (d *durability) String() string { return string(*d) }

// Set implements flag.Value.
func (d *durability) Set(text string) error {
	switch v := durability(strings.ToLower(text)); v {
	case full, normal:
		*d = v
		return nil
	}
	return fmt.Errorf("it must be %s or %s", full, normal)
}
