package redis

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/backends/backendtest"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// The rights that the package comment and docs/redis.md list.
const (
	writerRights = "~wfops:* &wfops:* +@read +@write +@connection +@transaction +@scripting +info +time +publish +subscribe +unsubscribe +config|get"
	readerRights = "~wfops:* &wfops:* +@read +@connection +eval_ro +evalsha_ro +info +time +subscribe +unsubscribe"
)

func allow(t *testing.T, addr, user, rights string) string {
	t.Helper()
	admin := dial(t, addr)
	defer func() { _ = admin.Close() }()
	args := []any{"ACL", "SETUSER", user, "on", ">" + secret}
	for r := range strings.FieldsSeq(rights) {
		args = append(args, r)
	}
	check(t, admin.Do(t.Context(), args...).Err())
	return "redis://" + user + ":" + secret + "@" + addr
}

func refusesToOpen(t *testing.T, addr, says string, is error, opts ...Option) {
	t.Helper()
	b, err := Open(t.Context(), addr, append(opts, quiet())...)
	if err == nil {
		_ = b.Close()
		t.Fatalf("%s was opened", addr)
	}
	if !strings.Contains(err.Error(), says) || is != nil && !errors.Is(err, is) || strings.Contains(err.Error(), secret) {
		t.Errorf("error %q, want %v that says %q", err, is, says)
	}
}

// A store whose user may read only: every read works, and every write is refused three
// times over: by the port, by the client, and by the server.
func TestRule42Rights(t *testing.T) {
	s := newServer(t)
	writer, reader := allow(t, s.Addr(), "writer", writerRights), allow(t, s.Addr(), "reader", readerRights)
	refusesToOpen(t, reader, "give it the rights", nil)
	w, err := Open(t.Context(), writer, quiet())
	check(t, err)
	defer closeStore(t, w)
	i := create(t, w, "i")
	for what, err := range backendtest.Writes(t.Context(), w, create(t, w, "gone")) {
		if errors.Is(err, engine.ErrReadOnly) || strings.Contains(fmt.Sprint(err), "NOPERM") {
			t.Errorf("%s of a writer: %v", what, err)
		}
	}
	create(t, w, "k")
	before := rawKeys(t, w)
	r, err := Open(t.Context(), reader, ReadOnly(), quiet())
	check(t, err)
	defer closeStore(t, r)
	readsAll(t, r, i)
	for what, err := range backendtest.Writes(t.Context(), r, i) {
		if !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%s on a read-only store: %v", what, err)
		}
	}
	r.opts.readOnly = false // now the client refuses
	for what, err := range backendtest.Writes(t.Context(), r, i) {
		if !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%s past the port: %v", what, err)
		}
	}
	r.opts.readOnly = true
	past, err := Open(t.Context(), reader, ReadOnly(), quiet())
	check(t, err)
	defer closeStore(t, past)
	check(t, past.client.Close())
	past.client, past.opts.readOnly = dial(t, reader), false // and now the server
	for what, err := range backendtest.Writes(t.Context(), past, i) {
		if !strings.Contains(fmt.Sprint(err), "NOPERM") {
			t.Errorf("%s past the client: %v", what, err)
		}
	}
	if after := rawKeys(t, w); after != before {
		t.Errorf("%d keys before, %d after", before, after)
	}
}

// rawKeys counts the keys of the server, through a store that may.
func rawKeys(t *testing.T, b *Backend) int {
	t.Helper()
	return len(keys(t, b, func(string) bool { return true }))
}

func readsAll(t *testing.T, b backend.Backend, i engine.Instance) {
	t.Helper()
	ctx := t.Context()
	_, got := b.Get(ctx, i)
	_, latest := b.Get(ctx, engine.Instance{InstanceID: i.InstanceID})
	_, events := b.History(ctx, i, 0, 0)
	_, pending := b.Pending(ctx, i, 0)
	_, listed := b.List(ctx, backend.Query{})
	_, counted := b.Count(ctx, backend.Query{})
	_, queues := b.Queues(ctx)
	_, workers := b.Workers(ctx)
	_, info := b.Info(ctx)
	if err := errors.Join(got, latest, events, pending, listed, counted, queues, workers, info); err != nil {
		t.Errorf("reading: %v", err)
	}
}

func TestPasswordIsMissing(t *testing.T) {
	s := newServer(t, "--requirepass", secret)
	refusesToOpen(t, s.Addr(), "check the user and the password", nil)
	refusesToOpen(t, "redis://:wrong@"+s.Addr(), "check the user and the password", nil)
	b, err := Open(t.Context(), "redis://:"+secret+"@"+s.Addr(), quiet())
	check(t, err)
	closeStore(t, b)
}

// A replica is read, and not written to.
func TestReplica(t *testing.T) {
	primary := newServer(t)
	b := openAt(t, primary.Addr(), "wfops")
	i := create(t, b, "i")
	replica := newServer(t, "--replicaof", "127.0.0.1 "+fmt.Sprint(primary.Port))
	until(t, "the replica has everything", 20*time.Second, func() bool {
		r, err := Open(t.Context(), replica.Addr(), ReadOnly(), quiet())
		if err != nil {
			return false
		}
		_, err = r.Get(t.Context(), i)
		return errors.Join(err, r.Close()) == nil
	})
	refusesToOpen(t, replica.Addr(), "a replica of "+primary.Addr(), engine.ErrReadOnly)
	r, err := Open(t.Context(), replica.Addr(), ReadOnly(), quiet())
	check(t, err)
	readsAll(t, r, i)
	closeStore(t, r)
	closeStore(t, b)
}
