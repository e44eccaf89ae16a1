package redis

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wfops/wfops/engine"
)

// guard refuses commands that could write before they are sent.
type guard struct{}

// allowed are the commands that a read-only connection may send: those of this
// package, and those that go-redis needs to connect.
var allowed = map[string]bool{
	"evalsha_ro": true, "eval_ro": true, "get": true, "exists": true, "hgetall": true, "zcard": true, "xrange": true, "xrevrange": true,
	"info": true, "config get": true, "time": true,
	"ping": true, "hello": true, "auth": true, "select": true, "client": true, "readonly": true, "command": true,
	"subscribe": true, "unsubscribe": true,
	"cluster slots": true, "cluster shards": true, "cluster info": true, "cluster nodes": true,
}

func refusal(cmd redis.Cmder) error {
	name := strings.ToLower(cmd.Name())
	if name == "config" || name == "cluster" {
		if args := cmd.Args(); len(args) > 1 {
			name += " " + strings.ToLower(fmt.Sprint(args[1]))
		}
	}
	if allowed[name] {
		return nil
	}
	return fmt.Errorf("redis: %s on a read-only connection: %w", strings.ToUpper(name), engine.ErrReadOnly)
}

// DialHook implements redis.Hook.
func (guard) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements redis.Hook.
func (guard) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := refusal(cmd); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements redis.Hook.
func (guard) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if err := refusal(cmd); err != nil {
				for _, c := range cmds {
					c.SetErr(err)
				}
				return err
			}
		}
		return next(ctx, cmds)
	}
}
