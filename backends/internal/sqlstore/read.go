package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
	"github.com/wfops/wfops/engine/history"
)

const summaryColumns = `pk, instance_id, execution_id, first_execution, workflow, queue, status, paused,
	block_class, block, blocked_builds, waiting, status_line, last_error, attempt, created, updated, finished,
	last_seq, history_bytes, local_activities, last_worker, build, parent_instance, parent_execution, trace_id, tags,
	inbox_count, unread, note`

// scanSummary reads summaryColumns. It leaves Summary.Inbox to the caller, for
// whom it returns the count.
func scanSummary(r *Row) (pk int64, s backend.Summary, inbox int) {
	pk = r.Int()
	s = backend.Summary{
		Instance: engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()}, FirstExecution: r.Text(),
		Workflow: r.Text(), Queue: engine.Queue(r.Text()), Status: engine.Status(r.Text()), Paused: r.Bool(),
		BlockClass: r.Text(), Block: r.Bytes(), BlockedBuilds: splitBuilds(r.Text()),
	}
	r.JSON(&s.Waiting)
	s.StatusLine, s.LastError, s.Attempt = r.Text(), r.Text(), int(r.Int())
	s.Created, s.Updated, s.Finished = r.Time(), r.Time(), r.Time()
	s.HistoryLength, s.HistoryBytes, s.Local = r.Int(), r.Int(), int(r.Int())
	s.Worker, s.Build = r.Text(), r.Text()
	if parent := (engine.Instance{InstanceID: r.Text(), ExecutionID: r.Text()}); parent.InstanceID != "" {
		s.Parent = &parent
	}
	s.TraceID = r.Text()
	r.JSON(&s.Tags)
	inbox, s.Unread = int(r.Int()), int(r.Int())
	r.JSON(&s.Note)
	return pk, s, inbox
}

// snapshot has all statements of fn see the same state.
func (st *Store) snapshot(ctx context.Context, s *Session, fn func() error) error {
	if err := st.d.BeginSnapshot(ctx, s); err != nil {
		return err
	}
	err := fn()
	if _, end := s.Exec(context.WithoutCancel(ctx), "ROLLBACK"); end != nil {
		s.broken = true
		return errors.Join(err, end)
	}
	return err
}

// readExecution reads columns of an execution, or without an ExecutionID of the
// latest one.
func readExecution(ctx context.Context, s *Session, columns string, i engine.Instance, scan func(*Row)) (err error) {
	var found bool
	query := "SELECT " + columns + " FROM instances WHERE "
	if i.ExecutionID == "" {
		found, err = s.QueryRow(ctx, query+latest, scan, i.InstanceID)
	} else {
		found, err = s.QueryRow(ctx, query+latestExactly, scan, i.InstanceID, i.ExecutionID)
		if !found && err == nil {
			found, err = s.QueryRow(ctx, query+supersededExactly, scan, i.InstanceID, i.ExecutionID)
		}
	}
	if !found && err == nil {
		err = noExecution(i)
	}
	return err
}

func noExecution(i engine.Instance) error {
	return fmt.Errorf("%s: %w", i, engine.ErrInstanceNotFound)
}

// Get implements backend.Read.
func (st *Store) Get(ctx context.Context, i engine.Instance) (sum backend.Summary, err error) {
	err = st.read(ctx, "reading an instance", func(s *Session) error {
		return readExecution(ctx, s, summaryColumns, i, func(r *Row) {
			var inbox int
			_, sum, inbox = scanSummary(r)
			sum.Inbox = inbox
		})
	})
	if err == nil && sum.Status.Final() && time.Since(sum.Finished) < fresh && !st.local(sum.Worker) {
		err = st.syncer.others(ctx)
	}
	return sum, err
}

// fresh is how long a result of another process may not have been synced yet.
const fresh = 10 * time.Second

// local reports whether a worker lives in this process.
func (st *Store) local(worker string) bool {
	return st.hub.Subscribed(backend.Topic{Kind: backend.TopicHolder, Name: worker})
}

// History implements backend.Read.
func (st *Store) History(ctx context.Context, i engine.Instance, after int64, limit int) (chunks []backend.Chunk, err error) {
	err = st.read(ctx, "reading a history", func(s *Session) error {
		if i.ExecutionID == "" {
			return noExecution(i)
		}
		found := false
		for _, condition := range []string{latestExactly, supersededExactly} {
			chunks = nil
			ask := historyOf(condition, i, after, limit, &found, &chunks)
			if err := s.QueryAll(ctx, ask); err != nil || found {
				return err
			}
		}
		return noExecution(i)
	})
	return chunks, err
}

