package history

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)

func TestStringsSurvive(t *testing.T) {
	for in, want := range map[string]string{
		"a\"b\\c/d":            "a\"b\\c/d",
		"\x00\x01\x1f\x7f\n\t": "\x00\x01\x1f\x7f\n\t",
		"é € 𝄞 \u2028":         "é € 𝄞 \u2028",
		"\uFFFD":               "\uFFFD",
		"a\xffb\xc3":           "a\uFFFDb\uFFFD",
		"\xed\xa0\x80":         "\uFFFD\uFFFD\uFFFD",
	} {
		enc := mustEncode(t, Event{At: at, Body: CancelRequested{Reason: in}})
		if got := mustDecode(t, enc, 1)[0].Body.(CancelRequested).Reason; got != want {
			t.Errorf("%q became %q", in, got)
		}
		if !json.Valid(enc) {
			t.Errorf("%q: no JSON: %s", in, enc)
		}
	}
}

func TestForeignEscapes(t *testing.T) {
	const wire = `[{"\u006bind":"CancelRequested","body":{"reason":"\u0041\/\b\f\ud834\udd1e\ud834x\udd1e\ud834\u0041"}}]`
	got := mustDecode(t, Encoded(wire), 1)[0].Body.(CancelRequested).Reason
	if want := "A/\b\f𝄞\uFFFDx\uFFFD\uFFFDA"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTimes(t *testing.T) {
	zone := time.FixedZone("x", -5*3600)
	for name, tc := range map[string]struct {
		in   time.Time
		want time.Time
		wire string
	}{
		"nanoseconds": {at, at, `"2026-01-02T03:04:05.123456789Z"`},
		"whole":       {at.Truncate(time.Second), at.Truncate(time.Second), `"2026-01-02T03:04:05Z"`},
		"zone":        {at.In(zone), at, `"2026-01-02T03:04:05.123456789Z"`},
		"first year":  {time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), `"0000-01-01T00:00:00Z"`},
		"last moment": {time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), `"9999-12-31T23:59:59.999999999Z"`},
	} {
		t.Run(name, func(t *testing.T) {
			enc := mustEncode(t, Event{At: tc.in, Body: TimerFired{}})
			if !strings.Contains(string(enc), `"at":`+tc.wire) {
				t.Errorf("on the wire: %s", enc)
			}
			if got := mustDecode(t, enc, 1)[0].At; !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %#v", got)
			}
		})
	}
	now := time.Now()
	got := mustDecode(t, mustEncode(t, Event{At: now, Body: TimerFired{}}), 1)[0].At
	if !got.Equal(now) || !reflect.DeepEqual(got, now.Round(0).UTC()) {
		t.Errorf("%v with a monotonic reading became %v", now, got)
	}
	if enc := mustEncode(t, Event{Body: TimerFired{}}); string(enc) != `[{"kind":"TimerFired"}]` {
		t.Errorf("the zero time is not left out: %s", enc)
	}
}

