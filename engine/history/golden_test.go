package history

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/engine"
)

var writeGolden = flag.Bool("write-golden", false, "create the golden files of new cases; never touches one that is there")

const goldenDir = "testdata/v1"

// goldenCases returns what the golden files mean, by the names of the files.
func goldenCases() map[string][]Event {
	cases := map[string][]Event{"step": oneStep(), "payloads": payloadEvents()}
	for _, body := range goldenBodies() {
		cases[string(body.Kind())] = []Event{{Seq: 1, At: at, Ref: 7, Body: body}}
	}
	for _, k := range kinds() {
		cases[string(k)+".minimal"] = []Event{{Seq: 1, At: at, Body: zeroBody(k)}}
	}
	for i := range cases["step"] {
		cases["step"][i].Seq = int64(i) + 1
	}
	return cases
}

func TestGolden(t *testing.T) {
	cases := goldenCases()
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(goldenDir, name+".json")
			if *writeGolden {
				createGolden(t, file, want)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			stored := Encoded(strings.TrimSuffix(string(data), "\n"))
			if got := mustDecode(t, stored, 1); !reflect.DeepEqual(got, want) {
				t.Errorf("decoded\ngot  %#v\nwant %#v", got, want)
			}
			if got := mustEncode(t, want...); string(got) != string(stored) {
				t.Errorf("encoded\ngot  %s\nwant %s", got, stored)
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(goldenDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); cases[name] == nil {
			t.Errorf("%s has no case: golden files are kept for ever", file)
		}
	}
}

func createGolden(t *testing.T, file string, events []Event) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return // the comparison decides
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(mustEncode(t, events...), '\n')); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestGoldenCasesSetEveryField(t *testing.T) {
	for _, k := range kinds() {
		unset := map[string]bool{}
		collectFields(reflect.TypeOf(zeroBody(k)), "", unset)
		for _, events := range goldenCases() {
			for _, e := range events {
				if e.Kind() == k {
					clearSet(reflect.ValueOf(e.Body), "", unset)
				}
			}
		}
		for path := range unset {
			t.Errorf("no golden file sets %s%s", k, path)
		}
	}
}

