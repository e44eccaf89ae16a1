package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/wfops/wfops/cmd/wfops/internal/document"
	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
	"github.com/wfops/wfops/diagnostics"
)

func dataFlags(s *session, fs *pflag.FlagSet) {
	fs.StringVarP(&s.o.path, "path", "p", "", "only what this `path` leads to: result, 'args[0].sku', 'activities[2]'")
	fs.Int64Var(&s.o.event, "event", 0, "only what the event of that `number` holds")
	fs.BoolVar(&s.o.raw, "raw", false, "write the one payload that is chosen byte for byte")
	sealedFlag(s, fs)
	fs.IntVarP(&s.o.limit, "limit", "n", 0, "how many lines a table has (default 1000 on a terminal, else all)")
}

// treeLimit is how many lines the table of payloads has on a terminal unless told
// otherwise.
const treeLimit = 1000

func runData(ctx context.Context, s *session, args []string) error {
	b, err := s.load(ctx, args[0])
	if err != nil {
		return err
	}
	all, err := s.chosenValues(ctx, b)
	switch {
	case err != nil:
		return err
	case s.o.raw:
		return s.rawValue(all)
	case s.isTable():
		return s.valueTable(all)
	case s.flags.output == formatJSON && s.flags.jq == "":
		return s.document(document.OfData(b, all))
	}
	for _, v := range all {
		if s.flags.output == formatName {
			err = s.names([]string{v.Path})
		} else {
			err = s.document(document.OfValue(v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chosenValues applies --event and --path, and opens what they choose from.
func (s *session) chosenValues(ctx context.Context, b diagnostics.Bundle) (chosen []values.Value, err error) {
	for _, v := range values.Of(diagnostics.Steps(b.Events)) {
		if s.o.event != 0 && v.Event != s.o.event {
			continue
		}
		if o := s.opener(); o != nil && !v.Failure {
			if v.Payload, err = o.Open(ctx, v.Payload); err != nil {
				return nil, fmt.Errorf("%s: "+showsSealed, v.Path, err)
			}
		}
		chosen = append(chosen, v)
	}
	if s.o.path == "" {
		return chosen, nil
	}
	if some := values.Within(chosen, s.o.path); len(some) > 0 {
		return some, nil
	}
	v, err := values.Select(chosen, s.o.path)
	if err != nil {
		return nil, fmt.Errorf("%w; -o name lists the paths", err)
	}
	return []values.Value{v}, nil
}

// rawValue writes bytes as they are; a text that is only a part of a payload without
// its quotes. A terminal gets what it would act upon escaped.
func (s *session) rawValue(all []values.Value) error {
	if len(all) != 1 {
		return usageError{fmt.Errorf("--raw writes one payload, and %d are chosen: name one with --path; -o name lists them", len(all))}
	}
	raw := []byte(all[0].Payload)
	if s.env.OutTTY {
		var lines bytes.Buffer
		for line := range bytes.Lines(raw) {
			lines.WriteString(view.Escape(string(bytes.TrimSuffix(line, []byte("\n")))) + "\n")
		}
		raw = lines.Bytes()
	}
	_, err := s.env.Out.Write(raw)
	return err
}

func (s *session) valueTable(all []values.Value) error {
	limit := s.o.limit
	if limit < 0 {
		return usageError{errors.New("--limit is a number above 0")}
	}
	if limit == 0 && s.env.OutTTY {
		limit = treeLimit
	}
	draw := view.Values
	if s.env.OutTTY && s.flags.output == formatTable && len(s.flags.columns) == 0 {
		draw = view.ValueTree
	}
	t, more := draw(all, limit)
	if err := s.table(t, true); err != nil {
		return err
	}
	if more && s.env.ErrTTY {
		s.note("there are more lines: --limit, --path, or -o json")
	}
	return nil
}
