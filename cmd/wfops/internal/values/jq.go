package values

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"

	"github.com/itchyny/gojq"
)

// Query yields what a jq program makes of a document, until ctx ends. An error is the
// last that it yields.
func Query(ctx context.Context, program string, doc []byte) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		q, err := gojq.Parse(program)
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber()
		var input any
		if err == nil {
			err = d.Decode(&input)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for results := q.RunWithContext(ctx, input); ; {
			v, ok := results.Next()
			if !ok {
				return
			}
			if err, failed := v.(error); failed {
				var halt *gojq.HaltError
				if !errors.As(err, &halt) || halt.Value() != nil {
					yield(nil, err)
				}
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// QueryJSON writes a result of Query as JSON.
func QueryJSON(result any) ([]byte, error) { return gojq.Marshal(result) }
