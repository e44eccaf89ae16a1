package matching

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/backend"
)

// Complete fills in what a list's query leaves open: its order and limit.
func Complete(q *backend.Query) error {
	q.Order = cmp.Or(q.Order, backend.OrderCreated)
	if !slices.Contains([]backend.Order{backend.OrderCreated, backend.OrderUpdated, backend.OrderAttempt}, q.Order) {
		return fmt.Errorf("order %q: %w", q.Order, engine.ErrInvalidArgument)
	}
	if q.Limit <= 0 {
		q.Limit = backend.DefaultLimit
	}
	q.Limit = min(q.Limit, backend.MaxLimit)
	return nil
}

// Head is what the places of executions in a list begin with. Each store adds what it
// orders by.
type Head struct {
	Order     backend.Order `json:"o"`
	Ascending bool          `json:"a,omitempty"`
}

// HeadOf is that of a query's list.
func HeadOf(q *backend.Query) Head { return Head{Order: q.Order, Ascending: q.Ascending} }

// Cursor is the wire format of a place, which embeds a Head.
func Cursor(place any) (string, error) {
	raw, err := json.Marshal(place)
	if err != nil {
		return "", fmt.Errorf("making a cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// After returns the place that the page before ended with, or nil. P embeds a Head.
func After[P any](q *backend.Query) (*P, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	place, head := new(P), Head{}
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, place)
	}
	if err == nil {
		err = json.Unmarshal(raw, &head)
	}
	if err == nil && head != HeadOf(q) {
		err = fmt.Errorf("it is of a list in another order (%s)", head.Order)
	}
	if err != nil {
		return nil, fmt.Errorf("cursor %q: %w: %w", q.Cursor, engine.ErrInvalidArgument, err)
	}
	return place, nil
}