// collectFields lists the fields of structs, with those inside other structs, as
// paths. It does not follow a failure into its causes.
func collectFields(typ reflect.Type, path string, into map[string]bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice && typ != typePayload && typ != typeEncoded {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == typeTime {
		into[path] = true
		return
	}
	for f := range typ.Fields() {
		if f.IsExported() && f.Type != reflect.TypeFor[[]*engine.Failure]() {
			collectFields(f.Type, path+"."+f.Name, into)
		}
	}
}

func clearSet(v reflect.Value, path string, unset map[string]bool) {
	switch {
	case v.IsZero():
	case v.Kind() == reflect.Pointer:
		clearSet(v.Elem(), path, unset)
	case v.Kind() == reflect.Slice && v.Type() != typePayload && v.Type() != typeEncoded:
		for i := range v.Len() {
			clearSet(v.Index(i), path, unset)
		}
	case v.Kind() == reflect.Struct && v.Type() != typeTime:
		for f, value := range v.Fields() {
			clearSet(value, path+"."+f.Name, unset)
		}
	default:
		delete(unset, path)
	}
}

// payloadEvents has payloads of every form.
func payloadEvents() []Event {
	return []Event{
		{Seq: 1, At: at, Body: WorkflowContinuedAsNew{Args: []engine.Payload{
			engine.Payload("{ \"inner\":\t[1 , 2],\n\"b\":\"<&>\" }"),
			engine.Payload("null"), nil, {}, engine.Payload("\x00\xfe\xff"), engine.Payload(" 1 "),
			engine.Payload(`{"$bytes":"AP7/"}`), engine.Payload(`{ "$bytes" :null}`), engine.Payload(`"\ud83d\ude00 😀"`), engine.Payload("-1.50E+3"),
		}}},
		{Seq: 2, At: at, Body: WorkflowCompleted{Result: engine.Payload("null")}},
		{Seq: 3, At: at, Body: WorkflowCompleted{Result: engine.Payload{}}},
	}
}

func goldenFailure() *engine.Failure {
	return &engine.Failure{
		Type: "wrapError", Message: "charging: card declined\nand \"more\" \u2028 \x00", Code: "payment.declined", Permanent: true, Panic: true,
		StackTrace: "main.charge\n\t/src/charge.go:12",
		Causes: []*engine.Failure{
			{Type: "DeclinedError", Message: "card declined", Causes: []*engine.Failure{{Message: "limit"}}},
			{},
		},
	}
}

func goldenBodies() []Body {
	const later = 90 * time.Minute
	var (
		args    = []engine.Payload{engine.Payload(`{"id":"ord-17"}`), engine.Payload(`[1, 2]`)}
		headers = Headers{"tenant": "acme", "a": ""}
		trace   = Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "vendor=1"}
		site    = Site{Function: "example.com/shop.Checkout", File: "checkout.go", Line: 42}
		sender  = engine.Instance{InstanceID: "cart/9", ExecutionID: "e9"}
		run     = Run{Attempt: 2, Scheduled: at, Started: at.Add(time.Millisecond), Worker: "host-1", Build: "v1.2.3"}
	)
	return []Body{
		WorkflowStarted{
			Workflow: "Order", Args: args, Queue: "shop",
			Parent:         &Parent{Instance: sender, Ref: 4, Workflow: "Cart"},
			FirstExecution: "e1", ContinuedFrom: "e2",
			Signals: []CarriedSignal{{Name: "pay", Arg: engine.Payload("true"), Sender: &sender, At: at}, {Name: "note"}},
			Tags:    map[string]string{"region": "eu", "customer": "17"},
			Timeout: later, Deadline: at.Add(later), Headers: headers, Trace: trace,
		},
		TaskStarted{Worker: "host-1", Build: "v1.2.3", Bytes: 4096, Suggest: true},
		SignalReceived{Name: "pay", Arg: engine.Payload("12.50"), Sender: &sender, Headers: headers, Trace: trace},
		EventDropped{Event: Encoded(`[{"kind":"SignalReceived","at":"2026-01-02T03:04:05Z","body":{"name":"pay","arg":"twelve"}}]`), Reason: "ticket 12, by ann"},
		CancelRequested{Reason: "customer left"},
		WorkflowTimedOut{},
		WorkflowCompleted{Result: engine.Payload(`"done"`)},
		WorkflowFailed{Failure: goldenFailure()},
		WorkflowCanceled{Failure: goldenFailure()},
		WorkflowTerminated{Reason: "by hand"},
		WorkflowContinuedAsNew{NewExecution: "e3", Args: args, Site: site},
		ActivityScheduled{
			Name: "Charge", ID: "charge-1", Args: args, Queue: "payments",
			Retry: engine.RetryPolicy{
				MaxAttempts: 5, FirstRetryInterval: 250 * time.Millisecond, MaxRetryInterval: time.Minute, BackoffCoefficient: 1.5,
				RetryTimeout: time.Hour, Jitter: 0.2, NonRetryable: []string{"DeclinedError", "payment.declined"},
			},
			Timeouts: Timeouts{ScheduleToStart: 1, StartToClose: time.Second + 1, ScheduleToClose: 30 * time.Hour, Heartbeat: 1500 * time.Microsecond},
			Headers:  headers, Trace: trace, Site: site,
		},
		ActivityCanceled{Site: site},
		TimerScheduled{Name: "reminder", Duration: later, Until: at.Add(later), Site: site},
		TimerCanceled{Site: site},
		ChildScheduled{
			Workflow: "Shipping", Instance: engine.Instance{InstanceID: "ship/17", ExecutionID: "e5"}, Args: args, Queue: "shop",
			ParentClose: ParentCloseTerminate, Attempt: 2, Headers: headers, Trace: trace, Site: site,
		},
		ChildCancelRequested{Site: site},
		SignalSent{InstanceID: "cart/9", Name: "paid", Arg: engine.Payload("null"), Headers: headers, Trace: trace, Site: site},
		SideEffectRecorded{Value: engine.Payload("0.25"), Site: site, Failure: goldenFailure()},
		MutableSideEffectRecorded{ID: "limit", Call: 3, Value: engine.Payload("100"), Site: site, Failure: goldenFailure()},
		VersionMarked{ChangeID: "add-tax", Version: 2, Site: site},
		ActivityCompleted{Result: engine.Payload(`{"ok":true}`), Run: run},
		ActivityFailed{Failure: goldenFailure(), Run: run},
		ActivityAttemptFailed{Failure: goldenFailure(), Run: run, Next: at.Add(time.Second)},
		TimerFired{},
		ChildCompleted{Result: engine.Payload("[ ]")},
		ChildFailed{Failure: goldenFailure(), Status: engine.StatusCanceled},
		SignalDelivered{},
		SignalFailed{Failure: goldenFailure()},
	}
}
