package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
)

// setting is what one run has in common with its repetitions.
type setting struct {
	Backend      string  `json:"backend"`
	Store        string  `json:"store"` // kind and version
	Durability   string  `json:"durability"`
	Workload     string  `json:"workload"`
	Instances    int     `json:"instances"`
	Concurrency  int     `json:"concurrency"`
	Steps        int     `json:"steps"`
	Period       float64 `json:"period_seconds,omitempty"`
	Lease        float64 `json:"lease_seconds"`
	Pregenerated int     `json:"pregenerated,omitempty"`
	Telemetry    float64 `json:"telemetry,omitempty"` // share of the traces that is sampled
	Machine      machine `json:"machine"`
}

// size says how much was run, leaving out what the workload has not.
func (s setting) size() string {
	var parts []string
	switch {
	case s.Steps > 0:
		parts = append(parts, number(float64(s.Instances))+" × "+number(float64(s.Steps)))
	case s.Instances > 0:
		parts = append(parts, number(float64(s.Instances)))
	}
	if s.Concurrency > 1 {
		parts = append(parts, number(float64(s.Concurrency))+" at a time")
	}
	if s.Period > 0 {
		parts = append(parts, number(s.Period)+" s")
	}
	if s.Pregenerated > 0 {
		parts = append(parts, "beside "+number(float64(s.Pregenerated)))
	}
	if s.Telemetry > 0 {
		parts = append(parts, "traced "+number(s.Telemetry))
	}
	return strings.Join(parts, ", ")
}

// result is one run, as it is printed.
type result struct {
	setting

	Activities int     `json:"activities"`
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"activities_per_second"`
	// P50 and P99 are of single instances, from create to result, unless the
	// workload is about something else.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	// Bytes is what the whole process allocated: load, worker and store.
	Bytes uint64 `json:"bytes_allocated"`
	// Figures are those that only some workloads have.
	Figures map[string]float64 `json:"figures,omitempty"`
}

// Figures that every run has, by their names in JSON.
const (
	activityRate = "activities_per_second"
	p50          = "p50_ms"
	p99          = "p99_ms"
	seconds      = "seconds"
	allocated    = "bytes_allocated"
)

// figure returns a figure by its name, and false if the run has none of that name.
func (r *result) figure(name string) (float64, bool) {
	switch name {
	case activityRate:
		return r.Rate, r.Rate > 0
	case p50:
		return r.P50, r.P50 > 0
	case p99:
		return r.P99, r.P99 > 0
	case seconds:
		return r.Seconds, true
	case allocated:
		return float64(r.Bytes), true
	}
	v, ok := r.Figures[name]
	return v, ok
}

// runs are results that differ in nothing but what was measured.
type runs []result

// grouped puts runs together, in the order in which they first came.
func grouped(results []result) []runs {
	var all []runs
	for _, r := range results {
		i := slices.IndexFunc(all, func(g runs) bool { return g[0].setting == r.setting })
		if i < 0 {
			all = append(all, runs{r})
			continue
		}
		all[i] = append(all[i], r)
	}
	return all
}

// names returns the figures to show: those of the workload's table entry that the
// runs have. Of a workload that is gone, or new, all of its own are shown.
func (g runs) names() []string {
	i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == g[0].Workload })
	if i < 0 {
		return slices.Sorted(maps.Keys(g[0].Figures))
	}
	return slices.DeleteFunc(slices.Concat(workloads[i].figures, telemetryFigures), func(name string) bool {
		_, ok := g[0].figure(name)
		return !ok
	})
}

// spread is a figure over several runs.
type spread struct{ min, median, max float64 }

func (g runs) spread(name string) spread {
	var values []float64
	for _, r := range g {
		v, _ := r.figure(name)
		values = append(values, v)
	}
	slices.Sort(values)
	return spread{min: values[0], median: values[len(values)/2], max: values[len(values)-1]}
}

// machine is where a run took place, for comparing like with like.
type machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Go    string `json:"go"`
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", m.CPU, m.Cores, m.OS, m.Arch, m.Go)
}

func thisMachine() machine {
	return machine{CPU: processor(), Cores: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()}
}

// processor returns the processor's name where the system tells it.
func processor() string {
	const unknown = "unknown processor"
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return unknown
	}
	defer f.Close() //nolint:errcheck // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, name, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(name)
		}
	}
	return unknown
}
