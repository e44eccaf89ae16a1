package history

import (
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

// oneStep is what a typical step appends: an answer came in, and the code asks
// for the next activity and a timer.
func oneStep() []Event {
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)
	site := Site{Function: "example.com/shop.Checkout", File: "checkout.go", Line: 42}
	return []Event{
		{Seq: 11, At: at, Body: TaskStarted{Worker: "host-1234-a1b2", Build: "v1.4.2-0a1b2c3d", Bytes: 4321}},
		{Seq: 12, At: at, Ref: 3, Body: ActivityCompleted{
			Result: engine.Payload(`{"id":"ord-17","total":129.9,"items":["a","b"]}`),
			Run:    Run{Attempt: 1, Scheduled: at, Started: at, Worker: "host-1234-a1b2", Build: "v1.4.2-0a1b2c3d"},
		}},
		{Seq: 13, At: at, Ref: 4, Body: ActivityScheduled{
			Name: "ChargeCard", Args: []engine.Payload{engine.Payload(`"ord-17"`), engine.Payload(`{"amount":129.9,"currency":"EUR"}`)},
			Retry: engine.RetryPolicy{MaxAttempts: 3, FirstRetryInterval: time.Second, BackoffCoefficient: 2},
			Site:  site,
		}},
		{Seq: 14, At: at, Ref: 5, Body: TimerScheduled{Name: "deadline", Duration: time.Hour, Until: at.Add(time.Hour), Site: site}},
	}
}

func BenchmarkEncode(b *testing.B) {
	events := oneStep()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(events...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}

func BenchmarkDecode(b *testing.B) {
	chunk, err := Encode(oneStep()...)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	var n int
	for b.Loop() {
		events, err := chunk.Decode(11)
		if err != nil {
			b.Fatal(err)
		}
		n += len(events)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
