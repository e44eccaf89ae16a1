package cli

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/trace"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/engine"
)

func traceFlags(s *session, fs *pflag.FlagSet) {
	fs.StringVar(&s.o.otlp, "otlp", "", "export to the collector at this `URL`: http://host:4318, or grpc://host:4317")
}

func runTrace(ctx context.Context, s *session, args []string) error {
	found, err := s.store.Resolve(ctx, args[0])
	if err != nil {
		return err
	}
	first := engine.Instance{InstanceID: found.Instance.InstanceID, ExecutionID: found.FirstExecution}
	spans, err := trace.Collect(ctx, s.backend, first)
	if err != nil {
		return err
	}
	if s.o.otlp != "" {
		if err := trace.Export(ctx, s.o.otlp, spans); err != nil {
			return err
		}
		s.note("%d spans of %s were exported to %s", len(spans), first.InstanceID, s.o.otlp)
		return nil
	}
	o, err := s.now(ctx)
	if err != nil {
		return err
	}
	if len(spans) == 0 {
		s.note("nothing of %s is over yet", first.InstanceID)
	}
	tree := trace.Tree(spans)
	var ids []string
	for _, root := range tree {
		ids = append(ids, root.TraceID)
	}
	return s.print(view.Trace(tree, o), document.OfTrace(tree), ids)
}
