package replay

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryLook is how often a child looks at its memory.
const memoryLook = 20 * time.Millisecond

// watchMemory ends the process when it has more memory than GOMEMLIMIT, which the
// runtime itself takes for a wish.
func (s *server) watchMemory() {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return
	}
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(memoryLook) {
		metrics.Read(samples)
		// A little more than the limit is what the runtime can't do anything about.
		if used := samples[0].Value.Uint64() - samples[1].Value.Uint64(); used > uint64(limit)+uint64(limit)/16 {
			_ = s.tell(kindMemory, 0, fmt.Sprintf("the program uses %s of memory, the limit is %s", mebibytes(used), mebibytes(uint64(limit))))
			os.Exit(exitMemory) //nolint:forbidigo,revive // there is nothing to go on with
		}
	}
}

func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }
