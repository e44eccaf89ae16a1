package orders

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Print writes the table of instances and the verdict, which ends with a line that
// begins with "nothing lost" if that is so.
func (f Findings) Print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WORKFLOW\tSTATUS\tINSTANCES")
	kinds := slices.SortedFunc(maps.Keys(f.ByKind), func(a, b Kind) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Status, b.Status))
	})
	for _, k := range kinds {
		fmt.Fprintf(w, "%s\t%s\t%d\n", k.Workflow, k.Status, f.ByKind[k])
	}
	_ = w.Flush() // as for all that is printed here, there is nobody to tell
	fmt.Fprintf(out, "\n%d activities have a committed result; %d were run again because their worker was lost\n", f.Activities, f.Rerun)
	for _, p := range f.Problems {
		fmt.Fprintln(out, "PROBLEM:", p)
	}
	if f.Err() == nil {
		fmt.Fprint(out, "nothing lost: ")
	}
	fmt.Fprintf(out, "%d started, %d finished, %d duplicated\n", f.Started, f.Finished, f.Duplicated)
}