func TestDurationsAndNumbersAreExact(t *testing.T) {
	for _, d := range []time.Duration{1, -1, time.Millisecond + 1, 90 * time.Second, 1000 * time.Hour, math.MaxInt64, math.MinInt64} {
		body := TimerScheduled{Duration: d}
		if got := mustDecode(t, mustEncode(t, Event{Ref: int64(d), Body: body}), 1)[0]; got.Body != Body(body) || got.Ref != int64(d) {
			t.Errorf("%s became %+v", d, got)
		}
	}
	for _, n := range []float64{0.1, 1e21, 1e-7, math.MaxFloat64, math.SmallestNonzeroFloat64, -2.5} {
		body := ActivityScheduled{Retry: engine.RetryPolicy{BackoffCoefficient: n}}
		enc := mustEncode(t, Event{Body: body})
		got := mustDecode(t, enc, 1)[0].Body.(ActivityScheduled)
		if got.Retry.BackoffCoefficient != n || !json.Valid(enc) {
			t.Errorf("%v became %v", n, got.Retry.BackoffCoefficient)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	circle := &engine.Failure{Message: "x"}
	circle.Causes = []*engine.Failure{circle}
	var nilBody *TimerFired
	for name, tc := range map[string]struct {
		event Event
		want  string
	}{
		"no body":       {Event{Seq: 4}, "event 4"},
		"pointer":       {Event{Body: &TimerFired{}}, "*history.TimerFired"},
		"nil pointer":   {Event{Body: nilBody}, "by value"},
		"year 10000":    {Event{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Body: TimerFired{}}, "year 10000"},
		"year -1":       {Event{Body: TimerScheduled{Until: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}}, "until is in the year -1"},
		"only in UTC":   {Event{At: time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)), Body: TimerFired{}}, "year 10000"},
		"NaN":           {Event{Body: ActivityScheduled{Retry: engine.RetryPolicy{Jitter: math.NaN()}}}, "jitter is NaN"},
		"infinite":      {Event{Body: ActivityScheduled{Retry: engine.RetryPolicy{BackoffCoefficient: math.Inf(-1)}}}, "-Inf"},
		"circle":        {Event{Body: WorkflowFailed{Failure: circle}}, "nested"},
		"after another": {Event{Seq: 5, Body: nil}, "event 5"},
	} {
		t.Run(name, func(t *testing.T) {
			enc, err := Encode(Event{Seq: 1, Body: TimerFired{}}, tc.event)
			if err == nil || enc != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %s, %v", enc, err)
			}
		})
	}
	if enc := mustEncode(t, Event{Body: TimerFired{}}); string(enc) != `[{"kind":"TimerFired"}]` {
		t.Errorf("an error left something behind: %s", enc)
	}
}

func TestDeepFailures(t *testing.T) {
	chain := func(n int) *engine.Failure {
		f := &engine.Failure{Message: "x"}
		for range n - 1 {
			f = &engine.Failure{Causes: []*engine.Failure{f}}
		}
		return f
	}
	const most = maxDepth - 2 // beside the event and its body
	event := Event{Seq: 1, Body: WorkflowFailed{Failure: chain(most)}}
	if got := mustDecode(t, mustEncode(t, event), 1); !reflect.DeepEqual(got, []Event{event}) {
		t.Error("a chain as deep as allowed did not survive")
	}
	if _, err := Encode(Event{Body: WorkflowFailed{Failure: chain(most + 1)}}); !errors.Is(err, errTooDeep) {
		t.Errorf("one deeper: %v", err)
	}
	wire := `[{"kind":"WorkflowFailed","body":{"failure":` + strings.Repeat(`{"causes":[`, most) + `{}` + strings.Repeat(`]}`, most) + `}}]`
	if _, err := Encoded(wire).Decode(1); !errors.Is(err, errTooDeep) {
		t.Errorf("decoding one deeper: %v", err)
	}
}

func TestNilCausesAndEmptyPointers(t *testing.T) {
	for _, body := range []Body{
		WorkflowFailed{},
		WorkflowFailed{Failure: &engine.Failure{}},
		WorkflowFailed{Failure: &engine.Failure{Causes: []*engine.Failure{nil, {}, {Message: "x"}}}},
		SignalReceived{Sender: &engine.Instance{}},
		WorkflowStarted{Parent: &Parent{}},
		WorkflowStarted{Signals: []CarriedSignal{{}, {Arg: engine.Payload("null")}}},
	} {
		if got := mustDecode(t, mustEncode(t, Event{Body: body}), 0)[0].Body; !reflect.DeepEqual(got, body) {
			t.Errorf("%#v became %#v", body, got)
		}
	}
}

func TestSequenceNumbers(t *testing.T) {
	enc := mustEncode(t, Event{Seq: 99, Body: TimerFired{}}, Event{Body: TimerFired{}})
	for first, want := range map[int64][2]int64{0: {0, 0}, 1: {1, 2}, 41: {41, 42}} {
		got := mustDecode(t, enc, first)
		if got[0].Seq != want[0] || got[1].Seq != want[1] {
			t.Errorf("from %d: %d, %d", first, got[0].Seq, got[1].Seq)
		}
	}
}

func TestNoEvents(t *testing.T) {
	if enc, err := Encode(); enc != nil || err != nil {
		t.Errorf("got %q, %v", enc, err)
	}
	for _, enc := range []Encoded{nil, {}, Encoded("[]"), Encoded(" [ ] ")} {
		if events, err := enc.Decode(1); len(events) != 0 || err != nil {
			t.Errorf("%q: %v, %v", enc, events, err)
		}
	}
}

