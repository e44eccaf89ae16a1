package workflow

import (
	"context"
	"log/slog"
)

// Logger returns a logger that carries the ids and the name of the workflow, and
// that is silent while the code is replayed, so that each line is logged once.
func Logger(ctx Context) *slog.Logger {
	x := ctx.exec()
	if x.logger == nil {
		base := x.settings.Logger
		if base == nil {
			base = slog.Default()
		}
		i := x.sink.Instance()
		x.logger = slog.New(&replayHandler{Handler: base.Handler(), replaying: x.sink.Replaying}).With(
			slog.String("workflow", x.sink.Workflow()),
			slog.String("instance_id", i.InstanceID),
			slog.String("execution_id", i.ExecutionID),
		)
		if t := x.sink.Trace(); x.settings.Trace != nil && t.ID() != "" {
			x.logger = x.logger.With(slog.String("trace_id", t.ID()), slog.String("span_id", t.SpanID()))
		}
	}
	return x.logger
}

// replayHandler drops what is logged during replay.
type replayHandler struct {
	slog.Handler
	replaying func() bool
}

func (h *replayHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return !h.replaying() && h.Handler.Enabled(ctx, l)
}

func (h *replayHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &replayHandler{Handler: h.Handler.WithAttrs(attrs), replaying: h.replaying}
}

func (h *replayHandler) WithGroup(name string) slog.Handler {
	return &replayHandler{Handler: h.Handler.WithGroup(name), replaying: h.replaying}
}
