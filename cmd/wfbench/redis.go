package main

import (
	"context"
	"errors"
	"strings"

	client "github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/backends/redis"
	"github.com/wfops/wfops/engine/backend"
)

func openRedis(ctx context.Context, p place) (backend.Backend, error) {
	return redis.Open(ctx, p.dsn, redis.WithPrefix(p.name()))
}

// removeRedis deletes the keys of a store.
func removeRedis(ctx context.Context, p place) (err error) {
	hosts, isCluster := strings.CutPrefix(p.dsn, "redis-cluster://")
	if !isCluster {
		o, err := client.ParseURL(p.dsn)
		if err != nil {
			return err
		}
		c := client.NewClient(o)
		return errors.Join(removeKeys(ctx, c, p.name()), c.Close())
	}
	first, others, _ := strings.Cut(hosts, ",")
	o, err := client.ParseClusterURL("redis://" + first + "?addr=" + strings.ReplaceAll(others, ",", "&addr="))
	if err != nil {
		return err
	}
	c := client.NewClusterClient(o)
	err = c.ForEachMaster(ctx, func(ctx context.Context, node *client.Client) error { return removeKeys(ctx, node, p.name()) })
	return errors.Join(err, c.Close())
}

// removeKeys deletes the keys of a prefix from one server, one by one, because those
// of a cluster's node are in many slots.
func removeKeys(ctx context.Context, c *client.Client, prefix string) error {
	keys := c.Scan(ctx, 0, prefix+":*", 1000).Iterator()
	batch := c.Pipeline()
	for keys.Next(ctx) {
		batch.Unlink(ctx, keys.Val())
	}
	_, err := batch.Exec(ctx)
	return errors.Join(keys.Err(), err)
}
