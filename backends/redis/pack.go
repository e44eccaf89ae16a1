package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// packer writes msgpack, which is what scripts read their arguments with. A map
// leaves out what is zero, and scripts take what is absent for zero.
type packer struct {
	b []byte
	n int // entries of the map being written
}

// mark is where an enclosing map goes on.
type mark struct{ at, n int }

// begin begins a map, end ends it.
func (p *packer) begin() mark {
	m := mark{at: len(p.b) + 1, n: p.n}
	p.b = append(p.b, 0xde, 0, 0)
	p.n = 0
	return m
}

func (p *packer) end(m mark) {
	binary.BigEndian.PutUint16(p.b[m.at:], uint16(p.n)) //nolint:gosec // a map has a few dozen entries
	p.n = m.n
}

// key names the value that is written next.
func (p *packer) key(name string) {
	p.n++
	p.value(name)
}

func (p *packer) value(s string) {
	p.text(len(s))
	p.b = append(p.b, s...)
}

func (p *packer) bytes(b []byte) {
	p.text(len(b))
	p.b = append(p.b, b...)
}

func (p *packer) text(n int) {
	switch {
	case n < 32:
		p.b = append(p.b, 0xa0|byte(n)) //nolint:gosec // small
	case n <= math.MaxUint8:
		p.b = append(p.b, 0xd9, byte(n)) //nolint:gosec // small
	default:
		p.b = binary.BigEndian.AppendUint32(append(p.b, 0xdb), uint32(n)) //nolint:gosec // payloads are a few MiB at most
	}
}

// array begins an array of n values.
func (p *packer) array(n int) {
	if n < 16 {
		p.b = append(p.b, 0x90|byte(n)) //nolint:gosec // small
		return
	}
	p.b = binary.BigEndian.AppendUint32(append(p.b, 0xdd), uint32(n)) //nolint:gosec // not that many
}

func (p *packer) int(v int64) {
	if 0 <= v && v < 128 {
		p.b = append(p.b, byte(v))
		return
	}
	p.b = binary.BigEndian.AppendUint64(append(p.b, 0xd3), uint64(v)) //nolint:gosec // its bits
}

func (p *packer) setText(name, s string) {
	if s != "" {
		p.key(name)
		p.value(s)
	}
}

func (p *packer) setBytes(name string, b []byte) {
	if len(b) > 0 {
		p.key(name)
		p.bytes(b)
	}
}

func (p *packer) setInt(name string, v int64) {
	if v != 0 {
		p.key(name)
		p.int(v)
	}
}

func (p *packer) setTrue(name string, v bool) {
	if v {
		p.key(name)
		p.b = append(p.b, 0xc3)
	}
}

// setList writes a list of values, unless it is empty.
func setList[T any](p *packer, name string, list []T, write func(*packer, T)) {
	if len(list) == 0 {
		return
	}
	p.key(name)
	p.array(len(list))
	for _, v := range list {
		write(p, v)
	}
}

func writeBytes[T ~[]byte](p *packer, b T) { p.bytes(b) }
func writeText[T ~string](p *packer, s T)  { p.value(string(s)) }
func writeInt(p *packer, v int64)          { p.int(v) }

// unpacker reads what scripts have packed: maps, arrays, texts, integers, booleans.
type unpacker struct {
	b   []byte
	err error
}

var errPacked = errors.New("a packed value can't be read")

// unpackMap reads one map.
func unpackMap(s string) (fields, error) {
	u := &unpacker{b: []byte(s)}
	m, ok := u.read(0).(fields)
	if u.err == nil && (!ok || len(u.b) > 0) {
		u.err = errPacked
	}
	return m, u.err
}

func (u *unpacker) take(n int) []byte {
	if n < 0 || n > len(u.b) {
		u.err, u.b = errPacked, nil
		return make([]byte, min(max(n, 0), 8))
	}
	got := u.b[:n]
	u.b = u.b[n:]
	return got
}

// size reads an unsigned number of n bytes.
func (u *unpacker) size(n int) int {
	v := 0
	for _, c := range u.take(n) {
		v = v<<8 | int(c)
	}
	return v
}

// maxDepth is deeper than anything that is stored.
const maxDepth = 16

func (u *unpacker) read(depth int) any {
	c := u.take(1)[0]
	if depth > maxDepth {
		u.err = errPacked
	}
	if u.err != nil {
		return nil
	}
	switch {
	case c < 0x80:
		return int64(c)
	case c < 0x90:
		return u.fields(int(c&15), depth)
	case c < 0xa0:
		return u.list(int(c&15), depth)
	case c < 0xc0:
		return string(u.take(int(c & 31)))
	case c >= 0xe0:
		return int64(int8(c)) //nolint:gosec // its bits
	}
	switch c {
	case 0xc0:
		return nil
	case 0xc2, 0xc3:
		return c == 0xc3
	case 0xcc, 0xcd, 0xce, 0xcf:
		return int64(u.size(1 << (c - 0xcc)))
	case 0xd0:
		return int64(int8(u.size(1))) //nolint:gosec // its bits
	case 0xd1:
		return int64(int16(u.size(2))) //nolint:gosec // its bits
	case 0xd2:
		return int64(int32(u.size(4))) //nolint:gosec // its bits
	case 0xd3:
		return int64(u.size(8))
	case 0xd9, 0xda, 0xdb:
		return string(u.take(u.size(1 << (c - 0xd9))))
	case 0xdc, 0xdd:
		return u.list(u.size(2<<(c-0xdc)), depth)
	case 0xde, 0xdf:
		return u.fields(u.size(2<<(c-0xde)), depth)
	}
	u.err = fmt.Errorf("%w: type %#x", errPacked, c)
	return nil
}

func (u *unpacker) list(n, depth int) []any {
	if n > len(u.b) {
		u.err = errPacked
		return nil
	}
	all := make([]any, n)
	for i := range all {
		all[i] = u.read(depth + 1)
	}
	return all
}

func (u *unpacker) fields(n, depth int) fields {
	if n > len(u.b) {
		u.err = errPacked
		return nil
	}
	m := make(fields, n)
	for range n {
		name, _ := u.read(depth + 1).(string)
		m[name] = u.read(depth + 1)
	}
	return m
}

// fields are those of a row. What is absent reads as zero.
type fields map[string]any

func (f fields) text(name string) string {
	s, _ := f[name].(string)
	return s
}

func (f fields) int(name string) int64 {
	v, _ := f[name].(int64)
	return v
}

func (f fields) bool(name string) bool {
	v, _ := f[name].(bool)
	return v
}

func (f fields) fields(name string) fields {
	v, _ := f[name].(fields)
	return v
}

func (f fields) bytes(name string) []byte {
	s, ok := f[name].(string)
	if !ok {
		return nil
	}
	return []byte(s)
}
