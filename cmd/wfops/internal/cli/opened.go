package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
	"github.com/wfops/wfops/engine/history"
)

func sealedFlag(s *session, fs *pflag.FlagSet) {
	fs.BoolVar(&s.o.sealed, "sealed", false, "show payloads as stored, also if the profile has a codec")
}

func detailFlags(s *session, fs *pflag.FlagSet) {
	watchFlags(s, fs)
	sealedFlag(s, fs)
}

// opener opens what is shown, or is nil.
func (s *session) opener() codec.Opener {
	if s.codec == nil || s.o.sealed {
		return nil
	}
	return s.codec
}

const showsSealed = "%w; --sealed shows it as stored"

// opened returns an event with its payloads opened.
func (s *session) opened(ctx context.Context, e history.Event) (history.Event, error) {
	e, err := codec.OpenEvent(ctx, s.opener(), e, codec.AsStored)
	if err != nil {
		return e, fmt.Errorf("event %d: "+showsSealed, e.Seq, err)
	}
	return e, nil
}

// openedDetail opens what an instance has not read yet.
func (s *session) openedDetail(ctx context.Context, d *ops.Detail) error {
	if err := codec.OpenInbox(ctx, s.opener(), &d.Pending, codec.AsStored); err != nil {
		return fmt.Errorf("what is pending: "+showsSealed, err)
	}
	return nil
}
