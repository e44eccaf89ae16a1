package history

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/wfops/wfops/engine"
)

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/v1/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files to begin with: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`[{"kind":"ChildCompleted","body":{"result":{ "$bytes":null}}},{"body":{},"kind":"TimerFired"}]`))
	f.Add([]byte("[]"))
	f.Add([]byte(`[{"kind":"TimerFired","body":{},"kind":"ChildCompleted"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := Encoded(data).Decode(3)
		if err != nil {
			return
		}
		enc, err := Encode(events...)
		if err != nil {
			t.Fatalf("what was decoded from %q can't be encoded: %v", data, err)
		}
		if again := mustDecode(t, enc, 3); !reflect.DeepEqual(again, events) {
			t.Fatalf("%q\nfirst  %#v\nsecond %#v", data, events, again)
		}
	})
}

func FuzzPayload(f *testing.F) {
	for _, s := range []string{"", "null", " 1", `{"$bytes":null}`, `{"a":[1.5e-3,"\u00e4",true]}`, "\xff", `"\ud83d\ude00"`, "-0", "[1,]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		enc := mustEncode(t, Event{Body: WorkflowContinuedAsNew{Args: []engine.Payload{data, nil}}}, Event{Body: ChildCompleted{Result: data}})
		events := mustDecode(t, enc, 0)
		args := events[0].Body.(WorkflowContinuedAsNew).Args
		result := events[1].Body.(ChildCompleted).Result
		if !bytes.Equal(args[0], data) || args[1] != nil || !bytes.Equal(result, data) || (result == nil) != (data == nil) {
			t.Fatalf("%q became %q and %q", data, args, result)
		}
		if !json.Valid(enc) {
			t.Fatalf("%q: no JSON: %q", data, enc)
		}
		if embeddable(data) && (!json.Valid(data) || !utf8.Valid(data)) {
			t.Fatalf("%q was embedded", data)
		}
		trimmed := bytes.Trim(data, " \t\r\n")
		if end, ok := scanValue(trimmed, 0, 9999); json.Valid(data) != (ok && end == len(trimmed)) {
			t.Fatalf("encoding/json does not agree on %q", data)
		}
	})
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a\"b", "\\u0041", "\xff\xc3", "\u2028", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var theirs string
		if err := json.Unmarshal(appendString(nil, s), &theirs); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		ours := mustDecode(t, mustEncode(t, Event{Body: CancelRequested{Reason: s}}), 0)[0].Body.(CancelRequested).Reason
		if ours != theirs || utf8.ValidString(s) && ours != s {
			t.Fatalf("%q: we read %q, encoding/json reads %q", s, ours, theirs)
		}
		// A string of somebody else's, with whatever escapes it has.
		if quoted := []byte(`"` + s + `"`); utf8.Valid(quoted) && json.Unmarshal(quoted, &theirs) == nil {
			c := coder{buf: quoted}
			if got := string(c.quoted()); c.err != nil || got != theirs {
				t.Fatalf("%s: we read %q (%v), encoding/json reads %q", quoted, got, c.err, theirs)
			}
		}
	})
}
