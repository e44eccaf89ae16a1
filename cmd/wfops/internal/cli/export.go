package cli

import (
	"bytes"
	"context"
	"errors"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

func exportFlags(s *session, fs *pflag.FlagSet) {
	fs.StringVarP(&s.o.file, "file", "f", "", "the `file`, by custom called ID.wfh or ID.wfh.gz; - is standard output")
	fs.BoolVar(&s.o.redact, "redact", false, "leave out values")
}

func runExport(ctx context.Context, s *session, args []string) error {
	if s.o.file == "" && s.env.OutTTY {
		return usageError{errors.New("a history is not for terminals: name a file with --file, or ask for it with --file -")}
	}
	b, err := s.load(ctx, args[0])
	if err != nil {
		return err
	}
	if s.o.redact {
		b = diagnostics.Redact(b)
	}
	switch {
	case s.o.file != "" && s.o.file != "-":
		err := diagnostics.WriteFile(s.o.file, b)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			return unwrittenError{err}
		case err != nil:
			return usageError{err}
		}
		s.note("%d events of %s were written to %s", len(b.Events), b.Instance.InstanceID, s.o.file)
		return nil
	case !s.env.OutTTY:
		return diagnostics.Write(s.env.Out, b)
	}
	var text bytes.Buffer
	if err := diagnostics.Write(&text, b); err != nil {
		return err
	}
	_, err = s.env.Out.Write(view.EscapeJSON(text.Bytes()))
	return err
}
