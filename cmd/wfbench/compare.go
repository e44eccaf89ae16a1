package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// compareFiles prints the medians of two files of results side by side.
func compareFiles(_ context.Context, args []string, _ io.Reader, out, _ io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: wfbench compare a.json b.json")
	}
	var sides [2][]runs
	for i, path := range args {
		results, err := readResults(path)
		if err != nil {
			return err
		}
		sides[i] = grouped(results)
	}
	_, err := io.WriteString(out, comparison(args, sides[0], sides[1]))
	return err
}

func readResults(path string) (results []result, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	for d := json.NewDecoder(f); ; {
		var r result
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: object %d: %w", path, len(results)+1, err)
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("%s holds no results", path)
	}
	return results, nil
}

// comparison prints what the two sides were measured on, the figures, and then what
// makes them hard to compare.
func comparison(names []string, a, b []runs) string {
	var notes []string
	t := table{{"workload", "store", "figure", "a", "b", "b/a"}}
	for _, p := range pairs(a, b) {
		switch {
		case p.b == nil:
			notes = append(notes, p.a.title()+" is in a only")
			continue
		case p.a == nil:
			notes = append(notes, p.b.title()+" is in b only")
			continue
		}
		if diff := differences(p.a[0].setting, p.b[0].setting); len(diff) > 0 {
			notes = append(notes, p.a.title()+" differs in "+strings.Join(diff, "; "))
		}
		store := p.a[0].Backend
		if store != p.b[0].Backend {
			store += ", " + p.b[0].Backend
		}
		for _, name := range p.a.names() {
			t = append(t, append([]string{p.a[0].Workload, store, name}, p.figures(name)...))
		}
	}
	var s strings.Builder
	fmt.Fprintf(&s, "a: %s, %s\nb: %s, %s\n", names[0], a[0][0].Machine, names[1], b[0][0].Machine)
	if a[0][0].Machine != b[0][0].Machine {
		s.WriteString("The machines differ.\n")
	}
	s.WriteString("\n")
	s.WriteString(t.String())
	if len(notes) > 0 {
		s.WriteString("\n" + strings.Join(notes, "\n") + "\n")
	}
	return s.String()
}

func (g runs) title() string { return g[0].Workload + " on " + g[0].Backend }

// pair is what is compared. One side is nil if the other stands alone.
type pair struct{ a, b runs }

// likeness are the ways in which two runs match, the closest first.
var likeness = []func(a, b setting) bool{
	func(a, b setting) bool {
		return a.Workload == b.Workload && a.Backend == b.Backend && len(differences(a, b)) == 0
	},
	func(a, b setting) bool { return a.Workload == b.Workload && a.Backend == b.Backend },
	func(a, b setting) bool { return a.Workload == b.Workload },
}

// pairs matches each run of a with that of b that is most like it. What is left
// stands alone.
func pairs(a, b []runs) []pair {
	var all []pair
	for _, g := range a {
		all = append(all, pair{a: g})
	}
	rest := slices.Clone(b)
	for _, alike := range likeness {
		for i := range all {
			if all[i].b != nil {
				continue
			}
			if j := slices.IndexFunc(rest, func(g runs) bool { return alike(all[i].a[0].setting, g[0].setting) }); j >= 0 {
				all[i].b = rest[j]
				rest = slices.Delete(rest, j, j+1)
			}
		}
	}
	for _, g := range rest {
		all = append(all, pair{b: g})
	}
	return all
}

// figures returns the medians of both sides and their ratio, as far as there are
// any.
func (p pair) figures(name string) []string {
	a := p.a.spread(name).median
	if _, ok := p.b[0].figure(name); !ok {
		return []string{number(a), "–", "–"}
	}
	b := p.b.spread(name).median
	if a == 0 {
		return []string{number(a), number(b), "–"}
	}
	return []string{number(a), number(b), fmt.Sprintf("%.2f", b/a)}
}

// differences returns what makes two runs of a workload hard to compare, besides the
// machine.
func differences(a, b setting) []string {
	var diff []string
	for _, f := range []struct{ what, a, b string }{
		{"store", a.Store, b.Store},
		{"durability", a.Durability, b.Durability},
		{"size", a.size(), b.size()},
		{"lease", number(a.Lease) + " s", number(b.Lease) + " s"},
	} {
		if f.a != f.b {
			diff = append(diff, fmt.Sprintf("%s: %s and %s", f.what, f.a, f.b))
		}
	}
	return diff
}
