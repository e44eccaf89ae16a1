package engine

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"
)

// MaxNameBytes bounds instance ids, workflow, activity, signal and timer
// names, queues, tag keys and change ids. Every store keeps this many bytes.
const MaxNameBytes = 255

// Instance names one run of a workflow.
type Instance struct {
	// InstanceID is the user's name for it. At most one execution of an
	// InstanceID is open at a time.
	InstanceID string `json:"instance_id"`
	// ExecutionID is made by the client, or by the step that continues the
	// instance as new. It is never reused.
	ExecutionID string `json:"execution_id"`
}

// String returns "instance/execution", for logs and errors.
func (i Instance) String() string {
	if i.ExecutionID == "" {
		return i.InstanceID
	}
	return i.InstanceID + "/" + i.ExecutionID
}

// NewID returns an identifier of 32 hexadecimal digits, for execution ids, lease
// tokens, step ids and delivery ids. The last 20 digits are random. The first 12 are
// the time in milliseconds, so that stores insert new ids beside each other and not
// all over an index that grows; nothing relies on the clock being right.
func NewID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16) //nolint:gosec // after 1970
	_, _ = rand.Read(b[6:])                                               // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// Queue separates work: a worker claims only from the queues it serves.
type Queue string

// QueueDefault is what an empty Queue means.
const QueueDefault Queue = "default"

// OrDefault returns q, or QueueDefault if q is empty.
func (q Queue) OrDefault() Queue {
	if q == "" {
		return QueueDefault
	}
	return q
}

// CheckName returns an error that wraps ErrInvalidArgument and names what,
// unless name is 1 to MaxNameBytes bytes of UTF-8 without a NUL.
func CheckName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: %s is empty", ErrInvalidArgument, what)
	case len(name) > MaxNameBytes:
		return fmt.Errorf("%w: %s has %d bytes, the limit is %d: %.40q…", ErrInvalidArgument, what, len(name), MaxNameBytes, name)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: %s is not UTF-8: %q", ErrInvalidArgument, what, name)
	}
	for i := range len(name) {
		if name[i] == 0 {
			return fmt.Errorf("%w: %s holds a NUL byte: %q", ErrInvalidArgument, what, name)
		}
	}
	return nil
}

// Status is where an execution is in its life.
//
//	created ─► running ⇄ blocked ─► completed | failed | canceled | terminated | continued_as_new
//
// Paused is a flag beside the status, not a status.
type Status string

// The closed set of statuses.
const (
	StatusRunning        Status = "running"
	StatusBlocked        Status = "blocked"
	StatusCompleted      Status = "completed"
	StatusFailed         Status = "failed"
	StatusCanceled       Status = "canceled"
	StatusTerminated     Status = "terminated"
	StatusContinuedAsNew Status = "continued_as_new"
)

// Statuses returns every status, open ones first.
func Statuses() []Status {
	return []Status{
		StatusRunning, StatusBlocked,
		StatusCompleted, StatusFailed, StatusCanceled, StatusTerminated, StatusContinuedAsNew,
	}
}

// Open reports whether an execution of this status can still move.
func (s Status) Open() bool { return s == StatusRunning || s == StatusBlocked }

// Final reports whether s is one of the statuses that nothing follows.
func (s Status) Final() bool {
	switch s {
	case StatusCompleted, StatusFailed, StatusCanceled, StatusTerminated, StatusContinuedAsNew:
		return true
	case StatusRunning, StatusBlocked:
		return false
	}
	return false
}
