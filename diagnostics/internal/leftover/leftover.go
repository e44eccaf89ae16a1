// Package leftover finds goroutines that code has started and left running.
package leftover

import (
	"bytes"
	"context"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

// label is the pprof label of what Run runs. Goroutines inherit labels from the one
// that starts them.
const label = "wfops_replay"

// leaving is how long goroutines that were told to end may take.
const leaving = 50 * time.Millisecond

// Run calls f, in a goroutine of its own, which f may end, and waits for it. It returns
// the stacks of the goroutines that f has started and that still run; id tells them
// from those of other calls.
func Run(id string, f func()) (stacks []string) {
	run(id, f)
	return remaining(id, func() bool { return len(labeled(id)) == 0 })
}

// RunOften is Run for thousands of calls, where to look each time would cost more than
// what f does. It does not see a goroutine if as many others have ended meanwhile.
func RunOften(id string, f func()) (stacks []string) {
	before := runtime.NumGoroutine()
	run(id, f)
	return remaining(id, func() bool { return runtime.NumGoroutine() <= before })
}

func run(id string, f func()) {
	var done sync.WaitGroup
	done.Go(func() {
		pprof.Do(context.Background(), pprof.Labels(label, id), func(context.Context) { f() })
	})
	done.Wait()
}

// remaining looks when none is there any more, or when they have had the time to end.
func remaining(id string, none func() bool) (stacks []string) {
	for deadline := time.Now().Add(leaving); time.Now().Before(deadline); <-time.After(time.Millisecond) {
		if none() {
			return nil
		}
	}
	return labeled(id)
}

func labeled(id string) (stacks []string) {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return []string{"goroutines can't be listed: " + err.Error()}
	}
	for entry := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(entry, `"`+label+`":"`+id+`"`) {
			stacks = append(stacks, framesOf(entry))
		}
	}
	return stacks
}

// profileFrame is a line of a profile: "#	0x… function+0x…	file:line".
var profileFrame = regexp.MustCompile(`(?m)^#\t0x[0-9a-f]+\t(\S+)\+0x[0-9a-f]+\t+(\S+)$`)

// framesOf writes an entry of a profile as functions and base files, so that it is the
// same from run to run.
func framesOf(entry string) string {
	var b strings.Builder
	for _, m := range profileFrame.FindAllStringSubmatch(entry, -1) {
		b.WriteString(m[1] + "\n\t" + m[2][strings.LastIndexByte(m[2], '/')+1:] + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
