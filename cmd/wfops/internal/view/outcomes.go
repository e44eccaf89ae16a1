package view

import "github.com/wfops/wfops/cmd/wfops/internal/ops"

// Outcomes is the table of what became of an action. It says where the reason is not
// stored, so that nobody looks for it there.
func Outcomes(action string, all []ops.Outcome, dryRun bool) Table {
	t := Table{Columns: []Column{
		{Key: "instance", Title: "INSTANCE", Min: 12, Max: 48},
		{Key: "was", Title: "WAS"},
		{Key: "action", Title: "ACTION"},
		{Key: "outcome", Title: "OUTCOME", Min: 20},
	}}
	for _, o := range all {
		outcome := Cell{"done", Good}
		switch {
		case o.Err != nil:
			outcome = Cell{o.Err.Error(), Bad}
		case dryRun:
			outcome = Cell{"would be done", Muted}
		case !ops.Action(action).KeepsReason():
			outcome = Cell{"done; the reason is not stored", Good}
		}
		t.Rows = append(t.Rows, []Cell{{o.Instance.InstanceID, Plain}, {string(o.Before), statusStyle(o.Before)}, {action, Plain}, outcome})
	}
	return t
}
