package cli

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/connect"
	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

func timelineFlags(s *session, fs *pflag.FlagSet) {
	fs.BoolVar(&s.o.critical, "critical", false, "also show what the time went into: the critical path, summed up")
}

func runTimeline(ctx context.Context, s *session, args []string) error {
	b, err := s.load(ctx, args[0])
	if err != nil {
		return err
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	if n := len(b.Events); n > 0 && connect.IsBundle(args[0]) { // nothing is known of later
		o.Now = b.Events[n-1].At
	}
	t := diagnostics.NewTimeline(b.Events, o.Now)
	if !s.isTable() {
		var names []string
		for i := range t.Spans {
			names = append(names, strings.TrimSpace(string(t.Spans[i].Kind)+" "+t.Spans[i].Name))
		}
		return s.print(view.Table{}, document.OfTimeline(b, t), names)
	}
	if len(t.Spans) == 0 {
		s.note("%s has not begun", b.Instance.InstanceID)
		return nil
	}
	lines := view.Timeline(t, o, s.room())
	if s.o.critical {
		lines = append(lines, view.CriticalPath(t.Path)...)
	}
	return s.lines(lines)
}
