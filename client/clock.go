package client

import (
	"context"
	"sync"
	"time"

	"github.com/wfops/wfops/engine/backend"
)

const (
	// clockTrust is how long an estimate of the store's clock is used.
	clockTrust = time.Minute
	// clockLimit is how long the store is given to tell the time, and clockRetry how
	// long it is not asked again if it did not.
	clockLimit = 2 * time.Second
	clockRetry = 5 * time.Second
)

// clock estimates the store's clock, so that the times of events agree with those
// that workers write, whatever this machine's clock says.
type clock struct {
	mu     sync.Mutex
	due    time.Time     // when offset is to be estimated again
	offset time.Duration // store minus local
}

// now returns the store's time. If the store can't be asked it is the local time,
// adjusted by what is known: the write that needs the time will report the trouble.
func (k *clock) now(ctx context.Context, b backend.Read) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	asked := time.Now()
	if asked.After(k.due) {
		ctx, cancel := context.WithTimeout(ctx, clockLimit)
		defer cancel()
		info, err := b.Info(ctx)
		answered := time.Now()
		k.due = answered.Add(clockRetry)
		if err == nil {
			half := answered.Sub(asked) / 2
			k.offset = info.Now.Sub(answered.Add(-half))
			k.due = answered.Add(clockTrust)
		}
	}
	return time.Now().Add(k.offset).UTC()
}
