package redis

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// While a slot moves, some of its keys are here and some are there. Nobody may write
// then, or an instance could exist twice; when it has moved all goes on.
func TestSlotMoves(t *testing.T) {
	c := newCluster(t)
	b := openAt(t, c.addr, DefaultPrefix)
	defer closeStore(t, b)
	i := create(t, b, "i")
	own := map[string]*redis.Client{} // by id of the node
	for _, s := range c.nodes {
		c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaintNotificationsConfig: unannounced})
		t.Cleanup(func() { _ = c.Close() })
		own[ask(t, c, "CLUSTER", "MYID")] = c
	}
	key := b.base(b.partition("i")) + "x:" + idOf(i)
	slot := ask(t, own[anyOf(own, "")], "CLUSTER", "KEYSLOT", key)
	from := anyOf(own, "")
	for id, c := range own {
		if c.Exists(t.Context(), key).Val() == 1 {
			from = id
		}
	}
	to := anyOf(own, from)
	ask(t, own[to], "CLUSTER", "SETSLOT", slot, "IMPORTING", from)
	ask(t, own[from], "CLUSTER", "SETSLOT", slot, "MIGRATING", to)

	again := func() error {
		c := creation("i")
		c.Reuse = backend.IDReuseReject
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return b.Create(ctx, []backend.Creation{c})[0].Err
	}
	if err := again(); !engine.OutcomeUnknown(err) {
		t.Errorf("a write while the slot moves: %v", err)
	}
	host, port := "127.0.0.1", own[to].Options().Addr[len("127.0.0.1:"):]
	keys, err := own[from].Do(t.Context(), "CLUSTER", "GETKEYSINSLOT", slot, 1000).StringSlice()
	check(t, err)
	for _, k := range keys {
		ask(t, own[from], "MIGRATE", host, port, k, 0, 5000)
		if err := again(); !engine.OutcomeUnknown(err) {
			t.Errorf("a write while the slot moves: %v", err)
		}
	}
	for _, c := range []*redis.Client{own[to], own[from]} {
		ask(t, c, "CLUSTER", "SETSLOT", slot, "NODE", to)
	}
	until(t, "the store goes on", 20*time.Second, func() bool {
		err := again()
		if err == nil {
			t.Fatal("the instance exists twice")
		}
		return errors.Is(err, engine.ErrInstanceAlreadyExists)
	})
}

// A client that would follow a slot that moves is refused.
func TestClientThatFollows(t *testing.T) {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}})
	defer func() { _ = client.Close() }()
	if _, err := New(t.Context(), client); !errors.Is(err, engine.ErrInvalidArgument) {
		t.Errorf("error %v", err)
	}
}

func ask(t *testing.T, c *redis.Client, args ...any) string {
	t.Helper()
	got, err := c.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return fmt.Sprint(got)
}

// anyOf returns a key other than one.
func anyOf[V any](m map[string]V, other string) string {
	for k := range m {
		if k != other {
			return k
		}
	}
	return ""
}
