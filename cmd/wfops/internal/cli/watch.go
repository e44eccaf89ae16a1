package cli

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/ops"
)

// watchFlags is for commands that can be repeated.
func watchFlags(s *session, fs *pflag.FlagSet) {
	fs.DurationVarP(&s.o.watch, "watch", "w", 0, "show it again and again, after so much time; into a pipe only what has changed")
	fs.Lookup("watch").NoOptDefVal = "2s"
}

// soonest is how often something is shown again at most.
const soonest = 100 * time.Millisecond

// clearScreen puts the cursor home and clears what is below.
const clearScreen = "\x1b[H\x1b[J"

// repeat runs a command until ctx ends. A store that is away is told of, and asked
// again.
func (s *session) repeat(ctx context.Context, args []string, run func(context.Context, *session, []string) error) error {
	out, last := s.env.Out, ""
	for {
		var b bytes.Buffer
		s.env.Out = &b
		err := run(ctx, s, args)
		s.env.Out = out
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.Is(err, errNo) && !passes(ctx, err):
			return err
		case err != nil && !errors.Is(err, errNo):
			s.note("wfops: %v; trying again", err)
		case s.env.OutTTY && s.isTable():
			_, err = out.Write([]byte(clearScreen + b.String()))
		case b.String() != last:
			_, err = out.Write(b.Bytes())
		}
		if unwritten := (unwrittenError{}); errors.Is(err, errNobodyReads) || errors.As(err, &unwritten) {
			return err
		}
		last = b.String()
		if err := pauseFor(ctx, s.o.watch); err != nil {
			return err
		}
	}
}

// passes reports whether an error may be over when the store is asked again.
func passes(ctx context.Context, err error) bool {
	return exitOf(ctx, err) == ExitStore && !errors.Is(err, ops.ErrReplaced)
}

func pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, soonest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watchList writes a line for each instance of a list that has changed.
func (s *session) watchList(ctx context.Context, r ops.ListRequest) error {
	for changes, err := range s.store.Watch(ctx, r, max(s.o.watch, soonest)) {
		if err != nil {
			if !passes(ctx, err) {
				return err
			}
			s.note("wfops: %v; trying again", err)
		}
		for _, c := range changes {
			form := document.Change{Schema: document.SchemaChange, Change: string(c.Kind), Instance: document.OfInstance(&c.Summary)}
			form.Instance.Schema = ""
			if err := s.line(form); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// line writes a document on a line of its own, whatever the format is.
func (s *session) line(doc any) error {
	line, err := encode(doc)
	if err != nil {
		return err
	}
	if s.flags.jq != "" {
		return s.query(line)
	}
	_, err = s.env.Out.Write(append(line, '\n'))
	return err
}
