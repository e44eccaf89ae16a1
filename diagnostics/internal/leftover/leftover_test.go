package leftover

import (
	"runtime"
	"strings"
	"sync"
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

// Run sees what remains also when another goroutine ends meanwhile.
func TestRunDoesNotCount(t *testing.T) {
	stop, other, gone := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		<-other
	}()
	var ended sync.WaitGroup
	got := Run("counted", func() {
		ended.Go(func() { <-stop })
		close(other)
		<-gone
	})
	if len(got) != 1 {
		t.Errorf("got %q, want one that remains", got)
	}
	close(stop)
	ended.Wait()
}

func TestRunOften(t *testing.T) {
	stop := make(chan struct{})
	var ended sync.WaitGroup
	// A goroutine of another test may end meanwhile, which hides it.
	for tries := 3; ; tries-- {
		if got := RunOften("stays", func() { ended.Go(func() { <-stop }) }); len(got) > 0 {
			break
		} else if tries == 0 {
			t.Fatal("what stays is never seen")
		}
	}
	close(stop)
	ended.Wait()
	if got := RunOften("leaves", func() {}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
