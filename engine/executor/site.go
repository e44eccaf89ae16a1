package executor

import (
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/wfops/wfops/engine/history"
)

// frame is what one program counter stands for: our own frames are skipped, the
// first other one is the call site.
type frame struct {
	ours bool
	site history.Site
}

// frames caches frames by program counter: looking one up costs nanoseconds,
// resolving it microseconds, and a program has few places that issue commands.
var frames sync.Map // uintptr → frame

// site returns the call site of the workflow code that is calling the sink. On
// replay that is not needed unless there is a mismatch, and then it is taken from
// the stack.
func (e *Executor) site() history.Site {
	if e.replaying {
		return history.Site{}
	}
	return callSite()
}

// callSite looks at a few frames first, for what it costs is to unwind them: they
// reach the code that schedules an activity, sends a signal or sleeps.
func callSite() history.Site {
	const self, few = 3, 4
	var pcs [32]uintptr
	for _, n := range []int{few, len(pcs)} {
		if s := siteIn(pcs[:runtime.Callers(self, pcs[:n])]); !s.IsZero() {
			return s
		}
	}
	return history.Site{}
}

func siteIn(pcs []uintptr) history.Site {
	for _, pc := range pcs {
		f, ok := frames.Load(pc)
		if !ok {
			f, _ = frames.LoadOrStore(pc, resolve(pc))
		}
		if r, _ := f.(frame); !r.ours {
			return r.site
		}
	}
	return history.Site{}
}

// resolve looks at the innermost frame of pc that isn't ours: inlining can make
// one program counter stand for several.
func resolve(pc uintptr) frame {
	it := runtime.CallersFrames([]uintptr{pc})
	for {
		f, more := it.Next()
		if f.Function != "" && !isEngine(f.Function) {
			return frame{site: history.Site{Function: f.Function, File: path.Base(f.File), Line: f.Line}}
		}
		if !more {
			return frame{ours: true}
		}
	}
}

var enginePackages = []string{
	"github.com/wfops/wfops/engine/workflow.",
	"github.com/wfops/wfops/engine/executor.",
	"github.com/wfops/wfops/engine/registry.",
	"github.com/wfops/wfops/engine/internal/",
	"reflect.",
	"runtime.",
}

func isEngine(function string) bool {
	for _, p := range enginePackages {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// callers returns the stack of the calling coroutine, unresolved.
func callers() []uintptr {
	pcs := make([]uintptr, 32)
	return pcs[:runtime.Callers(3, pcs)]
}

// sitesIn are the frames of a kept stack, without those of the engine. They hold no
// addresses, folders or goroutine ids, so that they are the same from run to run.
func sitesIn(pcs []uintptr) []history.Site {
	if len(pcs) == 0 {
		return nil
	}
	var sites []history.Site
	it := runtime.CallersFrames(pcs)
	for {
		f, more := it.Next()
		if f.Function != "" && !isEngine(f.Function) {
			sites = append(sites, history.Site{Function: f.Function, File: path.Base(f.File), Line: f.Line})
		}
		if !more {
			return sites
		}
	}
}

// stackText is a stack for people.
func stackText(coroutine string, stack []history.Site) string {
	if len(stack) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "coroutine %q:\n", coroutine)
	for _, s := range stack {
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", s.Function, s.File, s.Line)
	}
	return b.String()
}
