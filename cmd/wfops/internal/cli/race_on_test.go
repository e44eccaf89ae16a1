//go:build race

package cli_test

// The race detector makes a loop over bytes ten times slower, and finds nothing in it.
const hugePayload = 1 << 20