// historyOf asks for the chunks of the execution that a condition is true of, and
// whether there is one. The chunk that holds the event after is the last one that
// begins at or before it.
func historyOf(condition string, i engine.Instance, after int64, limit int, found *bool, chunks *[]backend.Chunk) []Question {
	const pk = "(SELECT pk FROM instances WHERE "
	query := "SELECT first, count, events FROM history WHERE instance = " + pk + condition + ") AND first >= COALESCE(" +
		"(SELECT MAX(first) FROM history WHERE instance = " + pk + condition + ") AND first <= ?), 0) ORDER BY first"
	args := []any{i.InstanceID, i.ExecutionID, i.InstanceID, i.ExecutionID, after + 1}
	if limit > 0 {
		query, args = query+" LIMIT ?", append(args, limit)
	}
	return []Question{
		{"SELECT 1 FROM instances WHERE " + condition, args[:2:2], func(*Row) { *found = true }},
		{query, args, func(r *Row) {
			c := backend.Chunk{First: r.Int(), Count: int(r.Int()), Events: history.Encoded(r.Bytes())}
			if c.First+int64(c.Count)-1 > after {
				*chunks = append(*chunks, c)
			}
		}},
	}
}

// Pending implements backend.Read.
func (st *Store) Pending(ctx context.Context, i engine.Instance, limit int) (p backend.Pending, err error) {
	err = st.read(ctx, "reading what is pending", func(s *Session) error {
		p = backend.Pending{}
		var x *row
		if err := readExecution(ctx, s, rowColumns, i, func(r *Row) { x = scanRow(r) }); err != nil {
			return err
		}
		p.Holder, p.LeaseUntil, p.ReadyAt = x.holder, timeOf(x.leaseUntil), timeOf(x.readiness())
		if x.blocked() {
			p.ReadyAt = timeOf(x.retryAt)
		}
		return pendingRows(ctx, s, x.pk, limit, &p)
	})
	return p, err
}

func pendingRows(ctx context.Context, s *Session, pk int64, limit int, p *backend.Pending) error {
	for _, part := range []struct {
		query string
		each  func(*Row)
	}{
		{"SELECT id, event FROM inbox WHERE instance = ? ORDER BY id", func(r *Row) {
			p.Inbox = append(p.Inbox, backend.InboxRow{ID: r.Int(), Event: r.Bytes()})
		}},
		{"SELECT ref, slot, due, event FROM timers WHERE instance = ? ORDER BY due, ref, slot", func(r *Row) {
			p.Timers = append(p.Timers, scanTimer(r))
		}},
		{"SELECT " + activityRow + `, a.due, a.started, a.holder, a.lease_until, a.details
			FROM activities AS a WHERE a.instance = ? ORDER BY a.ref`, func(r *Row) {
			p.Activities = append(p.Activities, backend.PendingActivity{
				ActivityRow: scanActivityRow(r), ReadyAt: r.Time(), Started: r.Time(),
				Holder: r.Text(), LeaseUntil: r.Time(), Details: r.Bytes(),
			})
		}},
		{selectClosings, func(r *Row) { p.Closings = append(p.Closings, scanClosing(r)) }},
	} {
		query, args := part.query, []any{pk}
		if limit > 0 {
			query, args = query+" LIMIT ?", append(args, limit)
		}
		if err := s.Query(ctx, query, part.each, args...); err != nil {
			return err
		}
	}
	return nil
}

// Info implements backend.Read.
func (st *Store) Info(ctx context.Context) (info backend.Info, err error) {
	err = st.read(ctx, "describing the store", func(s *Session) error {
		now, err := st.d.Now(ctx, s)
		if err != nil {
			return err
		}
		version, err := st.d.Version(ctx, s)
		info = backend.Info{
			Kind: st.d.Kind(), Version: version, Durability: st.d.Durability(), Schema: st.schema,
			ReadOnly: st.cfg.ReadOnly, Now: now.UTC(),
		}
		return err
	})
	return info, err
}

// Queues implements backend.Read.
func (st *Store) Queues(ctx context.Context) (stats []backend.QueueStats, err error) {
	err = st.read(ctx, "reading queues", func(s *Session) error {
		stats = nil
		now, err := st.d.Now(ctx, s)
		if err != nil {
			return err
		}
		for _, part := range []struct {
			kind  backend.QueueKind
			query string
		}{
			// A leased execution may have a ready_at that lies before the end of its
			// lease. One without ready_at is counted if it is leased.
			{backend.QueueWorkflow, queueStats("instances", "status = 'running' AND paused = 0")},
			{backend.QueueActivity, queueStats("activities", "ready_at IS NOT NULL")},
		} {
			if err := s.Query(ctx, part.query, func(r *Row) {
				stats = append(stats, backend.QueueStats{
					Queue: engine.Queue(r.Text()), Kind: part.kind,
					Leased: r.Int(), Ready: r.Int(), Delayed: r.Int(), OldestReady: r.Time(),
				})
			}, queueArgs(now)...); err != nil {
				return err
			}
		}
		return nil
	})
	return stats, err
}

func queueStats(table, where string) string {
	return `SELECT queue,
		SUM(CASE WHEN lease_until > ? THEN 1 ELSE 0 END),
		SUM(CASE WHEN lease_until <= ? AND ready_at <= ? THEN 1 ELSE 0 END),
		SUM(CASE WHEN lease_until <= ? AND ready_at > ? THEN 1 ELSE 0 END),
		MIN(CASE WHEN lease_until <= ? AND ready_at <= ? THEN ready_at END)
		FROM ` + table + " WHERE " + where + " GROUP BY queue ORDER BY queue"
}

func queueArgs(now time.Time) []any {
	args := make([]any, 7)
	for i := range args {
		args[i] = now.UnixNano()
	}
	return args
}
