package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wfops/wfops/engine"
)

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{
		"a":                               true,
		"order/17 (new)":                  true,
		"größe":                           true,
		strings.Repeat("x", 255):          true,
		strings.Repeat("x", 256):          false,
		strings.Repeat("ä", 128):          false,
		"":                                false,
		"a\x00b":                          false,
		"a\xffb":                          false,
		"\xed\xa0\x80":                    false,
		strings.Repeat("x", 1<<20) + "\n": false,
	} {
		err := engine.CheckName("instance id", name)
		if (err == nil) != ok {
			t.Errorf("%.20q: %v", name, err)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, engine.ErrInvalidArgument) || !strings.Contains(err.Error(), "instance id") {
			t.Errorf("%.20q: the error does not say what is wrong: %v", name, err)
		}
		if len(err.Error()) > 400 {
			t.Errorf("%.20q: the error repeats the whole name", name)
		}
	}
}

func TestStatuses(t *testing.T) {
	seen := map[engine.Status]bool{}
	closed := false
	for _, s := range engine.Statuses() {
		if s.Open() == s.Final() {
			t.Errorf("%s is open: %t, final: %t", s, s.Open(), s.Final())
		}
		if s.Open() && closed {
			t.Errorf("open %s comes after a final one", s)
		}
		closed = closed || s.Final()
		if seen[s] {
			t.Errorf("%s comes twice", s)
		}
		seen[s] = true
	}
	if len(seen) != 7 {
		t.Errorf("there are %d statuses", len(seen))
	}
	if unknown := engine.Status("x"); unknown.Open() || unknown.Final() {
		t.Error("an unknown status is neither open nor final")
	}
}

func TestInstanceString(t *testing.T) {
	if s := (engine.Instance{InstanceID: "a", ExecutionID: "b"}).String(); s != "a/b" {
		t.Error(s)
	}
	if s := (engine.Instance{InstanceID: "a"}).String(); s != "a" {
		t.Error(s)
	}
}

func TestNewID(t *testing.T) {
	a, b := engine.NewID(), engine.NewID()
	if len(a) != 32 || strings.Trim(a, "0123456789abcdef") != "" || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestQueueDefault(t *testing.T) {
	if engine.Queue("").OrDefault() != engine.QueueDefault || engine.Queue("mail").OrDefault() != "mail" {
		t.Error("an empty queue, and no other, means the default")
	}
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		engine.NewID()
	}
}
