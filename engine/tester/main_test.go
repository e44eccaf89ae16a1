package tester_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wfops/wfops/engine/registry"
	"github.com/wfops/wfops/engine/tester"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a test that can fail without failing this one.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// mustSay fails t unless err is an error whose text holds all of parts.
func mustSay(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error lacks %q: %v", p, err)
		}
	}
}

// mustPanic fails t unless f panics with a text that holds all of parts.
func mustPanic(t *testing.T, f func(), parts ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		if v == nil {
			t.Fatalf("no panic, want one that says %q", parts)
		}
		mustSay(t, fmt.Errorf("%v", v), parts...)
	}()
	f()
}

// result fails t if the workflow has not finished with a result.
func result[T any](t *testing.T, wt tester.WorkflowTester[T]) T {
	t.Helper()
	v, err := wt.WorkflowResult()
	if err != nil || !wt.WorkflowFinished() {
		t.Fatalf("finished %v: %v", wt.WorkflowFinished(), err)
	}
	return v
}

func register[T any](t *testing.T, wt tester.WorkflowTester[T], name string, wf any) {
	t.Helper()
	if err := wt.Registry().RegisterWorkflow(wf, named(name)); err != nil {
		t.Fatal(err)
	}
}

func named(name string) registry.RegisterOption { return registry.WithName(name) }
