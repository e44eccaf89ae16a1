package cli

import (
	"context"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/fleet"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// runWhy shows the report of a blocked instance, as the worker has stored it.
func runWhy(ctx context.Context, s *session, args []string) error {
	found, err := s.store.Resolve(ctx, args[0])
	if err != nil {
		return err
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	r, reason, blocked, err := fleet.Stored(&found)
	switch {
	case err != nil:
		return err
	case !blocked:
		s.note("%s is %s and not blocked", found.Instance.InstanceID, view.StatusWord(&found))
		return errNo
	case !s.isTable():
		return s.print(view.Table{}, document.OfReplay(found.Instance.InstanceID, r, nil), []string{found.Instance.InstanceID})
	}
	notes := []string{fleet.FoundBy(reason)}
	if asked := o.Asked(found.Note); asked != "" {
		notes = append(notes, asked)
	}
	return s.lines(view.Report(r, notes, o, s.room()))
}
