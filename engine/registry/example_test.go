package registry_test

import (
	"context"
	"fmt"

	"github.com/wfops/wfops/engine/registry"
)

type Mail struct{ host string }

func (m *Mail) Send(_ context.Context, to string) error { return nil }
func (m *Mail) Check(_ context.Context, to string) (bool, error) {
	return m.host != "" && to != "", nil
}

func ExampleRegistry_RegisterActivity() {
	r := registry.New()
	// Every exported method becomes an activity; they share the struct.
	if err := r.RegisterActivity(&Mail{host: "localhost"}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(r.Activities())

	_, err := r.GetActivity("Mail.Sent")
	fmt.Println(err)
	// Output:
	// [Mail.Check Mail.Send]
	// not registered: activity "Mail.Sent"; did you mean "Mail.Send"?
}

func ExampleWithName() {
	r := registry.New()
	// Histories hold names, so a function that was renamed keeps its old one.
	if err := r.RegisterActivity(Activity1, registry.WithName("Add")); err != nil {
		fmt.Println(err)
	}
	name, err := r.ResolveActivity(Activity1, []any{1, 2})
	fmt.Println(name, err)
	// Output: Add <nil>
}
