package history

import (
	"github.com/wfops/wfops/engine"
	"testing"
	"time"
)

func TestQuick(t *testing.T) {
	evs := []Event{{At: time.Now(), Body: TaskStarted{Worker: "w", Build: "b"}}, {Ref: 1, At: time.Now(), Body: ActivityScheduled{Name: "x", Args: []engine.Payload{engine.Payload("[1, 2]"), nil, {}, engine.Payload("null"), engine.Payload("{\"$bytes\": 1}")}, Site: Site{"f", "g", 3}, Retry: engine.RetryPolicy{MaxAttempts: 3}}}, {Ref: 1, Body: TimerFired{}}, {Ref: 2, Body: ActivityFailed{Failure: &engine.Failure{Message: "x\x00\xff\"", Causes: []*engine.Failure{{}, nil, {Type: "a"}}}}}}
	e, err := Encode(evs...)
	t.Log(string(e), err)
	d, err := e.Decode(1)
	t.Logf("%+v %v", d, err)
	e2, _ := Encode(d...)
	if string(e2) != string(e) {
		t.Fatal(string(e2))
	}
}
