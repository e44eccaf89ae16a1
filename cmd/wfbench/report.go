package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// report prints what the runs have in common, and a table of their figures, in
// Markdown that is as easy to read as it is to paste.
func report(out io.Writer, results []result) error {
	var s strings.Builder
	fmt.Fprintf(&s, "%s\n", results[0].Machine)
	for _, line := range stores(results) {
		fmt.Fprintf(&s, "%s\n", line)
	}
	s.WriteString("\n")
	head := []string{"workload", "store", "size", "figure", "median", "min", "max"}
	all := grouped(results)
	repeated := false
	for _, g := range all {
		repeated = repeated || len(g) > 1
	}
	if !repeated {
		head = append(head[:4], "value")
	}
	t := table{head}
	for _, g := range all {
		for _, name := range g.names() {
			v := g.spread(name)
			row := []string{g[0].Workload, g[0].Backend, g[0].size(), name, number(v.median), number(v.min), number(v.max)}
			t = append(t, row[:len(head)])
		}
	}
	s.WriteString(t.String())
	_, err := io.WriteString(out, s.String())
	return err
}

// stores describes each store once.
func stores(results []result) []string {
	var lines []string
	seen := map[string]bool{}
	for _, r := range results {
		if line := r.Store + ", durability: " + r.Durability; !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	return lines
}

// table is printed in Markdown. Its first row is the head.
type table [][]string

func (t table) String() string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var s strings.Builder
	for n, row := range t {
		for i, cell := range row {
			s.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		s.WriteString("|\n")
		if n == 0 {
			for _, w := range widths {
				s.WriteString("|" + strings.Repeat("-", w+2))
			}
			s.WriteString("|\n")
		}
	}
	return s.String()
}

// number prints three digits or more, with commas between thousands.
func number(v float64) string {
	switch {
	case v < 0:
		return "-" + number(-v)
	case v == float64(int64(v)) || v >= 100:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

func thousands(digits string) string {
	if len(digits) <= 3 {
		return digits
	}
	return thousands(digits[:len(digits)-3]) + "," + digits[len(digits)-3:]
}
