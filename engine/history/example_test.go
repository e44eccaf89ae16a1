package history_test

import (
	"fmt"
	"time"

	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

func ExampleEncode() {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	chunk, err := history.Encode(
		history.Event{At: at, Body: history.TaskStarted{Worker: "w1"}},
		history.Event{At: at, Ref: 1, Body: history.ActivityScheduled{
			Name: "Charge", Args: []engine.Payload{engine.Payload(`{"amount": 12.50}`)},
		}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(chunk))
	// Output:
	// [{"kind":"TaskStarted","at":"2026-01-02T03:04:05Z","body":{"worker":"w1"}},{"kind":"ActivityScheduled","at":"2026-01-02T03:04:05Z","ref":1,"body":{"name":"Charge","args":[{"amount": 12.50}]}}]
}

func ExampleEncoded_Decode() {
	chunk := history.Encoded(`[{"kind":"TimerFired","at":"2026-01-02T03:04:05Z","ref":3},{"kind":"CancelRequested","body":{"reason":"shop closed"}}]`)
	events, err := chunk.Decode(17)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range events {
		switch body := e.Body.(type) {
		case history.CancelRequested:
			fmt.Println(e.Seq, e.Kind(), body.Reason)
		default:
			fmt.Println(e.Seq, e.Kind(), "of command", e.Ref)
		}
	}
	// Output:
	// 17 TimerFired of command 3
	// 18 CancelRequested shop closed
}

func ExampleCheck() {
	fmt.Println(history.Check([]history.Event{
		{Seq: 1, Body: history.TaskStarted{}},
		{Seq: 2, Body: history.WorkflowStarted{Workflow: "Order"}},
		{Seq: 3, Ref: 1, Body: history.TimerCanceled{}},
	}))
	// Output:
	// malformed history: event 3: TimerCanceled is for command 1, which was not issued; there are 0
}
