package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/itchyny/gojq"

	"github.com/wfops/wfops/cmd/wfops/internal/view"
)

// query writes what the expression of --jq makes of a document: texts as they are,
// other values as a line of JSON.
func (s *session) query(doc []byte) error {
	q, err := gojq.Parse(s.flags.jq)
	if err != nil {
		return usageError{fmt.Errorf("--jq: %w", err)}
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var input any
	if err := d.Decode(&input); err != nil {
		return fmt.Errorf("--jq: %w", err)
	}
	for results := q.Run(input); ; {
		v, ok := results.Next()
		if !ok {
			return nil
		}
		if err, failed := v.(error); failed {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				return nil
			}
			return usageError{fmt.Errorf("--jq: %w", err)}
		}
		if err := s.result(v); err != nil {
			return err
		}
	}
}

func (s *session) result(v any) error {
	text, isText := v.(string)
	if isText && s.env.OutTTY {
		text = view.Escape(text)
	}
	if !isText {
		line, err := gojq.Marshal(v)
		if err != nil {
			return fmt.Errorf("--jq: %w", err)
		}
		text = string(line)
	}
	_, err := io.WriteString(s.env.Out, text+"\n")
	return err
}
