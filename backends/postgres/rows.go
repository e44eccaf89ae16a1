package postgres

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rows hands out answers while they arrive.
type rows struct {
	w       *wire
	rr      *pgconn.ResultReader
	columns []string
	rest    []call // after the one whose rows these are
}

var _ driver.RowsNextResultSet = (*rows)(nil)

// next skips answers that nobody waits for, and goes on to one that somebody does.
func (r *rows) next() error {
	n := slices.IndexFunc(r.rest, func(c call) bool { return c.asks })
	if n < 0 {
		return io.EOF
	}
	if err := r.w.skip(r.rest[:n]); err != nil {
		return err
	}
	c := &r.rest[n]
	rr, err := c.answer(r.w.pipe)
	if err != nil {
		return err
	}
	if fields := rr.FieldDescriptions(); len(c.columns) != len(fields) {
		c.columns = make([]string, len(fields))
		for i := range fields {
			c.columns[i] = fields[i].Name
		}
	}
	r.rr, r.columns, r.rest = rr, c.columns, r.rest[n+1:]
	return nil
}

// Columns implements driver.Rows.
func (r *rows) Columns() []string { return r.columns }

// HasNextResultSet implements driver.RowsNextResultSet.
func (r *rows) HasNextResultSet() bool { return len(r.rest) > 0 }

// NextResultSet implements driver.RowsNextResultSet.
func (r *rows) NextResultSet() error {
	if err := r.next(); err != nil {
		return r.w.finish(err)
	}
	return nil
}

// Next implements driver.Rows.
func (r *rows) Next(dest []driver.Value) (err error) {
	if !r.rr.NextRow() {
		if _, err := r.rr.Close(); err != nil || len(r.rest) == 0 {
			if err := r.w.finish(err); err != nil {
				return err
			}
		}
		return io.EOF
	}
	fields := r.rr.FieldDescriptions()
	for i, raw := range r.rr.Values() {
		if dest[i], err = decode(raw, fields[i].DataTypeOID); err != nil {
			return fmt.Errorf("column %s: %w", r.columns[i], err)
		}
	}
	return nil
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	if r.w.pipe == nil {
		return nil
	}
	_, err := r.rr.Close()
	return r.w.finish(err)
}

// decode reads the types that the schema has, in the server's format. The bytes are
// the connection's, so they are copied.
func decode(raw []byte, oid uint32) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch oid {
	case pgtype.Int8OID:
		return int64(binary.BigEndian.Uint64(raw)), nil //nolint:gosec // two's complement
	case pgtype.Int4OID:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil //nolint:gosec // two's complement
	case pgtype.BoolOID:
		return int64(raw[0]), nil
	case pgtype.TextOID, pgtype.NameOID, pgtype.VarcharOID:
		return string(raw), nil
	case pgtype.ByteaOID:
		return append([]byte{}, raw...), nil
	}
	return nil, fmt.Errorf("type %d is not read", oid)
}
