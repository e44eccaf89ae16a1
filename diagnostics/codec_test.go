package diagnostics_test

import (
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
	"github.com/wfops/wfops/engine/workflow"
)

type workflowContext = workflow.Context

func executeActivity(ctx workflow.Context, name string, arg any) (int, error) {
	return workflow.ExecuteActivity[int](ctx, ao, name, arg).Get(ctx)
}

// nonceCodec seals the same value differently each time.
type nonceCodec struct{ n atomic.Int64 }

func (c *nonceCodec) Seal(p engine.Payload) (engine.Payload, error) {
	return append([]byte("sealed "+strconv.FormatInt(c.n.Add(1), 10)+":"), p...), nil
}

func (c *nonceCodec) Open(p engine.Payload) (engine.Payload, error) {
	for i, b := range p {
		if b == ':' {
			return p[i+1:], nil
		}
	}
	return nil, errors.New("not sealed")
}

var sealer nonceCodec

// sealed is a body with its payloads sealed.
func sealed(b history.Body) history.Body {
	seal := func(ps ...engine.Payload) []engine.Payload {
		out := make([]engine.Payload, len(ps))
		for i, p := range ps {
			out[i], _ = sealer.Seal(p)
		}
		return out
	}
	switch b := b.(type) {
	case history.WorkflowStarted:
		b.Args = seal(b.Args...)
		return b
	case history.ActivityScheduled:
		b.Args = seal(b.Args...)
		return b
	case history.ActivityCompleted:
		b.Result = seal(b.Result)[0]
		return b
	case history.WorkflowCompleted:
		b.Result = seal(b.Result)[0]
		return b
	}
	return b
}
