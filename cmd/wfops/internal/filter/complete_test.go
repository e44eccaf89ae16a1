package filter_test

import (
	"slices"
	"testing"

	"github.com/wfops/wfops/cmd/wfops/internal/filter"
)

func TestComplete(t *testing.T) {
	for text, want := range map[string][]string{
		"st":                 {"status:"},
		"type:Order* !st":    {"type:Order* !status:"},
		"status:f":           {"status:failed"},
		"is:open waiting:ti": {"is:open waiting:timer"},
		"tag":                {"tag."},
		"order":              nil,
		"status:failed x:":   nil,
	} {
		if got := filter.Complete(text); !slices.Equal(got, want) {
			t.Errorf("%q could become %q, want %q", text, got, want)
		}
	}
	if got := filter.Complete(""); len(got) != len(filter.Keys()) {
		t.Errorf("an empty filter could become %q", got)
	}
}
