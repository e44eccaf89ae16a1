package filter

import (
	"fmt"

	"github.com/wfops/wfops/engine"
)

// Error tells what is wrong with a filter, and where.
type Error struct {
	// Input is the filter as it was given; it may hold anything.
	Input string
	// Offset and Length, in bytes, are the piece of Input that is wrong. Length may be
	// 0 at the end.
	Offset, Length int
	// Message may repeat pieces of Input.
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("filter, character %d: %s", len([]rune(e.Input[:e.Offset]))+1, e.Message)
}

// Unwrap says that nothing was tried.
func (*Error) Unwrap() error { return engine.ErrInvalidArgument }
