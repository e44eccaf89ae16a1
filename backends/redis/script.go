package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // the name that servers give a script
	"embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var sources embed.FS

// script is a text that servers run whole and undisturbed.
type script struct {
	text, sha string
	reads     bool // runs where nothing may be written
}

func newScript(reads bool, files ...string) *script {
	var text strings.Builder
	for _, name := range files {
		part, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // embedded, so found by the first test
		}
		text.Write(part)
	}
	sum := sha1.Sum([]byte(text.String())) //nolint:gosec // see the import
	return &script{text: text.String(), sha: hex.EncodeToString(sum[:]), reads: reads}
}

var (
	writeScript         = newScript(false, "core", "index", "rows", "send", "commit", "write")
	claimScript         = newScript(false, "core", "index", "rows", "pick", "claim")
	claimActivityScript = newScript(false, "core", "index", "rows", "pick", "claimactivities")
	pendingScript       = newScript(true, "core", "index", "rows", "pending")
	listScript          = newScript(true, "core", "index", "rows", "list")
)

// job is one run of a script, on one partition unless this server holds all.
type job struct {
	script *script
	tag    string
	args   [][]byte
}

// reply answers a job.
type reply struct {
	answer answer
	err    error
}

// ticks orders what this process creates within one microsecond. A tick is as wide
// as scripts expect.
var ticks atomic.Int64

func nextTick() string {
	for {
		last := ticks.Load()
		next := max(last+1, time.Now().UnixMicro())
		if ticks.CompareAndSwap(last, next) {
			return fmt.Sprintf("%014x", next)
		}
	}
}

func (b *Backend) base(tag string) string { return b.opts.prefix + ":{" + tag + "}:" }

// arguments are those that core.lua begins with, and then the job's own.
func (b *Backend) arguments(j *job) []any {
	now, near := "0", "0"
	if b.opts.clock != nil {
		now = strconv.FormatInt(micros(b.opts.clock()), 10)
	}
	if b.near {
		near = "1"
	}
	caller := b.caller
	if time.Now().UnixNano() < b.alone.Load() {
		caller = ""
	}
	args := make([]any, 0, 6+len(j.args))
	args = append(args, b.opts.prefix, j.tag, now, nextTick(), near, caller)
	for _, a := range j.args {
		args = append(args, a)
	}
	return args
}

// run runs jobs, in one round trip for each server. Those of one partition run in
// the order given.
func (b *Backend) run(ctx context.Context, jobs []job) []reply {
	replies := make([]reply, len(jobs))
	args := make([][]any, len(jobs))
	todo := make([]int, len(jobs))
	for i := range jobs {
		args[i], todo[i] = b.arguments(&jobs[i]), i
	}
	b.send(ctx, jobs, args, todo, replies, true)
	// A server that was started anew knows no scripts: they go along once.
	var again []int
	for i := range replies {
		if redis.HasErrorPrefix(replies[i].err, "NOSCRIPT") {
			again = append(again, i)
		}
	}
	if len(again) > 0 {
		b.send(ctx, jobs, args, again, replies, false)
	}
	return replies
}

func (b *Backend) send(ctx context.Context, jobs []job, args [][]any, todo []int, replies []reply, bySHA bool) {
	cmds := make([]once, len(todo))
	for n, i := range todo {
		cmds[n] = once{redis.NewCmd(ctx, jobs[i].command(b.base(jobs[i].tag), args[i], bySHA)...)}
	}
	// Each command holds its own error.
	if len(cmds) == 1 {
		_ = b.client.Process(ctx, cmds[0])
	} else {
		pipe := b.client.Pipeline()
		for _, cmd := range cmds {
			_ = pipe.Process(ctx, cmd)
		}
		_, _ = pipe.Exec(ctx)
	}
	for n, i := range todo {
		got, err := cmds[n].Slice()
		replies[i] = reply{answer: got, err: err}
	}
}

// once is a command that is not sent again when the connection breaks. Clients of a
// cluster would do that whatever their options say, and answer what was applied at
// the first try with the verdict on the second.
type once struct{ *redis.Cmd }

// NoRetry implements redis.Cmder.
func (once) NoRetry() bool { return true }

func (j *job) command(base string, args []any, bySHA bool) []any {
	name, text := "eval", j.script.text
	if bySHA {
		name, text = "evalsha", j.script.sha
	}
	if j.script.reads {
		name += "_ro"
	}
	return append([]any{name, text, 1, base}, args...)
}
