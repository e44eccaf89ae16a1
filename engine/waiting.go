package engine

import "time"

// Waiting is what an execution waits for, as its last step left it. Lists show
// it without reading histories.
type Waiting struct {
	Kind WaitKind `json:"kind"`
	// Name of the signal, timer, activity or child workflow.
	Name string `json:"name,omitempty"`
	Ref  int64  `json:"ref,omitempty"`
	// Since and Until by the store's clock.
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Attempt int       `json:"attempt,omitempty"`
	// Next is when that attempt of an activity may begin, if the one before has failed.
	Next time.Time `json:"next,omitzero"`
	// More is how many other things it waits for besides.
	More int `json:"more,omitempty"`
}

// WaitKind is what kind of thing an execution waits for.
type WaitKind string

// The closed set of things to wait for.
const (
	WaitSignal   WaitKind = "signal"
	WaitTimer    WaitKind = "timer"
	WaitActivity WaitKind = "activity"
	WaitChild    WaitKind = "child"
	WaitOther    WaitKind = "other" // a condition, a channel or a lock inside the workflow
)
