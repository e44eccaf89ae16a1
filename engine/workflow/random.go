package workflow

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// NewUUID returns a random UUID (version 4) that is the same on replay.
func NewUUID(ctx Context) string {
	u := ctx.exec().sink.Unique()
	u[6] = u[6]&0x0f | 0x40 // version 4
	u[8] = u[8]&0x3f | 0x80 // variant of RFC 9562
	var text [36]byte
	for i, at := range [...]int{0, 9, 14, 19, 24} {
		from, to := [...]int{0, 4, 6, 8, 10}[i], [...]int{4, 6, 8, 10, 16}[i]
		hex.Encode(text[at:], u[from:to])
		if i > 0 {
			text[at-1] = '-'
		}
	}
	return string(text[:])
}

// Rand returns the execution's random numbers, which are the same on replay. It is
// always the same generator, so that the numbers depend on the order in which
// coroutines ask for them, which is fixed. They are not for secrets.
func Rand(ctx Context) *rand.Rand { return ctx.exec().rand() }

func (x *execution) rand() *rand.Rand {
	if x.random == nil {
		seed := x.sink.Unique()
		x.random = rand.New(rand.NewPCG(binary.BigEndian.Uint64(seed[:8]), binary.BigEndian.Uint64(seed[8:]))) //nolint:gosec // repeatable is what is wanted
	}
	return x.random
}
