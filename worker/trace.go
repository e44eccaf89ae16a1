package worker

import (
	"context"

	"github.com/wfops/wfops/engine/history"
)

// traced finds out the trace context of the execution, once its started event is
// known, and that of the execution that follows it.
func (h *hold) traced(t *turn) {
	tel, started := h.w.settings.Telemetry, h.body.x.WorkflowStarted()
	if tel == nil || started == nil {
		return
	}
	if h.trace == (history.Trace{}) {
		h.trace = tel.Trace(h.instance, started, 0)
	}
	if n := t.step.Next; n != nil {
		n.Started.Trace = tel.Continued(&n.Started, h.trace)
		t.next = tel.Trace(n.Instance, &n.Started, 0)
	}
}

// scheduled is the event of an activity as its row has it: whoever runs it knows
// nothing else of the trace. History does without.
func (b *builder) scheduled(body history.ActivityScheduled) history.ActivityScheduled {
	if b.trace != (history.Trace{}) {
		body.Trace = b.trace
	}
	return body
}

// context is that of the attempt with the span of the attempt in it. What the
// function traces itself hangs there.
func (a *attempt) context(ctx context.Context) context.Context {
	tel := a.w.settings.Telemetry
	if tel == nil {
		return ctx
	}
	return tel.Attempt(ctx, a.task.Info.Instance, a.trace, a.start.ref, a.start.attempt)
}
