package client

import (
	"context"
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
)

// How long and how often a write whose outcome is unknown is made again: at least
// once, for the connection of the first try may have hung for all that time. Stores
// recognize a repeated write for longer than that.
const (
	resendFor   = 10 * time.Second
	resendFirst = 5 * time.Millisecond
	resendMax   = time.Second
)

// send makes a write, and makes it again while its outcome is unknown. The write
// must be one that a store recognizes. again tells it that an earlier attempt
// may have been applied.
func send(ctx context.Context, write func(again bool) error) error {
	start := time.Now()
	var last error
	for delay := resendFirst; ; delay = min(2*delay, resendMax) {
		again := delay != resendFirst
		err := write(again)
		if !engine.OutcomeUnknown(err) {
			return err
		}
		if ctx.Err() != nil && last != nil { // err says that time is up, last why it was not enough
			return fmt.Errorf("the outcome is unknown: %w: %w", err, last)
		}
		last = err
		if ctx.Err() != nil || again && time.Since(start)+delay > resendFor {
			return fmt.Errorf("the outcome is unknown: %w", err)
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the outcome is unknown: %w: %w", ctx.Err(), err)
		}
	}
}
