package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/backend"
)

// tableOf returns the table that a command prints, without rows: its columns are known
// before anything is asked. What prints several tables, or none, has no columns here.
func tableOf(name string) view.Table {
	var o view.Options
	switch name {
	case "list":
		return view.Instances(nil, o)
	case "get":
		return view.Detail(ops.Detail{}, o)
	case "history":
		return view.Table{Columns: view.HistoryColumns()}
	case "tree":
		return view.Tree(&ops.Node{}, o)
	case "pending":
		return view.Pending(backend.Pending{}, nil, o)
	case "data":
		t, _ := view.Values(nil, 0)
		return t
	case "queues":
		return view.Queues(nil, o)
	case "workers":
		return view.Workers(nil, o)
	case "health":
		return view.Findings(nil, o)
	case "trace":
		return view.Trace(nil, o)
	case "replay":
		return view.Verdicts(nil, nil, o)
	case "diff":
		return view.Diff(diagnostics.Result{}, false, o)
	}
	if slices.Contains(texts(ops.Actions()), name) {
		return view.Outcomes(name, nil, false)
	}
	return view.Table{}
}

// asksForColumns reports whether the columns of a command's table are wanted, and not
// the table.
func (s *session) asksForColumns(command string) bool {
	return len(s.flags.columns) == 1 && s.flags.columns[0] == "help" && !s.o.count && len(tableOf(command).Columns) > 0
}

// printColumns prints what --columns can name.
func (s *session) printColumns(t view.Table) error {
	_, err := fmt.Fprintln(s.env.Out, strings.Join(t.Keys(), "\n"))
	return err
}

// completeColumns completes the last of the columns that are named.
func completeColumns(cmd *cobra.Command, _ []string, begun string) (offers []string, _ cobra.ShellCompDirective) {
	at := strings.LastIndexByte(begun, ',') + 1
	named := strings.Split(begun[:at], ",")
	for _, key := range append(tableOf(cmd.Name()).Keys(), "help") {
		if strings.HasPrefix(key, begun[at:]) && !slices.Contains(named, key) && (key != "help" || at == 0) {
			offers = append(offers, begun[:at]+key)
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