func TestDecodeOne(t *testing.T) {
	one := Event{At: at, Ref: 3, Body: TimerFired{}}
	if got, err := mustEncode(t, one).DecodeOne(); err != nil || got != one {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, enc := range []Encoded{nil, Encoded("[]"), mustEncode(t, one, one), Encoded("{}")} {
		var bad *DecodeError
		if _, err := enc.DecodeOne(); !errors.As(err, &bad) {
			t.Errorf("%s: %v", enc, err)
		}
	}
}

// reformat returns enc as a tool would that knows JSON and nothing of the format.
func reformat(t *testing.T, enc Encoded) Encoded {
	t.Helper()
	var v any
	if err := json.Unmarshal(enc, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(v, " ", "\t")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReformattedHistoryMeansTheSame(t *testing.T) {
	for _, k := range kinds() {
		want := (&filler{}).event(k)
		got := mustDecode(t, reformat(t, mustEncode(t, want)), 1)[0]
		// White space in payloads is theirs, and was changed.
		compact := func(e Event) string {
			return strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(string(mustEncode(t, e)))
		}
		if compact(got) != compact(want) {
			t.Errorf("got  %s\nwant %s", compact(got), compact(want))
		}
	}
	escaped := Event{Body: ChildCompleted{Result: engine.Payload("\x00")}}
	if got := mustDecode(t, reformat(t, mustEncode(t, escaped)), 0)[0]; !reflect.DeepEqual(got, escaped) {
		t.Errorf("an escaped payload became %#v", got.Body)
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	const wire = `[ {"new":{"a":[1,{}]}, "kind":"TimerScheduled","at":"2026-01-02T03:04:05.123456789Z","ref":3,"":1,
		"body":{"zzz":null,"duration":"1m30s","aaa":[[],"x\"y"],"site":{"column":7,"line":2},"name":null}, "end":true} ]`
	want := Event{Seq: 1, At: at, Ref: 3, Body: TimerScheduled{Duration: 90 * time.Second, Site: Site{Line: 2}}}
	if got := mustDecode(t, Encoded(wire), 1); got[0] != want {
		t.Errorf("got %+v", got[0])
	}
}

func TestUnknownKind(t *testing.T) {
	const wire = `[{"kind":"TimerFired"},{"kind":"NexusStarted","ref":1,"body":{"x":1}}]`
	var unknown *UnknownKindError
	if _, err := Encoded(wire).Decode(7); !errors.As(err, &unknown) || unknown.Kind != "NexusStarted" || unknown.Seq != 8 {
		t.Errorf("got %v", err)
	}
	if _, err := Encoded(`[{"kind":"X"}]`).DecodeOne(); !errors.As(err, &unknown) || unknown.Seq != 0 {
		t.Errorf("got %v", err)
	}
}

func TestDecodeErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		wire string
		seq  int64
		kind Kind
	}{
		"no array":           {`{}`, 5, ""},
		"null":               {`null`, 5, ""},
		"space":              {` `, 5, ""},
		"cut off":            {`[{"kind":"TimerFired"},`, 6, ""},
		"cut in an event":    {`[{"kind":"TimerFired","at":"2`, 5, "TimerFired"},
		"no end":             {`[{"kind":"TimerFired"}`, 6, ""},
		"two arrays":         {`[{"kind":"TimerFired"}][]`, 6, ""},
		"trailing comma":     {`[{"kind":"TimerFired"},]`, 6, ""},
		"comma in object":    {`[{"kind":"TimerFired",}]`, 5, "TimerFired"},
		"null event":         {`[null]`, 5, ""},
		"no kind":            {`[{"body":{}}]`, 5, ""},
		"kind is a number":   {`[{"kind":1}]`, 5, ""},
		"body is a string":   {`[{"kind":"TimerFired","body":"x"}]`, 5, "TimerFired"},
		"second event":       {`[{"kind":"TimerFired"},{"kind":"CancelRequested","body":{"reason":1}}]`, 6, "CancelRequested"},
		"time":               {`[{"kind":"TimerFired","at":"yesterday"}]`, 5, "TimerFired"},
		"time leaves years":  {`[{"kind":"TimerFired","at":"9999-12-31T23:59:59-01:00"}]`, 5, "TimerFired"},
		"ref is a float":     {`[{"kind":"TimerFired","ref":1.5}]`, 5, "TimerFired"},
		"ref overflows":      {`[{"kind":"TimerFired","ref":9223372036854775808}]`, 5, "TimerFired"},
		"ref is a string":    {`[{"kind":"TimerFired","ref":"1"}]`, 5, "TimerFired"},
		"duration":           {`[{"kind":"TimerScheduled","body":{"duration":"1 day"}}]`, 5, "TimerScheduled"},
		"duration, number":   {`[{"kind":"TimerScheduled","body":{"duration":1}}]`, 5, "TimerScheduled"},
		"args":               {`[{"kind":"ActivityScheduled","body":{"args":{}}}]`, 5, "ActivityScheduled"},
		"headers":            {`[{"kind":"ActivityScheduled","body":{"headers":{"a":1}}}]`, 5, "ActivityScheduled"},
		"non_retryable":      {`[{"kind":"ActivityScheduled","body":{"retry":{"non_retryable":[1]}}}]`, 5, "ActivityScheduled"},
		"float overflows":    {`[{"kind":"ActivityScheduled","body":{"retry":{"jitter":1e999}}}]`, 5, "ActivityScheduled"},
		"bool":               {`[{"kind":"WorkflowFailed","body":{"failure":{"panic":1}}}]`, 5, "WorkflowFailed"},
		"base64":             {`[{"kind":"ChildCompleted","body":{"result":{"$bytes":"?"}}}]`, 5, "ChildCompleted"},
		"escape of a number": {`[{"kind":"ChildCompleted","body":{"result":{"$bytes":1}}}]`, 5, "ChildCompleted"},
		"escape and more":    {`[{"kind":"ChildCompleted","body":{"result":{"$bytes":"","x":1}}}]`, 5, "ChildCompleted"},
		"bad JSON, skipped":  {`[{"kind":"TimerFired","new":[01]}]`, 5, "TimerFired"},
		"control character":  {"[{\"kind\":\"Timer\x01Fired\"}]", 5, ""},
		"bad escape":         {`[{"kind":"Timer\u12G4"}]`, 5, ""},
		"not UTF-8":          {"[{\"kind\":\"TimerFired\",\"x\":\"\xff\"}]", 5, ""},
		"too deep, skipped":  {`[{"kind":"TimerFired","new":` + strings.Repeat("[", 1e6), 5, "TimerFired"},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := Encoded(tc.wire).Decode(5)
			var bad *DecodeError
			if !errors.As(err, &bad) || events != nil {
				t.Fatalf("got %v, %v", events, err)
			}
			if bad.Seq != tc.seq || bad.Kind != tc.kind || bad.Err == nil {
				t.Errorf("event %d (%s): %v", bad.Seq, bad.Kind, bad.Err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestCutAnywhere(t *testing.T) {
	enc := mustEncode(t, (&filler{}).event(KindWorkflowStarted))
	for i := 1; i < len(enc); i++ {
		var bad *DecodeError
		if _, err := enc[:i].Decode(1); !errors.As(err, &bad) {
			t.Errorf("cut to %s: %v", enc[:i], err)
		}
	}
}

func TestEncodeAllocatesOnce(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	events := oneStep()
	if n := testing.AllocsPerRun(200, func() { mustEncode(t, events...) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestErrorsSayWhichEvent(t *testing.T) {
	for want, err := range map[string]error{
		"event 4 (TimerFired)": &DecodeError{Seq: 4, Kind: KindTimerFired, Err: errTrailing},
		"event 5 can't":        &DecodeError{Seq: 5, Err: errTrailing},
		`kind "X"`:             &UnknownKindError{Kind: "X", Seq: 4},
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %s", err, want)
		}
	}
	if err := error(&DecodeError{Err: errTrailing}); !errors.Is(err, errTrailing) {
		t.Error("what is wrong with the bytes is not wrapped")
	}
	if (Event{}).Kind() != "" || (Event{Body: TimerFired{}}).Kind() != KindTimerFired {
		t.Error("the kind of an event is that of its body")
	}
	if !(Site{}).IsZero() || (Site{Line: 1}).IsZero() {
		t.Error("a site is unknown if nothing of it is known")
	}
}
