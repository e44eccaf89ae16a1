package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wfops/wfops/diagnostics"
	"github.com/wfops/wfops/engine/registry"
)

const testNonce = "0123456789abcdef0123456789abcdef"

func framed(tb testing.TB, f frame) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := writeFrame(&b, testNonce, f); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestFramesThatAreNone(t *testing.T) {
	whole := framed(t, frame{kindAnswer, 7, []byte("{}")})
	changed := func(at int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	for name, c := range map[string]struct {
		bytes []byte
		says  string // or "" for a frame, "EOF" for none
	}{
		"whole":         {whole, ""},
		"nothing":       {nil, "EOF"},
		"half a header": {whole[:20], "breaks off after 20 bytes"},
		"half a body":   {whole[:len(whole)-1], "breaks off after 1 of 2 bytes"},
		"another nonce": {changed(3, 'x'), "it begins with"},
		"another kind":  {changed(nonceBytes, 'Z'), "kind 'Z'"},
		"too long":      {changed(nonceBytes+5, 0xff), "the limit is 1000"},
	} {
		f, err := readFrame(bytes.NewReader(c.bytes), testNonce, 1000)
		switch {
		case c.says == "" && (err != nil || f.kind != kindAnswer || f.number != 7 || string(f.body) != "{}"):
			t.Errorf("%s: got %+v, %v", name, f, err)
		case c.says == "EOF" && !errors.Is(err, io.EOF):
			t.Errorf("%s: %v", name, err)
		case c.says != "" && c.says != "EOF" && (!errors.Is(err, errFrame) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
	}
	broken := io.MultiReader(bytes.NewReader(whole[:42]), iotest.ErrReader(io.ErrClosedPipe))
	if _, err := readFrame(broken, testNonce, 1<<40); !errors.Is(err, errFrame) && !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken pipe: %v", err)
	}
}

func TestSkipTo(t *testing.T) {
	h := framed(t, frame{kindHello, 0, []byte("{}")})
	for _, stray := range []string{
		"", "x", "\n", strings.Repeat("welcome ", 10_000), testNonce, testNonce[:31], testNonce + "A", "WFOPS_REPLAY=" + testNonce + "\n",
	} {
		for name, r := range map[string]io.Reader{
			"at once": strings.NewReader(stray + string(h)), "byte by byte": iotest.OneByteReader(strings.NewReader(stray + string(h))),
		} {
			var out bytes.Buffer
			in := bufio.NewReader(r)
			if err := skipTo(in, testNonce, &out); err != nil || out.String() != stray {
				t.Errorf("%s: got %q, %v; want %q", name, out.String(), err, stray)
			}
			if f, err := readFrame(in, testNonce, 10); err != nil || f.kind != kindHello {
				t.Errorf("%s: %q is followed by %+v, %v", name, stray, f, err)
			}
		}
		var out bytes.Buffer
		if err := skipTo(bufio.NewReader(strings.NewReader(stray)), testNonce, &out); !errors.Is(err, io.EOF) || out.String() != stray {
			t.Errorf("without a frame: got %q, %v; want %q", out.String(), err, stray)
		}
	}
}

// Whatever comes from a child is a frame or an error, and what was a frame is one again.
func FuzzFrame(f *testing.F) {
	f.Add(framed(f, frame{kindHello, 0, []byte(`{"version":1}`)}))
	f.Add(framed(f, frame{kindAnswer, 1, []byte(`{"report":{"verdict":"ok"}}`)})[:45])
	f.Add(append([]byte("welcome"), framed(f, frame{kindMemory, 1, nil})...))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readFrame(bytes.NewReader(data), testNonce, 1<<20)
		if err == nil && !bytes.HasPrefix(data, framed(t, got)) {
			t.Errorf("%q was read as %+v", data, got)
		}
		var out bytes.Buffer
		in := bufio.NewReaderSize(bytes.NewReader(data), 64)
		if err := skipTo(in, testNonce, &out); err != nil && !bytes.Equal(out.Bytes(), data) {
			t.Errorf("of %q only %q was stray", data, out.Bytes())
		}
		if err == nil {
			var a answer
			_ = json.Unmarshal(got.body, &a)
		}
	})
}

// Whatever a request holds, it is answered.
func FuzzRequest(f *testing.F) {
	whole, err := encode(request{Passes: 1}, recorded(f, "ok", 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("{}\n{}"))
	f.Add([]byte(nil))
	s := &server{registry: registry.New()}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := s.replay(body)
		if got.Verdict != diagnostics.VerdictUnanswerable || got.Summary == "" { // it has no code
			t.Errorf("%q: %+v", body, got)
		}
		if _, err := json.Marshal(answer{Report: got}); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func TestCrashOf(t *testing.T) {
	for name, c := range map[string]struct{ output, message, stack string }{
		"nothing": {"bye\n", "", ""},
		"a panic": {
			"log line\npanic: oops\n\ngoroutine 7 [running]:\nmain.f(0x1, {0x2, 0x3})\n\t/home/me/src/main.go:7 +0x1d\ncreated by main.g in goroutine 1\n\t/home/me/src/main.go:5 +0x2\nexit status 2",
			"panic: oops", "goroutine [running]:\nmain.f\n\tmain.go:7\ncreated by main.g in goroutine\n\tmain.go:5\nexit status 2",
		},
		"after another that was survived": {"panic: first\npanic: second\n\ngoroutine 7 [running]:\nmain.f()\n", "panic: second", "goroutine [running]:\nmain.f\n"},
		"without a stack":                 {"fatal error: all goroutines are asleep\n", "fatal error: all goroutines are asleep", ""},
	} {
		if got := crashOf(c.output); got.message != c.message || got.stack != c.stack {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
