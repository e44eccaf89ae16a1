package sqlstore

import (
	"cmp"
	"context"

	"github.com/wfops/wfops/backends/internal/matching"
	"github.com/wfops/wfops/engine/backend"
)

// position is the place of an execution in a list, and the wire format of a cursor:
// what the list is ordered by, then the order of creation.
type position struct {
	matching.Head

	Key     int64 `json:"k,omitempty"` // 0 in order of creation
	Created int64 `json:"c"`
	PK      int64 `json:"p"`
}

func (p *position) compare(o *position) int {
	c := cmp.Or(cmp.Compare(p.Key, o.Key), cmp.Compare(p.Created, o.Created), cmp.Compare(p.PK, o.PK))
	if p.Ascending {
		return c
	}
	return -c
}

// List implements backend.Read.
func (st *Store) List(ctx context.Context, q backend.Query) (page backend.Page, err error) {
	if err := matching.Complete(&q); err != nil {
		return page, err
	}
	from, err := matching.After[position](&q)
	if err != nil {
		return page, err
	}
	err = st.read(ctx, "listing instances", func(s *Session) error {
		return st.snapshot(ctx, s, func() error {
			l := listing{st: st, ctx: ctx, s: s, q: &q, limit: q.Limit + 1} // one more shows whether there is a next page
			found, err := l.find(from)
			if err != nil {
				return err
			}
			page, err = l.page(found)
			return err
		})
	})
	return page, err
}

// page reads the rows at the positions.
func (l *listing) page(found []position) (page backend.Page, err error) {
	if len(found) > l.q.Limit {
		found = found[:l.q.Limit]
		if page.Next, err = matching.Cursor(found[l.q.Limit-1]); err != nil {
			return page, err
		}
	}
	if len(found) > 0 {
		at := make(map[int64]int, len(found))
		args := make([]any, len(found))
		for i, p := range found {
			at[p.PK], args[i] = i, p.PK
		}
		page.Items = make([]backend.Summary, len(found))
		err = l.s.QueryOnce(l.ctx, "SELECT "+summaryColumns+" FROM instances WHERE pk IN ("+marks(len(found))+")", func(r *Row) {
			pk, sum, _ := scanSummary(r)
			page.Items[at[pk]] = sum
		}, args...)
		if err != nil {
			return page, err
		}
	}
	now, err := l.st.d.Now(l.ctx, l.s)
	page.Now = now.UTC()
	return page, err
}
