package history

import "testing"

func TestTrace(t *testing.T) {
	for in, want := range map[string][2]string{
		"": {}, "00-abc-def-01": {"abc", "def"}, "00-abc": {}, "00-abc-def-01-more": {"abc", "def"},
	} {
		trace := Trace{Parent: in}
		if got := [2]string{trace.ID(), trace.SpanID()}; got != want {
			t.Errorf("ids of %q are %q, want %q", in, got, want)
		}
	}
}
