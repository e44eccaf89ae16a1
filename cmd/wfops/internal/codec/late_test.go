package codec_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wfops/wfops/cmd/wfops/internal/codec"
	"github.com/wfops/wfops/cmd/wfops/internal/values"
	"github.com/wfops/wfops/engine"
	"github.com/wfops/wfops/engine/history"
)

// Who waits no longer takes nothing from others: the program goes on, and its answer is
// there for the next who asks, without asking again.
func TestAnswersComeLate(t *testing.T) {
	p := start(t, "slow", 0)
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := p.Open(soon, []byte("x"))
	if !codec.IsLate(soon, err) {
		t.Fatalf("%v", err)
	}
	for range 2 {
		if plain, err := p.Open(t.Context(), []byte("x")); err != nil || string(plain) != "x1" {
			t.Errorf("%q, %v", plain, err)
		}
	}
	if plain, err := p.Open(soon, []byte("x")); err != nil || string(plain) != "x1" {
		t.Errorf("what is remembered takes no time: %q, %v", plain, err)
	}
}

// A program that hangs is ended, also if one that it has started holds on to its output;
// it is left alone for a while, and then started anew.
func TestHangingCodecIsStartedAnew(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no shell")
	}
	t.Chdir(t.TempDir())
	script := `test -e again && { read -r _ text; echo "ok $text"; exec cat; }; touch again; sleep 5; exit 0`
	p := codec.New([]string{"sh", "-c", script}, 100*time.Millisecond)
	t.Cleanup(p.Close)
	p.RestFor(time.Hour)
	begun := time.Now()
	for range 3 {
		if _, err := p.Open(t.Context(), []byte("x")); !errors.Is(err, codec.ErrCodec) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("it was waited for %v", took)
	}
	q := codec.New([]string{"sh", "-c", script}, time.Minute)
	t.Cleanup(q.Close)
	if plain, err := q.Open(t.Context(), []byte("x")); err != nil || string(plain) != "x" {
		t.Errorf("%q, %v", plain, err)
	}
}

func TestFailedCodecIsStartedAnew(t *testing.T) {
	p := start(t, "dies", 0)
	p.RestFor(0)
	if _, err := p.Open(t.Context(), []byte("x")); err == nil {
		t.Fatal("it works")
	}
	t.Setenv(asProgram, "works")
	if plain, err := p.Open(t.Context(), []byte("xy")); err != nil || string(plain) != "yx" {
		t.Errorf("%q, %v", plain, err)
	}
}

// A program that does not answer does not keep the console from closing.
func TestCloseWaitsForNobody(t *testing.T) {
	p := start(t, "mute", 0)
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := p.Open(soon, []byte("x")); err == nil {
		t.Fatal("it has answered")
	}
	begun := time.Now()
	p.Close()
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("closing took %v", took)
	}
}

// Every payload of an event is opened, and those that are refused say so.
func TestOpenEvent(t *testing.T) {
	p := start(t, "works", 0)
	carried := []history.CarriedSignal{{Name: "s", Arg: engine.Payload("dc")}}
	dropped, err := history.Encode(history.Event{Body: history.SignalReceived{Name: "d", Arg: engine.Payload("fe")}})
	if err != nil {
		t.Fatal(err)
	}
	started := history.Event{Body: history.WorkflowStarted{Args: []engine.Payload{[]byte("ba"), nil, []byte("!")}, Signals: carried}}
	e, err := codec.OpenEvent(t.Context(), p, started, codec.AsSealed)
	got, ok := e.Body.(history.WorkflowStarted)
	if !errors.Is(err, codec.ErrRefused) || !ok || string(got.Args[0]) != "ab" || got.Args[1] != nil || string(got.Args[2]) != string(values.Sealed) || string(got.Signals[0].Arg) != "cd" {
		t.Errorf("%+v, %v", e, err)
	}
	if string(carried[0].Arg) != "dc" {
		t.Error("the event itself has changed")
	}
	e, err = codec.OpenEvent(t.Context(), p, history.Event{Body: history.EventDropped{Event: dropped}}, codec.AsStored)
	if inner, ok := e.Body.(history.EventDropped); err != nil || !ok || !strings.Contains(string(inner.Event), "ef") && !strings.Contains(string(inner.Event), "ZWY=") {
		t.Errorf("%+v, %v", e, err)
	}
	if same, err := codec.OpenEvent(t.Context(), nil, started, codec.AsStored); err != nil || string(same.Body.(history.WorkflowStarted).Args[0]) != "ba" { //nolint:forcetypeassert // it is the same
		t.Errorf("without a codec: %+v, %v", same, err)
	}
}
