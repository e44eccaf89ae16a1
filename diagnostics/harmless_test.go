package diagnostics_test

import (
	"github.com/wfops/wfops/engine/workflow"
	"github.com/wfops/wfops/telemetry"
)

// Changes that do no harm, in a file of their own: reports that are kept name lines of the
// other.

func seqSpans(ctx workflow.Context, n int) (int, error) {
	sctx, span := telemetry.Tracer(ctx).Start(ctx, "all")
	defer span.End()
	_, inner := telemetry.Tracer(sctx).Start(sctx, "begin")
	inner.End()
	return seq(sctx, n)
}

// seqMoved is seq, elsewhere in the file and with its lines moved.
func seqMoved(
	ctx workflow.Context, n int,
) (int, error) {
	// A comment of
	// several lines.
	_, err := workflow.ExecuteActivity[int](ctx, ao, "reserve", n).Get(ctx)
	if err != nil {
		return 0, err
	}

	_, err = workflow.ExecuteActivity[int](
		ctx, ao, "charge", n,
	).Get(ctx)
	if err != nil {
		return 0, err
	}

	return workflow.ExecuteActivity[int](ctx, ao, "ship", n).Get(ctx)
}
