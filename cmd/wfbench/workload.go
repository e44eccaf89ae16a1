package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// workload is one thing to measure.
type workload struct {
	name  string
	about string
	size  size
	// shared tells that it needs a store that several processes can open.
	shared bool
	// figures are what the table shows, the one that it is about first.
	figures []string
	// run does the work on a new store, and notes the figures. It starts the workers
	// that it needs; one in this process is stopped for it.
	run func(context.Context, *bench) error
	// spans, unless nil, says how many spans an instance of so many steps makes.
	spans func(steps int) int
}

var workloads = []workload{
	{
		name: "chain", about: "instances with activities one after another", size: size{instances: 1000, concurrency: 100, steps: 5},
		figures: throughput, run: closed(chain, same), spans: chainSpans,
	},
	{
		name: "latency", about: "instances with an activity, one at a time", size: size{instances: 300, concurrency: 1, steps: 1},
		figures: []string{p50, p99}, run: closed(chain, same), spans: chainSpans,
	},
	{
		name: "long", about: "an instance with many activities one after another", size: size{instances: 1, concurrency: 1, steps: 2000},
		figures: []string{activityRate}, run: closed(chain, same), spans: chainSpans,
	},
	{
		name: "fanout", about: "instances with many activities at once", size: size{instances: 20, concurrency: 20, steps: 500},
		figures: []string{activityRate}, run: closed(fanout, same),
	},
	{
		name: "tree", about: "two children, two of each, and so on; two activities in each leaf", size: size{instances: 100, concurrency: 100, steps: 3},
		figures: []string{seconds, activityRate}, run: closed(tree, leaves),
	},
	{
		name: "big", about: "a chain with 100 KB arguments and results", size: size{instances: 100, concurrency: 20, steps: 5},
		figures: []string{"mb_per_second", activityRate}, run: big,
	},
	{
		name: "failing", about: "a chain where every third attempt fails, and is made again at once", size: size{instances: 1000, concurrency: 100, steps: 5},
		figures: throughput, run: closed(stubborn, same),
	},
	{
		name: "open", about: "chains that arrive at random, at half of the rate measured just before", size: size{instances: 5000, concurrency: 100, steps: 5},
		figures: []string{p50, p99, "p999_ms", "p99_to_p50", activityRate, "maximum_per_second"}, run: open,
	},
	{
		name: "replay", about: "a worker that never saw an instance takes it over", size: size{instances: 1, concurrency: 1, steps: 10_000},
		figures: []string{"events_per_second", allocated}, run: replay,
	},
	{
		name: "timers", about: "timers spread over the period, for a worker just restarted; how late they are", size: size{instances: 20_000, concurrency: 100, period: 10 * time.Second},
		figures: []string{p50, p99}, run: timers,
	},
	{
		name: "signals", about: "signals to waiting instances, from a client to the result", size: size{instances: 1000, concurrency: 100, steps: 50},
		figures: []string{"signals_per_second", p50, p99}, run: signals,
	},
	{
		name: "list", about: "filters and orders, the first page of a hundred; the slowest one counts", size: size{instances: 1_000_000},
		figures: listFigures(), run: list,
	},
	{
		name: "remote", about: "a chain with workflows in one process and activities in another", size: size{instances: 1000, concurrency: 100, steps: 5},
		shared: true, figures: throughput, run: remote,
	},
	{
		name: "scale", about: "a chain of short waits on one worker process of ten slots, and on two", size: size{instances: 300, concurrency: 100, steps: 5},
		shared: true, figures: []string{"times", "one_process_per_second", "two_processes_per_second"}, run: scale,
	},
	{
		name: "restart", about: "a worker process is killed; until another has moved all that was in flight", size: size{instances: 10_000, concurrency: 100},
		shared: true, figures: []string{"moved_after_seconds", "lease_seconds", "beyond_lease_seconds"}, run: restart,
	},
	{
		name: "sleepers", about: "activities that sleep for the period; what their leases cost", size: size{instances: 10_000, concurrency: 100, period: time.Minute},
		figures: []string{"writes_per_second", "lease_rows_per_second", "cpu_percent"}, run: sleepers,
	},
	{
		name: "idle", about: "a worker that has nothing to do, for the period", size: size{period: 10 * time.Second},
		figures: []string{"cpu_percent", "store_calls_per_second"}, run: idle,
	},
	{
		name: "warm", about: "instances of so many events that wait, with their executors kept", size: size{instances: 10_000, concurrency: 100, steps: 20, period: 6 * time.Second},
		figures: footprintFigures, run: footprint,
	},
	{
		name: "parked", about: "instances that wait for a signal from the start, more than a worker keeps", size: size{instances: 50_000, concurrency: 100, period: 6 * time.Second},
		figures: footprintFigures, run: footprint,
	},
}

var throughput = []string{activityRate, p50, p99}

func describeWorkloads() string {
	var s strings.Builder
	for _, w := range workloads {
		fmt.Fprintf(&s, "  %-9s %s\n", w.name, w.about)
	}
	return strings.TrimSuffix(s.String(), "\n")
}
