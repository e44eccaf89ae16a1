package ops

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// position is where a page begins, and the format of a cursor.
type position struct {
	// List tells lists apart, see fingerprint.
	List uint32 `json:"l"`
	// Now is when the list was begun, in nanoseconds of Unix time.
	Now     int64  `json:"n"`
	Segment int    `json:"s,omitempty"`
	Cursor  string `json:"c,omitempty"` // of the store
}

func (p position) time() time.Time { return time.Unix(0, p.Now).UTC() }

func (p position) String() string {
	raw, err := json.Marshal(p)
	if err != nil {
		return "" // numbers and a text always encode
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func fingerprint(r *ListRequest) uint32 {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s\n%s %v", r.Filter, r.Sort, r.Ascending) // never fails
	return h.Sum32()
}

func readCursor(r *ListRequest) (position, error) {
	var p position
	raw, err := base64.RawURLEncoding.DecodeString(r.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err == nil && (p.List != fingerprint(r) || p.Segment < 0) {
		err = fmt.Errorf("it is of a list with another filter or order")
	}
	if err != nil {
		return p, fmt.Errorf("%w: the cursor %.40q can't be used: %w", engine.ErrInvalidArgument, r.Cursor, err)
	}
	return p, nil
}

// lister fills a page from segments.
type lister struct {
	b        backend.Read
	r        *ListRequest
	segments []segment
	at       position
	page     ListPage
	heard    time.Time // the store's time of the last answer
}

func (l *lister) run(ctx context.Context) error {
	for l.at.Segment < len(l.segments) {
		if len(l.page.Items) >= l.r.Limit {
			l.page.Next = l.at.String()
			return nil
		}
		if l.page.Scan && l.page.Scanned >= l.r.MaxScan {
			l.page.Capped, l.page.Next = true, l.at.String()
			return nil
		}
		if err := l.step(ctx, &l.segments[l.at.Segment]); err != nil {
			return err
		}
	}
	return nil
}

// step reads one page of the store. If it holds more than is wanted it reads the
// wanted part of it once more, for a cursor behind that: pages of ours must neither
// skip nor repeat an item.
func (l *lister) step(ctx context.Context, s *segment) error {
	q := s.query
	q.Cursor, q.Limit = l.at.Cursor, l.size(s)
	answer, err := l.b.List(ctx, q)
	if err != nil {
		return err
	}
	l.heard = answer.Now
	used := l.take(s, answer.Items)
	if used < len(answer.Items) {
		q.Limit = used
		if answer, err = l.b.List(ctx, q); err != nil {
			return err
		}
	}
	if l.at.Cursor = answer.Next; answer.Next == "" {
		l.at.Segment++
	}
	return nil
}

// size is how much to ask the store for.
func (l *lister) size(s *segment) int {
	want := l.r.Limit - len(l.page.Items)
	switch {
	case s.scan:
		want = min(backend.MaxLimit, l.r.MaxScan-l.page.Scanned)
	case s.keep != nil:
		want = max(want, backend.DefaultLimit) // most are kept
	}
	return min(want, backend.MaxLimit)
}

// take keeps what matches, and returns how many items it has looked at.
func (l *lister) take(s *segment, items []backend.Summary) (used int) {
	for i := range items {
		if len(l.page.Items) >= l.r.Limit {
			return i
		}
		l.page.Scanned++
		if l.r.Filter.Match(&items[i], l.page.Now) && (s.keep == nil || s.keep(&items[i])) {
			l.page.Items = append(l.page.Items, items[i])
		}
	}
	return len(items)
}
