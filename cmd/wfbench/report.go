package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table prints runs of one workload, and what they have in common.
func table(out io.Writer, results []result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := io.WriteString(w, report(results)); err != nil {
		return err
	}
	return w.Flush()
}

func report(results []result) string {
	var s strings.Builder
	first := results[0]
	fmt.Fprintf(&s, "%s on %s\n", first.Workload, first.Store)
	fmt.Fprintf(&s, "%s\n", first.Machine)
	fmt.Fprintf(&s, "durability: %s\n", first.Durability)
	fmt.Fprintf(&s, "%d instances, %d in flight, %d steps each, %d activities in all\n\n", first.Instances, first.Concurrency, first.Steps, first.Activities)
	s.WriteString("run\tseconds\tactivities/s\tp50 ms\tp99 ms\tevents/s\tMB allocated\t\n")
	for i, r := range results {
		s.WriteString(row(strconv.Itoa(i+1), r))
	}
	if len(results) > 1 {
		for _, sum := range summaries {
			s.WriteString(row(sum.name, sum.of(results)))
		}
	}
	return s.String()
}

func row(name string, r result) string {
	return fmt.Sprintf("%s\t%.3f\t%s\t%.3f\t%.3f\t%s\t%.1f\t\n", name, r.Seconds, rate(r.Rate), r.P50, r.P99, rate(r.EventRate), float64(r.Bytes)/1e6)
}

// rate prints a figure that some workloads don't have.
func rate(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", v)
}

// summaries are made column by column: the minimum of a column is its lowest
// figure, whichever run that is from.
var summaries = []summary{
	{"min", func(sorted []float64) float64 { return sorted[0] }},
	{"median", func(sorted []float64) float64 { return sorted[len(sorted)/2] }},
	{"max", func(sorted []float64) float64 { return sorted[len(sorted)-1] }},
}

type summary struct {
	name string
	pick func(sorted []float64) float64
}

func (s summary) of(results []result) result {
	column := func(value func(result) float64) float64 {
		var values []float64
		for _, r := range results {
			values = append(values, value(r))
		}
		slices.Sort(values)
		return s.pick(values)
	}
	return result{
		Seconds:   column(func(r result) float64 { return r.Seconds }),
		Rate:      column(func(r result) float64 { return r.Rate }),
		P50:       column(func(r result) float64 { return r.P50 }),
		P99:       column(func(r result) float64 { return r.P99 }),
		EventRate: column(func(r result) float64 { return r.EventRate }),
		Bytes:     uint64(column(func(r result) float64 { return float64(r.Bytes) })),
	}
}

// machine describes where this runs, for comparing like with like.
func machine() string {
	return fmt.Sprintf("%s, %d CPUs, %s/%s, %s", cpu(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// cpu returns the processor's name where the system tells it.
func cpu() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close() //nolint:errcheck // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, name, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(name)
		}
	}
	return "unknown processor"
}
