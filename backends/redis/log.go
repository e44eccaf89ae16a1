package redis

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// debugLog takes what go-redis has to say, and passes it on where details are wanted.
// Otherwise each failed dial would be a line on standard error, while whoever made the
// call gets the same as an error and says it once.
//
// go-redis has one logger for the whole process, and doesn't tell which. So it is set
// before main begins: a program that calls redis.SetLogger itself keeps its own.
type debugLog struct{}

var _ = setLogger(debugLog{})

func setLogger(l debugLog) debugLog {
	redis.SetLogger(l)
	return l
}

// Printf implements the logger of go-redis.
func (debugLog) Printf(ctx context.Context, format string, args ...any) {
	if l := slog.Default(); l.Enabled(ctx, slog.LevelDebug) {
		l.DebugContext(ctx, "redis: the client says", "text", fmt.Sprintf(format, args...))
	}
}
