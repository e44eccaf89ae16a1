package sqlstore

import (
	"context"

	"github.com/wfops/wfops/engine/backend"
)

// ExtendWorkflows implements backend.Work.
func (st *Store) ExtendWorkflows(ctx context.Context, es []backend.WorkflowExtension) []backend.WorkflowCommitted {
	token := func(i int) string { return es[i].Token }
	var n *needs
	if st.remote() {
		n = &needs{}
		for _, e := range es {
			n.instance(e.Instance.InstanceID)
		}
	}
	return st.held(ctx, "extending leases", true, n, len(es), token, func(b *batch, i int) (*row, error, error) {
		return b.extend(&es[i])
	})
}

func (b *batch) extend(e *backend.WorkflowExtension) (x *row, refusal, err error) {
	x, err = b.exact(e.Instance)
	if err != nil {
		return nil, nil, err
	}
	if x == nil || e.Token == "" || x.token != e.Token {
		return nil, leaseLost(e.Instance, "the lease is not ours"), nil
	}
	x.lease(b.in(e.Lease))
	x.place(b.now)
	return x, nil, nil
}
