package backendtest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/wfops/wfops/engine/backend"
)

// A method that is new in the port has to be in the lists that cases go through.
func TestCallsAreThoseOfThePort(t *testing.T) {
	compare(t, "writes", writes, slices.Concat(methods[backend.Control](), methods[backend.Work]()))
	compare(t, "reads", reads, slices.DeleteFunc(methods[backend.Read](), func(name string) bool { return name == "Subscribe" }))
	all := slices.Concat(methods[backend.Control](), methods[backend.Work](), methods[backend.Read](), []string{"Close"})
	if whole := methods[backend.Backend](); len(whole) != len(all) {
		t.Errorf("the port has methods beside those of its roles and Close: %q", whole)
	}
}

func compare(t *testing.T, name string, calls []call, want []string) {
	t.Helper()
	var got []string
	for _, c := range calls {
		got = append(got, c.name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s are %q, and the methods of the port %q", name, got, want)
	}
}

func methods[Role any]() (names []string) {
	for m := range reflect.TypeFor[Role]().Methods() {
		names = append(names, m.Name)
	}
	return names
}
