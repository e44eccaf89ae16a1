package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Get implements backend.Read.
func (b *Backend) Get(ctx context.Context, i engine.Instance) (backend.Summary, error) {
	if err := b.enter(ctx, false); err != nil {
		return backend.Summary{}, err
	}
	defer b.leave()
	base := b.base(b.partition(i.InstanceID))
	var row string
	var err error
	if i.ExecutionID != "" {
		row, err = b.client.Get(ctx, base+"x:"+idOf(i)).Result()
	} else {
		row, err = latestScript.RunRO(ctx, b.client, []string{base + "r:" + i.InstanceID}, base+"x:").Text()
	}
	if err != nil {
		return backend.Summary{}, reading(i, err)
	}
	return summaryOf(row)
}

// latestScript reads the row of the latest execution of an instance. It is read so
// often that it goes without the others' core.
var latestScript = redis.NewScript(`
local id = redis.call('LINDEX', KEYS[1], -1)
return id and redis.call('GET', ARGV[1] .. id)
`)

// reading is the error of a read of i.
func reading(i engine.Instance, err error) error {
	if errors.Is(err, redis.Nil) {
		return fmt.Errorf("redis: %s: %w", i, engine.ErrInstanceNotFound)
	}
	return fmt.Errorf("redis: reading %s: %w", i, err)
}

func summaryOf(packed string) (backend.Summary, error) {
	f, err := unpackMap(packed)
	if err != nil {
		return backend.Summary{}, fmt.Errorf("redis: reading a row: %w", err)
	}
	s, err := summaryFrom(f)
	if err != nil {
		return s, fmt.Errorf("redis: %w", err)
	}
	return s, nil
}

// History implements backend.Read.
func (b *Backend) History(ctx context.Context, i engine.Instance, after int64, limit int) ([]backend.Chunk, error) {
	if err := b.enter(ctx, false); err != nil {
		return nil, err
	}
	defer b.leave()
	base := b.base(b.partition(i.InstanceID))
	stream, from := base+"h:"+idOf(i), strconv.FormatInt(after+1, 10)+"-0"
	pipe := b.client.Pipeline()
	exists := pipe.Exists(ctx, base+"x:"+idOf(i))
	var before *redis.XMessageSliceCmd
	if after > 0 { // the chunk that begins there or before may reach beyond
		before = pipe.XRevRangeN(ctx, stream, from, "-", 1)
	}
	rest := pipe.XRangeN(ctx, stream, from, "+", cmp.Or(int64(max(limit, 0)), math.MaxInt64))
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, reading(i, err)
	}
	if exists.Val() == 0 {
		return nil, reading(i, redis.Nil)
	}
	var chunks []backend.Chunk
	if before != nil && len(before.Val()) > 0 {
		if c := chunkFrom(before.Val()[0]); c.First <= after && c.First+int64(c.Count) > after+1 {
			chunks = append(chunks, c)
		}
	}
	for _, m := range rest.Val() {
		chunks = append(chunks, chunkFrom(m))
	}
	return upTo(chunks, limit), nil
}

// chunkFrom reads an entry of a history: its id is the first sequence number.
func chunkFrom(m redis.XMessage) backend.Chunk {
	first, _, _ := strings.Cut(m.ID, "-")
	a := answer{first, m.Values["n"], m.Values["e"]}
	return backend.Chunk{First: a.int(0), Count: int(a.int(1)), Events: a.bytes(2)}
}

// Pending implements backend.Read.
func (b *Backend) Pending(ctx context.Context, i engine.Instance, limit int) (backend.Pending, error) {
	if err := b.enter(ctx, false); err != nil {
		return backend.Pending{}, err
	}
	defer b.leave()
	tag := b.partition(i.InstanceID)
	ask := &packer{}
	m := ask.begin()
	ask.setText("p", tag)
	ask.key("iid")
	ask.value(i.InstanceID)
	if i.ExecutionID != "" {
		ask.setText("id", idOf(i))
	}
	ask.setInt("limit", int64(max(limit, 0)))
	ask.end(m)
	r := b.run(ctx, []job{{script: pendingScript, tag: tag, args: [][]byte{ask.b}}})[0]
	if r.err == nil && len(r.answer) < 2 {
		r.err = redis.Nil
	}
	if r.err != nil {
		return backend.Pending{}, reading(i, r.err)
	}
	return pendingFrom(i, r.answer, limit)
}

func pendingFrom(i engine.Instance, a answer, limit int) (backend.Pending, error) {
	f, err := unpackMap(a.text(1))
	if err != nil {
		return backend.Pending{}, fmt.Errorf("redis: reading %s: %w", i, err)
	}
	p := backend.Pending{
		Inbox: inboxRows(a.list(2)), Timers: timersFrom(a.list(3)),
		Holder: f.text("holder"), LeaseUntil: timeOf(f.int("lease")), ReadyAt: a.time(6),
	}
	sortTimers(p.Timers)
	if engine.Status(f.text("status")) == engine.StatusBlocked {
		p.ReadyAt = timeOf(f.int("retry"))
	}
	for n := range a.list(4) {
		row, err := pendingActivity(a.list(4).text(n))
		if err != nil {
			return p, fmt.Errorf("redis: reading an activity of %s: %w", i, err)
		}
		p.Activities = append(p.Activities, row)
	}
	slices.SortFunc(p.Activities, func(x, y backend.PendingActivity) int { return cmp.Compare(x.Ref, y.Ref) })
	p.Activities = upTo(p.Activities, limit)
	for n := range a.list(5) {
		c, err := unpackMap(a.list(5).text(n))
		if err != nil {
			return p, fmt.Errorf("redis: reading a closing of %s: %w", i, err)
		}
		p.Closings = append(p.Closings, closingFrom(c))
	}
	p.Closings = upTo(p.Closings, limit)
	return p, nil
}

func pendingActivity(packed string) (backend.PendingActivity, error) {
	f, err := unpackMap(packed)
	if err != nil {
		return backend.PendingActivity{}, err
	}
	return backend.PendingActivity{
		ActivityRow: activityFrom(f), ReadyAt: timeOf(f.int("at")), Started: timeOf(f.int("started")),
		Holder: f.text("holder"), LeaseUntil: timeOf(f.int("lease")), Details: f.bytes("details"),
	}, nil
}

func upTo[T any](rows []T, limit int) []T {
	if limit > 0 && len(rows) > limit {
		return rows[:limit]
	}
	return rows
}

// Workers implements backend.Read.
func (b *Backend) Workers(ctx context.Context) ([]backend.Worker, error) {
	if err := b.enter(ctx, false); err != nil {
		return nil, err
	}
	defer b.leave()
	base := b.base(b.tags[0])
	rows, err := b.client.HGetAll(ctx, base+"workers").Result()
	if err != nil {
		return nil, fmt.Errorf("redis: reading workers: %w", err)
	}
	seen, err := b.client.HGetAll(ctx, base+"seen").Result()
	if err != nil {
		return nil, fmt.Errorf("redis: reading workers: %w", err)
	}
	var all []backend.Worker
	for id, row := range rows {
		var w backend.Worker
		if err := json.Unmarshal([]byte(row), &w); err != nil {
			return nil, fmt.Errorf("redis: reading the heartbeat of %s: %w", id, err)
		}
		w.Seen = timeOf(answer{seen[id]}.int(0))
		all = append(all, w)
	}
	slices.SortFunc(all, func(x, y backend.Worker) int {
		return cmp.Or(y.Seen.Compare(x.Seen), cmp.Compare(x.ID, y.ID))
	})
	return all, nil
}
