package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// query writes what the expression of --jq makes of a document: texts as they are,
// other values as a line of JSON.
func (s *session) query(doc []byte) error {
	for v, err := range values.Query(context.Background(), s.flags.jq, doc) {
		if err != nil {
			return usageError{fmt.Errorf("--jq: %w", err)}
		}
		if err := s.result(v); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) result(v any) error {
	text, isText := v.(string)
	if isText && s.env.OutTTY {
		text = view.Escape(text)
	}
	if !isText {
		line, err := values.QueryJSON(v)
		if err != nil {
			return fmt.Errorf("--jq: %w", err)
		}
		text = string(line)
	}
	_, err := io.WriteString(s.env.Out, text+"\n")
	return err
}
