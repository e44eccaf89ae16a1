package engine

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// MaxReasonBytes bounds the Reason of a Note.
const MaxReasonBytes = 1024

// Note is what an operator has asked of an instance last that no event of its history
// tells of. Lists show it without reading histories.
type Note struct {
	Action NoteAction `json:"action"`
	// Reason is whatever text the operator gave, or empty.
	Reason string `json:"reason,omitempty"`
	// At is by the store's clock.
	At time.Time `json:"at"`
}

// NoteAction is what was asked.
type NoteAction string

// The closed set of what notes are left of.
const (
	NotePause  NoteAction = "pause"
	NoteResume NoteAction = "resume"
	NoteRetry  NoteAction = "retry"
)

// CheckReason returns an error that wraps ErrInvalidArgument, unless reason is UTF-8
// of at most MaxReasonBytes. None need be given.
func CheckReason(reason string) error {
	switch {
	case len(reason) > MaxReasonBytes:
		return fmt.Errorf("%w: the reason has %d bytes, the limit is %d: %.40q…", ErrInvalidArgument, len(reason), MaxReasonBytes, reason)
	case !utf8.ValidString(reason):
		return fmt.Errorf("%w: the reason is not UTF-8: %q", ErrInvalidArgument, reason)
	}
	return nil
}
