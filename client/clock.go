package client

import (
	"context"
	"sync"
	"time"

	"github.com/wfops/wfops/engine/backend"
)

// clockTrust is how long an estimate of the store's clock is used.
const clockTrust = time.Minute

// clock estimates the store's clock, so that the times of events agree with those
// that workers write, whatever this machine's clock says.
type clock struct {
	mu     sync.Mutex
	read   time.Time     // when offset was estimated, or zero
	offset time.Duration // store minus local
}

// now returns the store's time. If the store can't be asked it is the local time,
// adjusted by what is known: the write that needs the time will report the trouble.
func (k *clock) now(ctx context.Context, b backend.Read) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	asked := time.Now()
	if k.read.IsZero() || asked.Sub(k.read) > clockTrust {
		if info, err := b.Info(ctx); err == nil {
			answered := time.Now()
			half := answered.Sub(asked) / 2
			k.offset = info.Now.Sub(answered.Add(-half))
			k.read = answered
		}
	}
	return time.Now().Add(k.offset).UTC()
}
