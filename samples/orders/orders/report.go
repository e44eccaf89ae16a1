package orders

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Print writes the table of instances and the verdict, which ends with a line that
// begins with "nothing lost" if that is so.
func (f Findings) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(w, f.text()); err != nil {
		return err
	}
	return w.Flush()
}

func (f Findings) text() string {
	var s strings.Builder
	s.WriteString("WORKFLOW\tSTATUS\tINSTANCES\n")
	kinds := slices.SortedFunc(maps.Keys(f.ByKind), func(a, b Kind) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Status, b.Status))
	})
	for _, k := range kinds {
		fmt.Fprintf(&s, "%s\t%s\t%d\n", k.Workflow, k.Status, f.ByKind[k])
	}
	fmt.Fprintf(&s, "\n%d activities have a committed result; %d were run again because their worker was lost\n", f.Activities, f.Rerun)
	for _, p := range f.Problems {
		fmt.Fprintln(&s, "PROBLEM:", p)
	}
	if f.Err() == nil {
		s.WriteString("nothing lost: ")
	}
	fmt.Fprintf(&s, "%d started, %d finished, %d duplicated\n", f.Started, f.Finished, f.Duplicated)
	return s.String()
}
