package sqlstore

import (
	"context"
	"strings"
	"sync"
	"time"
)

// groups are sets of columns that are written together. Splitting them keeps
// indexed columns out of the statement that every step runs: an engine rewrites
// the index entries of each column it is told to set, changed or not.
type groups uint16

const (
	groupHistory groups = 1 << iota
	groupSummary
	groupWaiting
	groupInbox
	groupTimer
	groupLease
	groupReady
	groupStatus
	groupBlock
	groupPark
	groupText
	groupTags
	groupTouched
	groupAttempt
)

// columnGroup is the assignments of a group and the values for them.
type columnGroup struct {
	bit     groups
	columns string
	values  func(x *row, args []any) []any
}

var columnGroups = []columnGroup{
	{groupHistory, "last_seq = ?, last_step = ?, history_bytes = ?, local_activities = ?", func(x *row, args []any) []any {
		return append(args, x.lastSeq, x.lastStep, x.historyBytes, x.local)
	}},
	{groupSummary, "last_worker = ?, build = ?", func(x *row, args []any) []any {
		return append(args, x.lastWorker, x.set.build)
	}},
	{groupWaiting, "waiting = ?", func(x *row, args []any) []any {
		return append(args, x.set.waiting)
	}},
	{groupInbox, "inbox_count = ?, inbox_next = ?, wake_at = ?", func(x *row, args []any) []any {
		return append(args, x.inbox, x.inboxNext, x.wakeAt)
	}},
	{groupTimer, "next_timer = ?", func(x *row, args []any) []any {
		return append(args, x.nextTimer)
	}},
	{groupLease, "token = ?, holder = ?, lease_until = ?, hold_until = ?", func(x *row, args []any) []any {
		return append(args, x.token, x.holder, x.leaseUntil, x.holdUntil)
	}},
	{groupReady, "ready_at = ?", func(x *row, args []any) []any {
		return append(args, orNull(x.readyAt))
	}},
	{groupStatus, "status = ?, paused = ?, finished = ?, unread = ?", func(x *row, args []any) []any {
		return append(args, x.status, x.paused, x.set.finished, x.set.unread)
	}},
	{groupBlock, "block_class = ?, block = ?", func(x *row, args []any) []any {
		return append(args, x.set.blockClass, x.set.block)
	}},
	{groupPark, "blocked_builds = ?, parked = ?, retry_at = ?", func(x *row, args []any) []any {
		return append(args, joinBuilds(x.builds), x.parked(), orNull(x.retryAt))
	}},
	{groupText, "status_line = COALESCE(?, status_line), last_error = COALESCE(?, last_error)", func(x *row, args []any) []any {
		return append(args, x.set.statusLine, x.set.lastError)
	}},
	{groupTags, "tags = ?", func(x *row, args []any) []any {
		return append(args, x.tags)
	}},
	{groupTouched, "touched = ?", func(x *row, args []any) []any {
		return append(args, x.changed)
	}},
	{groupAttempt, "attempt = ?", func(x *row, args []any) []any {
		return append(args, x.attempt)
	}},
}

// updateQueries caches the statement for every set of groups that was needed.
var updateQueries sync.Map // groups → string

func updateQuery(set groups) string {
	if known, ok := updateQueries.Load(set); ok {
		return known.(string) //nolint:errcheck // only strings are stored
	}
	assignments := []string{"updated = COALESCE(?, updated)"}
	for _, g := range columnGroups {
		if set&g.bit != 0 {
			assignments = append(assignments, g.columns)
		}
	}
	q := "UPDATE instances SET " + strings.Join(assignments, ", ") + " WHERE pk = ?"
	updateQueries.Store(set, q)
	return q
}

// save writes what has changed. It returns args for reuse.
func (x *row) save(ctx context.Context, s *Session, args []any) ([]any, error) {
	if x.dirty == 0 && x.set.updated == 0 {
		return args, nil
	}
	x.touch()
	if x.dirty&groupSummary != 0 && x.attempt != x.set.attempt {
		x.attempt = x.set.attempt
		x.dirty |= groupAttempt
	}
	args = append(args[:0], orNull(x.set.updated))
	for i := range columnGroups {
		if g := &columnGroups[i]; x.dirty&g.bit != 0 {
			args = g.values(x, args)
		}
	}
	args = append(args, x.pk)
	err := s.Send(ctx, updateQuery(x.dirty), args...)
	x.dirty, x.set.updated = 0, 0
	return args, err
}

// touchEvery is how far instances.changed may lag behind updated, so that not every
// step of a fast execution moves its entry in the index of lists by updated.
const touchEvery = time.Second

// touch completes the times of a change. Lists rely on it that nothing changes
// before it was created, which is not so when the clock is set back.
func (x *row) touch() {
	if x.set.updated == 0 {
		return
	}
	x.set.updated = max(x.set.updated, x.created)
	if x.set.finished != 0 {
		x.set.finished = max(x.set.finished, x.created)
	}
	lag := x.set.updated - x.changed
	if lag < 0 || lag >= int64(touchEvery) || !x.open() {
		x.changed = x.set.updated
		x.dirty |= groupTouched
	}
}
