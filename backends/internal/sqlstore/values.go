package sqlstore

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Row hands out the columns of one result row, from left to right.
type Row struct {
	vals []driver.Value
	at   int
	err  error
}

func (r *Row) next() driver.Value {
	v := r.vals[r.at]
	r.at++
	return v
}

// Int returns the next column, 0 for NULL.
func (r *Row) Int() int64 {
	switch v := r.next().(type) {
	case nil:
		return 0
	case int64:
		return v
	case []byte: // a sum, of drivers that have decimals as text
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			r.err = fmt.Errorf("column %d: %w", r.at, err)
		}
		return n
	default:
		r.err = fmt.Errorf("column %d is %T, not an integer", r.at, v)
		return 0
	}
}

// Bool returns whether the next column is another integer than 0.
func (r *Row) Bool() bool { return r.Int() != 0 }

// Text returns the next column, "" for NULL.
func (r *Row) Text() string {
	switch v := r.next().(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	default:
		r.err = fmt.Errorf("column %d is %T, not text", r.at, v)
		return ""
	}
}

// TextOrNil returns the next column, nil for NULL.
func (r *Row) TextOrNil() *string {
	if r.vals[r.at] == nil {
		r.at++
		return nil
	}
	text := r.Text()
	return &text
}

// Bytes returns the next column, nil for NULL. The bytes belong to the caller.
func (r *Row) Bytes() []byte {
	switch v := r.next().(type) {
	case nil:
		return nil
	case []byte:
		return v
	case string:
		return []byte(v)
	default:
		r.err = fmt.Errorf("column %d is %T, not bytes", r.at, v)
		return nil
	}
}

// Time returns the next column as a time, the zero time for 0.
func (r *Row) Time() time.Time { return timeOf(r.Int()) }

// JSON decodes the next column into ptr, unless it is NULL or empty.
func (r *Row) JSON(ptr any) {
	b := r.Bytes()
	if len(b) == 0 {
		return
	}
	if err := json.Unmarshal(b, ptr); err != nil {
		r.err = fmt.Errorf("column %d: %w", r.at, err)
	}
}

// timeOf and nanos are the only places that know how times are stored.
func timeOf(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.After(timeOf(math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// orNull is how a column that is NULL for none is bound.
func orNull(ns int64) any {
	if ns == 0 {
		return nil
	}
	return ns
}

// encodeJSON returns the text to store for v. What the store encodes are maps,
// slices and structs of strings, numbers and times, which always can be.
func encodeJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding %T: %w", v, err)
	}
	return string(b), nil
}
