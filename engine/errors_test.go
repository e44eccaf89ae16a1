package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/wfops/wfops/engine"
)

func TestOutcomeUnknown(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("driver: connection reset"), true},
		{context.DeadlineExceeded, true},
		{fmt.Errorf("sqlite: %w", engine.ErrLeaseLost), false},
		{errors.Join(engine.ErrBusy, errors.New("database is locked")), false},
		{engine.ErrClosed, false},
		{engine.ErrTimeout, true}, // no store refuses with it
	} {
		if got := engine.OutcomeUnknown(tt.err); got != tt.want {
			t.Errorf("OutcomeUnknown(%v) is %v", tt.err, got)
		}
	}
}
