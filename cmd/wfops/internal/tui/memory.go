package tui

import (
	"runtime/debug"
	"runtime/metrics"
)

// garbageShare is how much garbage there may be beside what is in use, in percent: a
// long history is much to keep, and the processor has little else to do.
const garbageShare = 50

// muchMemory is what nothing but a comparison of long histories takes, in bytes.
const muchMemory = 64 << 20

// giveBack gives memory back that a screen has held which was left. An idle console
// makes so little garbage that it would be minutes until somebody looks for it.
func giveBack() {
	objects := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	if metrics.Read(objects); objects[0].Value.Uint64() > muchMemory {
		debug.FreeOSMemory()
	}
}
