package sqlstore

import (
	"context"
	"testing"
)

func BenchOn(b *testing.B, st *Store) {
	ctx := context.Background()
	for _, q := range []struct{ q string; args []any }{
		{"SELECT 1", nil},
		{"SELECT MIN(parked) FROM instances WHERE queue = ? AND parked IS NOT NULL", []any{"q"}},
		{"SELECT MIN(ready_at) FROM instances WHERE queue = ? AND ready_at > ?", []any{"q", int64(5)}},
		{selectClosings, []any{int64(5)}},
		{"SELECT ref FROM closings WHERE instance = ?", []any{int64(5)}},
		{"SELECT ref FROM closings WHERE instance = ? ORDER BY ref", []any{int64(5)}},
		{"SELECT "+rowColumns+" FROM instances WHERE pk = ?", []any{int64(5)}},
		{"SELECT "+rowColumns+" FROM instances WHERE " + latest, []any{"5"}},
		{"SELECT id, event FROM inbox WHERE instance = ? ORDER BY id LIMIT ?", []any{int64(5), int64(1001)}},
	} {
		b.Run(q.q[:min(len(q.q), 60)], func(b *testing.B) {
			_ = st.writers.with(ctx, func(s *Session) error {
				_, _ = s.Exec(ctx, "BEGIN IMMEDIATE")
				for b.Loop() {
					if err := s.Query(ctx, q.q, func(r *Row) { }, q.args...); err != nil { b.Fatal(err) }
				}
				_, _ = s.Exec(ctx, "COMMIT")
				return nil
			})
		})
	}
}
