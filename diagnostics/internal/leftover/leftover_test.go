package leftover

import (
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	stop, ended := make(chan struct{}), make(chan struct{})
	stay := func() {
		defer close(ended)
		<-stop
	}
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"nothing":          {func() {}, ""},
		"one that ends":    {func() { go func() {}() }, ""},
		"the end of f":     {runtime.Goexit, ""},
		"one that remains": {func() { go stay() }, "leftover.TestRun.func1"},
	} {
		got := Run(name, c.f)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	close(stop)
	<-ended
}
