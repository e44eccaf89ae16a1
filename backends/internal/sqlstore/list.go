package sqlstore

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// orderColumns are the columns that lists are ordered by; pk, the order of
// creation, breaks ties.
var orderColumns = map[backend.Order]string{
	backend.OrderCreated: "created",
	backend.OrderUpdated: "updated",
	backend.OrderAttempt: "attempt",
}

// position is a place in a list, and the wire format of a cursor.
type position struct {
	Order     backend.Order `json:"o"`
	Ascending bool          `json:"a,omitempty"`
	Key       int64         `json:"k"`
	PK        int64         `json:"p"`
}

func (p position) cursor() (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("making a cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// parseCursor returns the position that the page before ended with.
func parseCursor(q *backend.Query) (p position, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err == nil && (p.Order != q.Order || p.Ascending != q.Ascending) {
		err = fmt.Errorf("it belongs to a list in another order")
	}
	if err != nil {
		return p, fmt.Errorf("%w: cursor %q: %w", engine.ErrInvalidArgument, q.Cursor, err)
	}
	return p, nil
}

// listed is a row of a page with its place.
type listed struct {
	position

	summary backend.Summary
}

// List implements backend.Read.
func (st *Store) List(ctx context.Context, q backend.Query) (page backend.Page, err error) {
	q.Order = cmp.Or(q.Order, backend.OrderCreated)
	if orderColumns[q.Order] == "" {
		return page, fmt.Errorf("%w: there is no order %q", engine.ErrInvalidArgument, q.Order)
	}
	if q.Limit <= 0 {
		q.Limit = backend.DefaultLimit
	}
	q.Limit = min(q.Limit, backend.MaxLimit)
	err = st.read(ctx, "listing instances", func(s *Session) error {
		page = backend.Page{}
		rows, err := st.list(ctx, s, &q)
		if err != nil {
			return err
		}
		if len(rows) > q.Limit {
			rows = rows[:q.Limit]
			if page.Next, err = rows[q.Limit-1].cursor(); err != nil {
				return err
			}
		}
		for i := range rows {
			page.Items = append(page.Items, rows[i].summary)
		}
		page.Now, err = st.d.Now(ctx, s)
		page.Now = page.Now.UTC()
		return err
	})
	return page, err
}

// list returns one row more than the page holds, if there is one.
func (st *Store) list(ctx context.Context, s *Session, q *backend.Query) ([]listed, error) {
	var from *position
	if q.Cursor != "" {
		p, err := parseCursor(q)
		if err != nil {
			return nil, err
		}
		from = &p
	}
	// In order of creation, each status is a range of an index. Read apart and
	// merged, a rare status costs no scan of the frequent ones, and no other index
	// is needed for a list of all.
	if q.Order != backend.OrderCreated || len(q.Statuses) == 1 || selective(q) {
		return st.listOne(ctx, s, q, from)
	}
	statuses := q.Statuses
	if len(statuses) == 0 {
		statuses = engine.Statuses()
	}
	var rows []listed
	for _, status := range statuses {
		one := *q
		one.Statuses = []engine.Status{status}
		more, err := st.listOne(ctx, s, &one, from)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	slices.SortFunc(rows, func(a, b listed) int {
		c := cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.PK, b.PK))
		if q.Ascending {
			return c
		}
		return -c
	})
	rows = slices.CompactFunc(rows, func(a, b listed) bool { return a.PK == b.PK })
	return rows[:min(len(rows), q.Limit+1)], nil
}

// selective reports whether an index that has nothing to do with the order finds
// the rows of q.
func selective(q *backend.Query) bool {
	return q.InstanceID != "" || q.IDPrefix != "" || q.Parent != nil || len(q.Tags) > 0
}

// listOne sorts keys, and fetches the rows of those that are left: a sort that
// carries the rows along takes four times as long.
func (st *Store) listOne(ctx context.Context, s *Session, q *backend.Query, from *position) (rows []listed, err error) {
	f := st.filter(q)
	column, direction, beyond := orderColumns[q.Order], "DESC", "<"
	if q.Ascending {
		direction, beyond = "ASC", ">"
	}
	if from != nil {
		f.add("("+column+" "+beyond+"= ? AND ("+column+" "+beyond+" ? OR pk "+beyond+" ?))", from.Key, from.Key, from.PK)
	}
	order := " ORDER BY " + column + " " + direction + ", pk " + direction
	query := "SELECT " + column + ", " + summaryColumns + " FROM instances WHERE pk IN (SELECT pk FROM (SELECT pk FROM instances" +
		f.where() + order + " LIMIT ?) AS page)" + order
	err = s.QueryOnce(ctx, query, func(r *Row) {
		l := listed{position: position{Order: q.Order, Ascending: q.Ascending, Key: r.Int()}}
		l.PK, l.summary, _ = scanSummary(r)
		rows = append(rows, l)
	}, append(f.args, q.Limit+1)...)
	return rows, err
}

// Count implements backend.Read.
func (st *Store) Count(ctx context.Context, q backend.Query) (counts map[engine.Status]int64, err error) {
	f := st.filter(&q)
	err = st.read(ctx, "counting instances", func(s *Session) error {
		counts = map[engine.Status]int64{}
		return s.QueryOnce(ctx, "SELECT status, COUNT(*) FROM instances"+f.where()+" GROUP BY status",
			func(r *Row) { counts[engine.Status(r.Text())] = r.Int() }, f.args...)
	})
	return counts, err
}
