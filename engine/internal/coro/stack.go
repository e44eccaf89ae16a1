package coro

import (
	"bytes"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// Bounds of the buffer for the stacks of all goroutines of the process.
const (
	firstStackBytes = 1 << 20
	maxStackBytes   = 64 << 20
)

// pkg is how functions of this package begin in a stack.
const pkg = "github.com/wfops/wfops/engine/internal/coro."

var (
	callArgs  = regexp.MustCompile(`(?m)^(\S.*)\([^()]*\)$`)
	offset    = regexp.MustCompile(`(?m) \+0x[0-9a-f]+$`)
	address   = regexp.MustCompile(`0x[0-9a-f]+\??`)
	inRoutine = regexp.MustCompile(` in goroutine \d+`)
)

// goroutineID returns the id of the calling goroutine.
func goroutineID() int64 {
	var buf [40]byte
	header := buf[:runtime.Stack(buf[:], false)]
	header = bytes.TrimPrefix(header, []byte("goroutine "))
	if i := bytes.IndexByte(header, ' '); i > 0 {
		header = header[:i]
	}
	id, err := strconv.ParseInt(string(header), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// stackOf returns the cleaned stack of one goroutine. It stops the world for as
// long as it takes to print all stacks.
func stackOf(id int64) string {
	header := []byte("goroutine " + strconv.FormatInt(id, 10) + " [")
	for size := firstStackBytes; ; size *= 2 {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		for stack := range bytes.SplitSeq(buf[:n], []byte("\n\n")) {
			if bytes.HasPrefix(stack, header) {
				return CleanStack(string(stack))
			}
		}
		if n < size || size >= maxStackBytes {
			return ""
		}
	}
}

// CleanStack removes from a stack what differs between two runs of the same code
// (the header, arguments, addresses, goroutine ids), the frame of this package at
// its bottom, and at its top the frames that were added after the panic, the Goexit
// or the call into this package.
func CleanStack(stack string) string {
	if strings.HasPrefix(stack, "goroutine ") {
		_, stack, _ = strings.Cut(stack, "\n")
	}
	if i := strings.Index("\n"+stack, "\n"+pkg+"(*Coroutine).main("); i >= 0 {
		stack = stack[:i]
	}
	for _, last := range []string{"panic(", "runtime.Goexit(", pkg + "(*Scheduler)."} {
		if cut, ok := cutThrough(stack, last); ok {
			stack = cut
			break
		}
	}
	stack = offset.ReplaceAllString(stack, "")
	stack = callArgs.ReplaceAllString(stack, "$1(...)")
	stack = address.ReplaceAllString(stack, "?")
	stack = inRoutine.ReplaceAllString(stack, "")
	return strings.TrimRight(stack, "\n")
}

// cutThrough cuts off the frames up to and including the last one whose function
// starts with prefix.
func cutThrough(stack, prefix string) (rest string, ok bool) {
	i := strings.LastIndex("\n"+stack, "\n"+prefix)
	if i < 0 {
		return stack, false
	}
	frame := stack[i:]
	for range 2 { // the function, and its place in the source
		_, frame, _ = strings.Cut(frame, "\n")
	}
	return frame, frame != ""
}
